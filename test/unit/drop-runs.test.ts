/** One report per run of drops. */
import { DropLog, type DropRun } from 'qwormhole/internal';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { times } from '../support/wait.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function log(): { drops: DropLog; runs: DropRun[] } {
  const runs: DropRun[] = [];
  return { drops: new DropLog((run) => runs.push(run)), runs };
}

it('ends a run with the next accepted message', () => {
  const { drops, runs } = log();
  for (let i = 0; i < 1000; i += 1) drops.add('queue-full', 10);
  expect(runs).toEqual([]);
  drops.end();
  drops.end();
  expect(runs).toEqual([{ reason: 'queue-full', count: 1000, bytes: 10_000 }]);
});

it('reports a run that does not end in parts', () => {
  const { drops, runs } = log();
  for (let i = 0; i < 3; i += 1) {
    drops.add('queue-full', 10);
    drops.add('queue-full', 10);
    vi.runAllTimers();
  }
  expect(runs).toEqual(times(3, { reason: 'queue-full', count: 2, bytes: 20 }));
});

it('ends a run with another reason', () => {
  const { drops, runs } = log();
  drops.add('queue-full', 1);
  drops.add('closed', 2);
  drops.add('closed', 3);
  drops.end();
  expect(runs).toEqual([
    { reason: 'queue-full', count: 1, bytes: 1 },
    { reason: 'closed', count: 2, bytes: 5 },
  ]);
});

it('is not confused by a listener that drops again', () => {
  const runs: DropRun[] = [];
  const drops: DropLog = new DropLog((run) => {
    runs.push(run);
    if (runs.length < 3) drops.add('queue-full', 1);
  });
  drops.add('queue-full', 1);
  drops.end();
  vi.runAllTimers();
  expect(runs).toHaveLength(3);
  expect(vi.getTimerCount()).toBe(0);
});
