import { expect, test } from 'vitest';
import { interleaved } from '../../ts/policy/address-order.js';
import { race, type Attempt } from '../../ts/policy/race.js';
import { awake, failure, sleep } from '../support/wait.js';

const never = new AbortController().signal;
const events: string[] = [];
const rules = { delayMs: 30, discard: (value: string) => events.push(`discarded ${value}`) };

/** Succeeds or fails after a time, unless it is aborted. */
function taking(ms: number, name: string, fails = false): Attempt<string> {
  return async (signal) => {
    events.push(`began ${name}`);
    await sleep(ms);
    if (signal.aborted) events.push(`aborted ${name}`);
    if (signal.aborted || fails) throw new Error(name);
    return name;
  };
}
const hanging =
  (name: string): Attempt<string> =>
  (signal) => {
    events.push(`began ${name}`);
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => (events.push(`aborted ${name}`), reject(new Error(name))));
    });
  };

test.beforeEach(() => void events.splice(0));

test('one that does not answer costs a moment, one that fails costs nothing', async () => {
  const began = performance.now();
  const took = awake();
  const winner = await race([hanging('a'), taking(0, 'b', true), taking(0, 'c')], rules, never);
  expect(winner).toBe('c');
  expect(performance.now() - began).toBeGreaterThanOrEqual(28);
  expect(took()).toBeLessThan(500);
  expect(events).toEqual(['began a', 'began b', 'began c', 'aborted a']);
});

test('one that answers in time has no rival', async () => {
  expect(await race([taking(5, 'a'), taking(0, 'b')], rules, never)).toBe('a');
  await sleep(40);
  expect(events).toEqual(['began a']);
});

test('all have failed: the last failure is told', async () => {
  const attempts = [taking(1000, 'slow', true), taking(0, 'fast', true)];
  expect((await failure(() => race(attempts, rules, never))).message).toBe('slow');
});

test('a failure that is final ends it', async () => {
  const isFinal = () => true;
  const attempts = [taking(0, 'a', true), taking(0, 'b')];
  expect((await failure(() => race(attempts, { ...rules, isFinal }, never))).message).toBe('a');
  expect(events).toEqual(['began a']);
});

test('an abort ends all that are under way', async () => {
  const controller = new AbortController();
  const racing = failure(() => race([hanging('a'), hanging('b')], rules, controller.signal));
  await sleep(60);
  controller.abort();
  expect((await racing).code).toBe('ERR_QW_ABORTED');
  expect(events).toEqual(['began a', 'began b', 'aborted a', 'aborted b']);
});

test('what succeeds too late is discarded', async () => {
  const late: Attempt<string> = async () => {
    await sleep(60);
    return 'late';
  };
  expect(await race([late, taking(0, 'b')], rules, never)).toBe('b');
  await sleep(60);
  expect(events).toEqual(['began b', 'discarded late']);
});

test('without overlap one is given up before the next begins', async () => {
  expect(await race([hanging('a'), taking(0, 'b')], { ...rules, overlap: false }, never)).toBe('b');
  expect(events).toEqual(['began a', 'aborted a', 'began b']);
});

test('families take turns, beginning with the one that the system prefers', () => {
  const [a4, b4, a6, b6, c6] = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2', '2001:db8::3'].map(
    (address) => ({ address, family: address.includes(':') ? 6 : 4 }),
  );
  expect(interleaved([a6, b6, c6, a4, b4])).toEqual([a6, a4, b6, b4, c6]);
  expect(interleaved([a4, b4, a6])).toEqual([a4, a6, b4]);
  expect(interleaved([b4])).toEqual([b4]);
});

/** The other end is there after a time, and decides after another. */
function answering(after: number, ms: number, name: string, fails = false): Attempt<string> {
  return async (signal, onAnswer) => {
    events.push(`began ${name}`);
    await sleep(after);
    if (!signal.aborted) onAnswer();
    await sleep(ms);
    if (signal.aborted) events.push(`aborted ${name}`);
    if (signal.aborted || fails) throw new Error(name);
    return name;
  };
}

test('one whose other end is there has no rival, however long that takes to decide', async () => {
  expect(await race([answering(0, 150, 'a'), taking(0, 'b')], rules, never)).toBe('a');
  expect(events).toEqual(['began a']);
});

test('it gives up those that began before it was there, and they begin anew if it fails', async () => {
  expect(await race([answering(50, 100, 'a', true), taking(60, 'b')], rules, never)).toBe('b');
  expect(events).toEqual(['began a', 'began b', 'aborted b', 'began b']);
});
