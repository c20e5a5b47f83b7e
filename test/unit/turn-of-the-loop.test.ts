/** How much of what has come is delivered in one turn of the event loop: `ts/link/turn.ts`, `ts/policy/batching.ts`. */
import { expect, test } from 'vitest';
import { Turn, UNTIMED, type Pace, type TurnBounds } from '../../ts/link/turn.js';
import { nextStride, turnBounds } from '../../ts/policy/batching.js';

/** Delivers events that each take their time, as long as turns admit; how many each turn had. */
class Source {
  readonly turns: number[] = [];
  readonly #turn: Turn;
  #left: number;
  readonly #deliver: () => void;

  constructor(turn: Turn, events: number, deliver = () => {}) {
    this.#turn = turn;
    this.#left = events;
    this.#deliver = deliver;
  }

  onTurn(): void {
    let count = 0;
    for (; this.#left > 0 && !this.#turn.defers(this); this.#left -= 1) {
      count += 1;
      this.#deliver();
    }
    this.turns.push(count);
  }
}

async function finish(sources: readonly Source[], events: number): Promise<void> {
  const delivered = () => sources.flatMap(({ turns }) => turns).reduce((sum, count) => sum + count, 0);
  while (delivered() < events) await new Promise(setImmediate);
}

function burn(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

test.each<[string, number, Pace, number]>([
  ['grows by doubling while events are quick', 1, { events: 1, ms: 0.001 }, 2],
  ['is bounded', 64, { events: 64, ms: 0.01 }, 64],
  ['keeps to a part of the turn', 64, { events: 64, ms: 1 }, 16],
  ['falls to one at once when events are slow', 64, { events: 64, ms: 64 }, 1],
  ['stays at one while a single event takes too long', 1, { events: 1, ms: 5 }, 1],
  ['comes back after a pause of the collector', 1, { events: 1, ms: 0.01 }, 2],
  ['takes a clock that has not moved', 8, { events: 8, ms: 0 }, 16],
])('a stride %s', (_, last, pace, next) => {
  expect(nextStride(last, pace)).toBe(next);
});

test('off bounds events, guarded and aggressive the time, and an object what it says', () => {
  expect(turnBounds('off')).toMatchObject({ ms: Infinity, events: UNTIMED.events });
  for (const mode of ['guarded', 'aggressive'] as const)
    expect(turnBounds(mode)).toMatchObject({ ms: 2, events: Infinity });
  expect(turnBounds({ maxEvents: 7 })).toMatchObject({ ms: Infinity, events: 7, isExact: true });
  expect(turnBounds({})).toMatchObject({ ms: Infinity, events: Infinity });
});

test('a forced number of events is exact, whatever earlier turns left of it', async () => {
  const turn = new Turn();
  turn.bound(turnBounds({ maxEvents: 10 }));
  const early = new Source(turn, 3);
  early.onTurn();
  await new Promise(setImmediate);
  const source = new Source(turn, 35);
  source.onTurn();
  await finish([source], 35);
  expect(source.turns.filter((count) => count > 0)).toEqual([10, 10, 10, 5]);
  expect(turn.cuts).toEqual({ time: 0, events: 3 });
});

test('quick events end no turn by time, slow ones end each after a few', async () => {
  const turn = new Turn();
  turn.bound(turnBounds('guarded'));
  const quick = new Source(turn, 2000);
  quick.onTurn();
  await finish([quick], 2000);
  const before = turn.cuts.time;
  expect(turn.bounds.stride).toBeGreaterThan(1);
  const slow = new Source(turn, 200, () => burn(1));
  slow.onTurn();
  await finish([slow], 200);
  expect(turn.cuts.time).toBeGreaterThan(before);
  expect(turn.lastCut).toBe('time');
  // The first one began with the stride of quick events. A turn has one event at least, and two of 1 ms are over.
  expect(slow.turns[0]).toBeLessThanOrEqual(2 * 64);
  for (const count of slow.turns.slice(1)) expect(count).toBeLessThanOrEqual(3);
});

test('those that wait have their turns in order, so that none is left behind', async () => {
  const turn = new Turn();
  turn.bound(turnBounds({ maxEvents: 2 }));
  const order: string[] = [];
  const sources = ['a', 'b', 'c'].map((name) => new Source(turn, 4, () => order.push(name)));
  for (const source of sources) source.onTurn();
  await finish(sources, 12);
  // The first two went at once; from then on it is those who came first, each for a turn.
  expect(order.join('')).toBe('aaaabbccbbcc');
});

test('a waiter that throws leaves the others their turn', async () => {
  const turn = new Turn();
  turn.bound(turnBounds({ maxEvents: 1 }));
  expect(turn.grant(1)).toBe(1);
  const source = new Source(turn, 1);
  const thrown = new Promise((resolve) => process.prependOnceListener('uncaughtException', resolve));
  const others = process.rawListeners('uncaughtException').slice(1) as ((error: Error) => void)[];
  for (const listener of others) process.removeListener('uncaughtException', listener);
  turn.wait({
    onTurn() {
      throw new Error('mine');
    },
  });
  turn.wait(source);
  expect(await thrown).toMatchObject({ message: 'mine' });
  for (const listener of others) process.on('uncaughtException', listener);
  await finish([source], 1);
  expect(source.turns).toEqual([1]);
});

test('of several bounds the strictest hold, and none when all are gone', () => {
  const turn = new Turn();
  const stops = [turnBounds('off'), turnBounds('guarded'), turnBounds({ maxEvents: 5 })].map(
    (bounds: TurnBounds) => turn.bound(bounds),
  );
  expect(turn.bounds).toMatchObject({ ms: 2, events: 5 });
  stops[2]();
  expect(turn.bounds).toMatchObject({ ms: 2, events: 4096 });
  for (const stop of stops) stop();
  expect(turn.bounds).toMatchObject({ ms: Infinity, events: 4096 });
});

test('without bounds of time no stride is short, and the clock is not looked at', () => {
  const turn = new Turn();
  expect(turn.grant(1000)).toBe(1000);
  expect(turn.grant(10_000)).toBe(3096);
});
