/** The one judge of all attacks: the process, what it counts, what it says, and what it holds afterwards. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CANARY } from './canary.js';
import { QUARANTINE } from './quarantine.js';
import type { Holdings, Report, Target } from './target.js';

/** What an attack took comes back within this, ms. */
const BACK_WITHIN_MS = 10_000;
/** To so much above what it was before. */
const SLACK = 1.1;
/**
 * Behind thousands of connections at once the allocator keeps pages of free memory, for a block or two in each that
 * stays, bytes: 13 MiB were seen behind 40,000 connections, with 3.3 MB of live blocks before and behind them, and 21 MiB
 * behind 10,000 at once. Where each of 40,000 leaks a KiB, it is more.
 */
const KEPT_BEHIND_CROWDS = 28 * 1024 * 1024;
/**
 * Events of refusals that are alike are told of once a second, so that no row can wait for its own: the counter is what
 * tells, as late as a fault may be noticed, ms.
 */
const COUNT_WITHIN_MS = 10_000;

export class Oracle {
  readonly #target: Target;
  #before!: Holdings;
  #stats: Report['stats'] = {};

  constructor(target: Target) {
    this.#target = target;
  }

  /** Before the attack. */
  async calm({ stats }: Report): Promise<void> {
    this.#stats = stats;
    await this.#target.unsaid();
    this.#before = await this.#target.holds();
  }

  /** Each of the named numbers has risen by as many as there are of it. */
  async counted(report: () => Promise<Report>, names: readonly string[]): Promise<void> {
    const giveUpAt = performance.now() + COUNT_WITHIN_MS;
    for (;;) {
      const { stats } = await report();
      const lacking = names.filter((name) => {
        const wanted = names.filter((each) => each === name).length;
        return valueOf(stats, name) - valueOf(this.#stats, name) < wanted;
      });
      if (lacking.length === 0) return;
      if (performance.now() > giveUpAt)
        throw new Error(`not counted as ${[...new Set(lacking)].join(', ')}: ${told(stats)}`);
      await sleep(5);
    }
  }

  /** The same of a client that was made for one attack. */
  async countedFresh({ stats }: Report, name: string | undefined): Promise<void> {
    if (name !== undefined && valueOf(stats, name) < 1)
      throw new Error(`not counted as ${name}: ${told(stats)}`);
  }

  /** After it. */
  async judge({ isCrowd }: { isCrowd: boolean }): Promise<void> {
    const { logs, texts, uncaught } = await this.#target.said();
    if (uncaught.length > 0) throw new Error(`not caught: ${uncaught.join('\n')}`);
    const { output, isAlive } = this.#target;
    if (!isAlive) throw new Error(`the process died: ${output}`);
    if (output.includes('panicked')) throw new Error(`a panic: ${output}`);
    const telling = [...logs, ...texts, output].find((text) => holdsCanary(text));
    if (telling !== undefined) throw new Error(`a log holds what was sent: ${telling}`);
    await this.#isBack(QUARANTINE + (isCrowd ? KEPT_BEHIND_CROWDS : 0));
  }

  /** @param kept Bytes that may stay in any case. */
  async #isBack(kept: number): Promise<void> {
    const giveUpAt = performance.now() + BACK_WITHIN_MS;
    for (;;) {
      const held = this.#held(await this.#target.holds(), kept);
      if (held.length === 0) return;
      if (performance.now() > giveUpAt) throw new Error(`not back: ${held.join(', ')}`);
      await sleep(50);
    }
  }

  /** What is more than before. */
  #held({ rss, descriptors, resources }: Holdings, kept: number): string[] {
    const before = this.#before;
    return [
      ...(rss > Math.max(before.rss * SLACK, before.rss + kept)
        ? [`${before.rss} -> ${rss} bytes of memory`]
        : []),
      ...(descriptors > before.descriptors ? [`${before.descriptors} -> ${descriptors} descriptors`] : []),
      ...(resources.length > before.resources.length * SLACK
        ? [`${before.resources.toSorted()} -> ${resources.toSorted()}`]
        : []),
    ];
  }
}

/** As it is, or as bytes are shown. */
function holdsCanary(text: string): boolean {
  const hex = Buffer.from(CANARY).toString('hex');
  return text.includes(CANARY) || text.includes(hex) || text.includes(hex.replaceAll(/../g, '$& ').trim());
}

/** The counters of what goes wrong. */
function told({ faults, handshakes, qwhHandshakes, tls, attempts, undecodable }: Report['stats']): string {
  const failures = tls?.failures;
  return JSON.stringify({ faults, handshakes, qwhHandshakes, failures, attempts, undecodable });
}

/** A number by its path; none is 0. */
function valueOf(stats: Report['stats'], path: string): number {
  let value: any = stats;
  for (const name of path.split('.')) value = value?.[name];
  return typeof value === 'number' ? value : 0;
}
