/** What follows when the native backend breaks while it is in use. */
import { QWormholeError } from '../errors/error.js';
import type { Choice } from '../link/choose.js';
import type { ClientSettings, ServerSettings } from '../options/settings.js';
import { honours } from '../options/support.js';

/** How long the ports of the broken backend are waited for, ms, and how often it is tried. */
const PATIENCE_MS = 3000;
const RETRY_MS = 25;

/** `migrate` goes on with the TypeScript backend, `error` ends the server or client. */
export type NativeFailureAction = 'migrate' | 'error';

/** The option decides, else whether native was demanded; and no option may be lost on the way. */
export function nativeFailureAction(
  settings: ServerSettings | ClientSettings,
  choice: Choice,
): NativeFailureAction {
  const wanted = settings.onNativeFailure ?? (choice.forced ? 'error' : 'migrate');
  return wanted === 'migrate' && honours(settings, 'ts') ? 'migrate' : 'error';
}

/** The error that users see, whatever the backend said. */
export function nativeFailed(cause: QWormholeError): QWormholeError {
  if (cause.code === 'ERR_QW_NATIVE_FAILED') return cause;
  return new QWormholeError('ERR_QW_NATIVE_FAILED', undefined, { cause });
}

/** Tries again while a port is still taken, for a short time. */
export async function whilePortIsTaken<T>(bind: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await bind();
    } catch (error) {
      const isTaken = error instanceof QWormholeError && error.code === 'ERR_QW_ADDRESS_IN_USE';
      if (!isTaken || performance.now() >= giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
