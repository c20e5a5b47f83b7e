/** What a client keeps while it has no connection: its bounds, its order, its copies. */
import { environmentBudget, OfflineQueue } from 'qwormhole/internal';
import { expect, it } from 'vitest';

const BUDGET = 1 << 30;

function drain(queue: OfflineQueue): string[] {
  const out: string[] = [];
  for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
    out.push(Buffer.from(next.payload as Uint8Array).toString());
    queue.shift();
  }
  return out;
}

function push(queue: OfflineQueue, text: string, now = 0): string | undefined {
  return queue.push(Buffer.from(text), text.length, now);
}

it('keeps the order and counts bytes', () => {
  const queue = new OfflineQueue({ maxBytes: 1000, maxAgeMs: 1000 }, BUDGET);
  for (const text of ['one', 'two', 'three']) expect(push(queue, text)).toBeUndefined();
  expect(queue.bytes).toBe(11);
  expect(drain(queue)).toEqual(['one', 'two', 'three']);
  expect(queue.bytes).toBe(0);
  expect(queue.isEmpty).toBe(true);
});

it('refuses what does not fit', () => {
  const queue = new OfflineQueue({ maxBytes: 100, maxAgeMs: 1000 }, BUDGET);
  expect(push(queue, 'x'.repeat(100))).toBeUndefined();
  expect(push(queue, 'y')).toBe('queue-full');
  queue.shift();
  expect(push(queue, 'y')).toBeUndefined();
});

it('does not take empty messages for free', () => {
  const queue = new OfflineQueue({ maxBytes: 160, maxAgeMs: 1000 }, BUDGET);
  for (let i = 0; i < 10; i += 1) expect(push(queue, '')).toBeUndefined();
  expect(push(queue, '')).toBe('queue-full');
});

it('drops what is too old, oldest first', () => {
  const queue = new OfflineQueue({ maxBytes: 1000, maxAgeMs: 50 }, BUDGET);
  push(queue, 'old', 0);
  push(queue, 'newer', 30);
  expect(queue.expiresAt).toBe(50);
  expect(queue.expire(49)).toEqual({ messages: 0, bytes: 0 });
  expect(queue.expire(50)).toEqual({ messages: 1, bytes: 3 });
  expect(drain(queue)).toEqual(['newer']);
});

it('copies bytes, which the caller may reuse', () => {
  const queue = new OfflineQueue({ maxBytes: 1000, maxAgeMs: 50 }, BUDGET);
  const bytes = Buffer.from('before');
  queue.push(bytes, bytes.length, 0);
  bytes.write('after!');
  expect(drain(queue)).toEqual(['before']);
});

it('counts towards the budget of the environment, and obeys it', () => {
  const queue = new OfflineQueue({ maxBytes: 10_000, maxAgeMs: 50 }, 5000);
  const before = environmentBudget.used();
  push(queue, 'x'.repeat(4000));
  expect(environmentBudget.used() - before).toBe(4000);
  expect(push(queue, 'x'.repeat(4000))).toBe('budget');
  expect(queue.clear()).toEqual({ bytes: 4000, messages: 1 });
  expect(environmentBudget.used()).toBe(before);
});

it('stays in order over many pushes and shifts', () => {
  const queue = new OfflineQueue({ maxBytes: 1 << 20, maxAgeMs: 50 }, BUDGET);
  const out: string[] = [];
  for (let i = 0; i < 1000; i += 1) {
    push(queue, `a${i}`);
    push(queue, `b${i}`);
    out.push(Buffer.from(queue.peek()!.payload as Uint8Array).toString());
    queue.shift();
  }
  out.push(...drain(queue));
  expect(out).toEqual(Array.from({ length: 1000 }, (_, i) => [`a${i}`, `b${i}`]).flat());
});
