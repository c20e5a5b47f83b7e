/** Promises that wait for the same moment, each of which can be given up by its own signal. */
import { onAbort } from '../abort.js';
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
    const waits = this.#waits;
    return new Promise((resolve, reject) => {
      const settled = (): void => {
        waits.delete(wait);
        stopListening?.();
      };
      const wait: Wait = {
        resolve: () => (settled(), resolve()),
        reject: (error) => (settled(), reject(error)),
      };
      waits.add(wait);
      const stopListening = signal && onAbort(signal, () => wait.reject(aborted(signal)));
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
