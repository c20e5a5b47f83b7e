/**
 * What the addon's plain functions are given wrongly they refuse, and no memory but their own is touched by it. A panic
 * behind them, or where batches are dispatched, becomes an error of JavaScript.
 */
import { loadNative } from 'qwormhole/internal';
import { expect, test } from 'vitest';

const SLAB = 4096;
/** No message is sent here: a batch of runs for nobody. */
const NOBODY = [1, 3, 7, 0];
/** Inline I/O is Linux's alone. */
const INLINE_TOO = process.platform === 'linux' ? [false, true] : [false];

/** I/O of our own, on a thread or inline, and its functions, which take anything here. */
function hot(inline = false) {
  const { binding } = loadNative();
  if (binding === undefined) throw new Error('no addon');
  const memory = new binding.IoMemory(new ArrayBuffer(4));
  const outgoing = new ArrayBuffer(1024);
  const counters = new ArrayBuffer(2 * 4 * 8);
  const core = new binding.IoCore(counters, new ArrayBuffer(24 * 16), outgoing, () => 0, memory, inline);
  expect(core.fault()).toBeNull();
  const functions = core.functions() as unknown as Record<string, (...values: unknown[]) => unknown>;
  return { core, functions, outgoing: new Uint32Array(outgoing) };
}

const REFUSED: [string, unknown[]][] = [
  ['submit', ['one']],
  ['submitLarge', [1, 1, 1, 'text']],
  ['submitLarge', [1, 1, 1, new Uint16Array(4)]],
  ['submitLarge', [1, 1]],
  ['submitFanOut', [1, new Uint8Array(4), undefined]],
  ['lend', [1, {}]],
  ['pause', [0]],
  ['hold', ['yes']],
  ['slab', [7]],
  ['copyLent', [7, 0, new Uint8Array(1)]],
  ['copyLent', [1, SLAB, new Uint8Array(1)]],
  ['copyLent', [1, 0, new Uint8Array(SLAB + 1)]],
  ['copyLent', [1, 0xffff_ffff, new Uint8Array(1)]],
  ['takeBytes', [9, new Uint8Array(1)]],
];

test('values of another kind, and of no slab or parcel, are refused', () => {
  const { functions } = hot();
  functions.lend(1, SLAB);
  for (const [name, values] of REFUSED)
    expect(() => functions[name](...values), `${name}(${values.join(', ')})`).toThrow('Node-API status');
  expect(functions.takeText(9)).toBeUndefined();
});

test('a portion is never longer than the buffer, and a run for nobody is for nobody', () => {
  const { functions, outgoing } = hot();
  outgoing.set(NOBODY);
  functions.submit(2 * 16);
  functions.submit(2 * 16 + 1);
  functions.submit(0xffff_ffff);
  functions.submitLarge(3, 7, 1, new Uint8Array(0));
  functions.submitLarge(3, 7, 1, new Uint8Array(100_000));
  functions.submitFanOut(1, new Uint8Array(0), new Uint8Array(0));
  functions.submitFanOut(1, new Uint8Array(20_000), new Uint8Array(12));
});

test('lent memory is as long as was asked for, and stays while it is held', () => {
  const { functions } = hot();
  functions.lend(1, SLAB);
  functions.lend(2, 0);
  functions.lend(3, SLAB);
  const copy = new Uint8Array(SLAB).fill(1);
  functions.copyLent(1, 0, copy);
  expect(copy.every((byte) => byte === 0)).toBe(true);
  functions.copyLent(2, 0, new Uint8Array(0));
  const buffer = functions.slab(1) as ArrayBuffer;
  expect(functions.slab(3)).toHaveProperty('byteLength', SLAB);
  // Given up with what was lent before the third: the buffer has it still.
  expect(() => functions.slab(1)).toThrow('Node-API status');
  new Uint8Array(buffer).fill(7);
  expect(buffer.byteLength).toBe(SLAB);
});

test('a panic in a plain function is thrown, and the functions go on', () => {
  const { functions } = hot();
  expect(() => functions.injectPanic(false)).toThrow(
    expect.objectContaining({
      code: 'ERR_QW_INTERNAL',
      message: 'a panic was injected into a plain function',
    }),
  );
  functions.lend(1, SLAB);
  expect(functions.slab(1)).toHaveProperty('byteLength', SLAB);
});

/** Nobody calls a dispatch but the event loop: what it throws is an uncaught exception, as a listener's would be. */
test.each(INLINE_TOO)('a panic in a dispatch is an uncaught exception (inline: %s)', async (inline) => {
  const { core, functions } = hot(inline);
  const uncaught = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  functions.injectPanic(true);
  // Which is an event, and so something to dispatch.
  core.injectFailure();
  functions.hold(true);
  const error = await uncaught.finally(() => process.setUncaughtExceptionCaptureCallback(null));
  functions.hold(false);
  expect(error).toMatchObject({ code: 'ERR_QW_INTERNAL', message: 'a panic was injected into a dispatch' });
});

test('an account of memory has a word', () => {
  const { binding } = loadNative();
  expect(() => new binding!.IoMemory(new ArrayBuffer(2))).toThrow();
});
