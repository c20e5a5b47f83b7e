/** Which pairings of backends can be had here, and why the others cannot. */

const BACKENDS = ['ts', 'native'];

/** All pairings, client first. */
export const PAIRINGS = BACKENDS.flatMap((client) => BACKENDS.map((server) => ({ client, server })));

/** A pairing as people write it. */
export function nameOf({ client, server }) {
  return `${client}-${server}`;
}

/**
 * What is said by the built package, which is loaded here and not earlier: it may not be built.
 * @returns {Promise<{ version?: string, inlineLack?: string, reason?: string, cure?: string, isDemanded: boolean }>} the
 * version of the native backend, and why it has no inline I/O where it has none, or the reason why there is no such backend
 */
export async function nativeBackend() {
  const { backendInfo } = await import('../../dist/index.js').catch((error) => {
    throw new Error(`the package is not built (${error.message}): run npm run build`, { cause: error });
  });
  const { inlineLack } = await import('../../dist/internal.js');
  const { mode, nativeVersion, reason, cure } = backendInfo();
  const isDemanded = ['1', 'force'].includes(process.env.QWORMHOLE_NATIVE ?? '');
  if (mode !== 'native') return { reason, cure, isDemanded };
  return { version: nativeVersion, inlineLack: inlineLack(), isDemanded };
}
