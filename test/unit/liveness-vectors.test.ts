/** Peers are watched alike in both languages: `test/vectors/liveness.json`, which Rust reads too. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Liveness } from 'qwormhole/internal';

interface Vector {
  name: string;
  intervalMs?: number;
  timeoutMs?: number;
  peerTimeoutMs?: number;
  /** `null` where there is nothing to do: nobody makes a watch then. */
  steps: { at: number; do?: 'hear' | 'pause' | 'resume'; act?: string; due: number | null }[] | null;
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/liveness.json', import.meta.url), 'utf8'),
) as Vector[];

it.each(vectors.filter(({ steps }) => steps !== null))('$name', (vector) => {
  const { intervalMs, timeoutMs = 0, peerTimeoutMs, steps } = vector;
  const heartbeat = intervalMs === undefined ? undefined : { intervalMs, timeoutMs };
  const liveness = new Liveness(heartbeat, peerTimeoutMs, 0);
  for (const step of steps!) {
    let act: string | undefined;
    if (step.do === 'hear') liveness.heard(step.at);
    else if (step.do !== undefined) liveness.setReading(step.do === 'resume', step.at);
    else act = liveness.onTime(step.at);
    expect([act, liveness.due], `at ${step.at}`).toEqual([step.act, step.due ?? Infinity]);
  }
});
