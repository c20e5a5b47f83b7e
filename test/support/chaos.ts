/** A bad network in front of a server of a test. */
import { ChaosProxy, type ChaosOptions } from 'qwormhole/testing';
import { onTestFailed } from 'vitest';
import { cleanUp } from './scene.js';

/** QWORMHOLE_TEST_SEED has the same chance again. */
const SEED = process.env.QWORMHOLE_TEST_SEED;

/** It is gone at the end of the test, and says its seed when that fails. */
export async function proxyBefore(
  server: { readonly addresses: readonly string[] } | string,
  options: ChaosOptions = {},
): Promise<ChaosProxy> {
  const address = typeof server === 'string' ? server : server.addresses[0];
  const seed = SEED === undefined ? {} : { seed: Number(SEED) };
  const proxy = await ChaosProxy.before(address, { ...seed, ...options });
  cleanUp(() => proxy.close());
  onTestFailed(() => console.log(`the proxy's chance: QWORMHOLE_TEST_SEED=${proxy.seed}`));
  return proxy;
}
