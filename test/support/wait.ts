/** Waiting in tests: always for something, never for a time alone. */
import { once, type EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Polls until `condition` holds; fails after `timeoutMs` with what it waited for. */
export async function until(
  condition: () => boolean,
  what = 'a condition',
  timeoutMs = 10_000,
): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await sleep(2);
  }
}

/** The arguments of the next `event`. Unlike `once` of node:events, an `error` meanwhile is no failure. */
export function next(emitter: EventEmitter, event: string): Promise<any[]> {
  if (event === 'error') return once(emitter, event);
  return new Promise((resolve) => emitter.once(event, (...values) => resolve(values)));
}

/** The next `count` first arguments of `event`, in order. */
export function collect<T = any>(emitter: EventEmitter, event: string, count: number): Promise<T[]> {
  return new Promise((resolve) => {
    const values: T[] = [];
    const onEvent = (value: T): void => {
      values.push(value);
      if (values.length < count) return;
      emitter.off(event, onEvent);
      resolve(values);
    };
    emitter.on(event, onEvent);
  });
}

/** Of a time in which this process was not run at all so much counts, ms. */
const MOMENT_MS = 50;

/**
 * Counts the time from now on in which this process was awake, ms: for bounds from above, which a machine that stands
 * still for a while would break.
 */
export function awake(): () => number {
  let ms = 0;
  let last = performance.now();
  const count = (): void => {
    const now = performance.now();
    ms += Math.min(now - last, MOMENT_MS);
    last = now;
  };
  const timer = setInterval(count, MOMENT_MS / 5).unref();
  return () => {
    clearInterval(timer);
    count();
    return ms;
  };
}

/** The same value so many times. */
export function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

/** What `action` throws, or rejects with. */
export async function failure(action: () => unknown): Promise<any> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
