/** Signals: listening to them without leaving anything behind. */
import { setMaxListeners } from 'node:events';
import { aborted } from './errors/error.js';

/** A promise that a signal can cut short; what it waits for goes on. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(aborted(signal));
  }
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(aborted(signal)));
    promise.then(resolve, reject).finally(stopListening);
  });
}

/** Calls back when the signal is aborted; the returned function ends that. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  // One signal for a whole program is good use, not the leak that node suspects from the eleventh listener on.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', callback);
  return () => signal.removeEventListener('abort', callback);
}
