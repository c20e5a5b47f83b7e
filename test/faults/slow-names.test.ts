/** A resolver that does not answer: it takes its callers' time, and nobody else's. Needs a C compiler. */
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { preloaded } from '../support/preloaded.js';
import { cleanUp } from '../support/scene.js';

/** Longer than anything takes on a busy machine, and far less than a resolver, ms. */
const SOON_MS = 8000;

const { missing, env } = preloaded('./slow-names.c', 'names that do not resolve in time');

/** What came of it. */
async function tried(what: string): Promise<any> {
  const child = new Child('./namesake.mjs', [what], env);
  cleanUp(() => child.kill());
  return child.line();
}

describe.skipIf(missing !== undefined)('a resolver that does not answer', () => {
  it('takes as long as a client bears it', async () => {
    const { code, what, tookMs } = await tried('limit');
    expect([code, what]).toEqual(['ERR_QW_CONNECT_TIMEOUT', 'slow-name:9']);
    expect(tookMs).toBeGreaterThan(450);
    expect(tookMs).toBeLessThan(500 + SOON_MS);
  });

  it('is asked once for a name, however often it is called: other names resolve', async () => {
    const { echo, tookMs } = await tried('again');
    expect(echo).toBe('by name');
    expect(tookMs).toBeLessThan(500 + SOON_MS);
  });

  it('holds up neither addresses, files, compression nor an end', async () => {
    const { echoes, file, tookMs, closedMs } = await tried('others');
    expect([echoes, file]).toEqual([[130, 130], true]);
    expect(tookMs).toBeLessThan(SOON_MS);
    expect(closedMs).toBeLessThan(SOON_MS);
  });

  it('does not keep a client from the next endpoint', async () => {
    const { echo, tookMs } = await tried('next');
    expect(echo).toBe('the other one');
    expect(tookMs).toBeLessThan(500 + SOON_MS);
  });
});
