/** What becomes of the errors of users' own listeners. */
import type { EventEmitter } from 'node:events';

/**
 * Tells the listeners of `handlerError`; without one the error is rethrown where Node would have: an exception
 * as uncaught, a rejection as unhandled. A listener that fails itself is not asked about itself.
 */
export function reportHandlerError(
  emitter: EventEmitter,
  error: unknown,
  isRejection: boolean,
  ...context: readonly unknown[]
): void {
  const listeners = emitter.rawListeners('handlerError');
  if (listeners.length === 0) return rethrow(error, isRejection);
  for (const listener of listeners) {
    try {
      // A promise is left alone: its rejection is an unhandled one, which is what is wanted here.
      listener.call(emitter, error, ...context);
    } catch (failure) {
      rethrow(failure, false);
    }
  }
}

function rethrow(error: unknown, isRejection: boolean): void {
  if (isRejection) {
    void Promise.reject(error);
    return;
  }
  process.nextTick(() => {
    throw error;
  });
}
