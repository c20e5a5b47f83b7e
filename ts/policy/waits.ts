/** Promises that wait for the same moment, each of which can be given up by its own signal. */
import { aborted } from '../errors/error.js';

/** What everything that waits takes. */
export interface WaitOptions {
  /** Its abort rejects with `ERR_QW_ABORTED`; the cause is the signal's reason. */
  readonly signal?: AbortSignal;
}

interface Wait {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Waits {
  readonly #waits = new Set<Wait>();

  get isEmpty(): boolean {
    return this.#waits.size === 0;
  }

  /** Waits for the next `resolve` or `reject`. */
  add({ signal }: WaitOptions = {}): Promise<void> {
    if (signal?.aborted) return Promise.reject(aborted(signal));
    return new Promise((resolve, reject) => {
      const settled = (): void => {
        this.#waits.delete(wait);
        signal?.removeEventListener('abort', onAbort);
      };
      const wait: Wait = {
        resolve: () => (settled(), resolve()),
        reject: (error) => (settled(), reject(error)),
      };
      const onAbort = (): void => wait.reject(aborted(signal!));
      this.#waits.add(wait);
      signal?.addEventListener('abort', onAbort);
    });
  }

  /** The moment has come. */
  resolve(): void {
    for (const wait of this.#waits) wait.resolve();
  }

  /** It will never come. */
  reject(error: unknown): void {
    for (const wait of this.#waits) wait.reject(error);
  }
}

/** A promise that a signal can cut short; what it waits for goes on. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(aborted(signal));
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(aborted(signal));
    signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
