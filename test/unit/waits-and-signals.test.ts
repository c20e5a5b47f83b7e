/** Promises with signals: settled once, and no listener left behind. */
import { getEventListeners } from 'node:events';
import { abortable, Waits } from 'qwormhole/internal';
import { expect, it } from 'vitest';
import { failure } from '../support/wait.js';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

it('resolves all that wait', async () => {
  const waits = new Waits();
  const both = Promise.all([waits.add(), waits.add()]);
  waits.resolve();
  await both;
  expect(waits.isEmpty).toBe(true);
});

it('gives up one by its signal, with the reason as cause', async () => {
  const waits = new Waits();
  const { signal, ...controller } = new AbortController();
  expect(controller).toBeDefined();
  const abort = new AbortController();
  const given = waits.add({ signal: abort.signal });
  const other = waits.add({ signal });
  const reason = new Error('enough');
  abort.abort(reason);
  expect(await failure(() => given)).toMatchObject({ code: 'ERR_QW_ABORTED', cause: reason });
  waits.resolve();
  await other;
});

it('rejects at once when the signal is aborted already', async () => {
  const waits = new Waits();
  expect(await failure(() => waits.add({ signal: AbortSignal.abort('no') }))).toMatchObject({
    code: 'ERR_QW_ABORTED',
    cause: 'no',
  });
  expect(waits.isEmpty).toBe(true);
});

it('leaves no listener on the signal, however it ends', async () => {
  const waits = new Waits();
  const { signal } = new AbortController();
  for (let i = 0; i < 100; i += 1) {
    const wait = waits.add({ signal });
    expect(listeners(signal)).toBe(1);
    if (i % 2 === 0) waits.resolve();
    else waits.reject(new Error('over'));
    await wait.catch(() => {});
    await abortable(Promise.resolve(i), signal);
    await abortable(Promise.reject(new Error('no')), signal).catch(() => {});
  }
  expect(listeners(signal)).toBe(0);
});
