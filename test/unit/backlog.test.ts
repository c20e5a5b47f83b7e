/** What waits above the seam: its order, its counts, its keys. */
import fc from 'fast-check';
import { Backlog, environmentBudget, type Outgoing } from 'qwormhole/internal';
import { expect, it } from 'vitest';
import { holds } from '../support/holds.js';

function message(text: string, cls: 0 | 1 | 2 = 1, key?: string): Outgoing {
  return { payload: text, size: text.length, cls, isText: true, key };
}

function drain(backlog: Backlog): string[] {
  const out: string[] = [];
  for (let next = backlog.first(); next !== undefined; next = backlog.first()) {
    out.push(String(next.payload));
    backlog.remove(next);
  }
  return out;
}

it('gives higher classes first, and each in order', () => {
  const backlog = new Backlog();
  for (const [text, cls] of [
    ['l1', 2],
    ['n1', 1],
    ['h1', 0],
    ['n2', 1],
    ['l2', 2],
    ['h2', 0],
  ] as const)
    backlog.push(message(text, cls));
  expect(drain(backlog)).toEqual(['h1', 'h2', 'n1', 'n2', 'l1', 'l2']);
});

it('puts a replacement in the place of the other', () => {
  const backlog = new Backlog();
  for (const text of ['a', 'b', 'c']) backlog.push(message(text, 1, text));
  backlog.replace(backlog.withKey('b')!, message('newer b', 1, 'b'));
  expect(backlog.messages).toBe(3);
  expect(backlog.withKey('b')!.payload).toBe('newer b');
  expect(drain(backlog)).toEqual(['a', 'newer b', 'c']);
  expect(backlog.withKey('b')).toBeUndefined();
});

it('drops the oldest of the lowest class, and nothing above that of the newcomer', () => {
  const backlog = new Backlog();
  backlog.push(message('high', 0));
  backlog.push(message('normal', 1));
  expect(backlog.leastOf(2)).toBeUndefined();
  expect(backlog.leastOf(1)!.payload).toBe('normal');
  backlog.push(message('low', 2));
  expect(backlog.leastOf(0)!.payload).toBe('low');
});

it('agrees with a plain list, whatever is done to it', async () => {
  const step = fc.record({
    action: fc.constantFrom('push', 'push', 'keyed', 'shift', 'least'),
    cls: fc.constantFrom(0, 1, 2),
    key: fc.constantFrom('a', 'b', 'c'),
    size: fc.nat(400),
  });
  const before = environmentBudget.used();
  await holds(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const backlog = new Backlog();
      let list: Outgoing[] = [];
      for (const [index, { action, cls, key, size }] of steps.entries()) {
        const next = message(
          `${index}`.padEnd(size, '.'),
          cls as 0 | 1 | 2,
          action === 'keyed' ? key : undefined,
        );
        const twin = list.find((each) => each.key === key && each.cls === cls);
        if (action === 'keyed' && backlog.withKey(key)?.cls === cls) {
          backlog.replace(backlog.withKey(key)!, next);
          list = list.map((each) => (each === twin ? next : each));
        } else if (action === 'keyed' || action === 'push') {
          const other = action === 'keyed' ? backlog.withKey(key) : undefined;
          if (other !== undefined) backlog.remove(other);
          list = list.filter((each) => action === 'push' || each.key !== key);
          backlog.push(next);
          list.push(next);
        } else {
          const isShift = action === 'shift';
          const victim = isShift ? backlog.first() : backlog.leastOf(0);
          const wanted = [0, 1, 2].map((each) => list.find((one) => one.cls === each)).filter(Boolean);
          expect(victim?.payload).toBe((isShift ? wanted[0] : wanted.at(-1))?.payload);
          if (victim !== undefined) backlog.remove(victim);
          list = list.filter((each) => each.payload !== victim?.payload);
        }
        expect(backlog.messages).toBe(list.length);
        expect(backlog.bytes).toBe(list.reduce((sum, each) => sum + each.size, 0));
      }
      const expected = [0, 1, 2].flatMap((cls) => list.filter((each) => each.cls === cls));
      expect(drain(backlog)).toEqual(expected.map(({ payload }) => payload));
      expect([backlog.bytes, backlog.messages, backlog.cost]).toEqual([0, 0, 0]);
    }),
  );
  expect(environmentBudget.used()).toBe(before);
});
