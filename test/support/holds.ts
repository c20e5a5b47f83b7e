/**
 * Properties, tried as often as their tests say; or, where `QWORMHOLE_FUZZ_SECONDS` is set, each for so long, with other
 * inputs every time. `node scripts/properties.mjs` sets it, and learns from the file `QWORMHOLE_FUZZ_COUNTS` how often
 * each was tried.
 */
import { appendFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';

const SECONDS = Number(process.env.QWORMHOLE_FUZZ_SECONDS ?? 0);
const COUNTS = process.env.QWORMHOLE_FUZZ_COUNTS;
/** What cannot be interrupted may take on a busy machine, ms. */
const MARGIN_MS = 600_000;

type Property<T> = fc.IProperty<T> | fc.IAsyncProperty<T>;

/** What a test may take that takes `ms` where properties are tried as often as usual. */
export function patience(ms: number): number {
  return SECONDS === 0 ? ms : ms + SECONDS * 1000 + MARGIN_MS;
}

/** @throws {Error} with the least input that it does not hold for */
export async function holds<T>(property: Property<T>, parameters: fc.Parameters<T> = {}): Promise<void> {
  if (SECONDS > 0) await holdsForLong(property, parameters);
  else await fc.assert(property as fc.IAsyncProperty<T>, parameters);
}

async function holdsForLong<T>(property: Property<T>, parameters: fc.Parameters<T>): Promise<void> {
  const began = performance.now();
  let runs = 0;
  while (performance.now() - began < SECONDS * 1000) {
    const details = await fc.check(property as fc.IAsyncProperty<T>, { ...parameters, seed: undefined });
    runs += details.numRuns;
    if (details.failed) throw new Error(await fc.asyncDefaultReportMessage(details));
    // The test runner takes a worker that is silent for a minute for dead.
    await setImmediate();
  }
  const seconds = (performance.now() - began) / 1000;
  if (COUNTS !== undefined) appendFileSync(COUNTS, `${JSON.stringify({ runs, seconds })}\n`);
}
