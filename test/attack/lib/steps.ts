/** The vocabulary of attacks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/wait.js';
import { wsFrame } from '../../support/ws-frames.js';
import type { Attacker } from './attacker.js';
import { carried } from './dialects.js';
import { QUARANTINE } from './quarantine.js';
import { on as of, type ByBackend, type Stage, type Step } from './rows.js';

export type Bytes = Uint8Array | string | ((on: Stage) => Uint8Array | string);

export function bytesOf(on: Stage, bytes: Bytes): Buffer {
  return Buffer.from((typeof bytes === 'function' ? bytes(on) : bytes) as Uint8Array);
}

/** The opening of its dialect, until messages may flow. */
export function opened(...headers: string[]): Step {
  return ({ attacker, dialect }) => dialect.open(attacker, headers);
}

/** Bytes as they are, in one write. */
export function send(...bytes: Bytes[]): Step {
  return (on) => on.attacker.write(Buffer.concat(bytes.map((each) => bytesOf(on, each))));
}

/** Messages of its dialect, in one write. */
export function say(...texts: (string | Uint8Array)[]): Step {
  return (on) => on.attacker.write(Buffer.concat(texts.map((text) => on.dialect.pack(on.attacker, text))));
}

/** Somebody takes what it sends, or it sends all the same. */
const isHeard = ({ isClosed, hasEnded, isStubborn }: Attacker): boolean =>
  !isClosed && (!hasEnded || isStubborn);

/** The same bytes over and over, as fast as they are taken, until there were enough or nobody takes them any more. */
export function flood(bytes: Bytes, { count }: { count: number }): Step {
  return async (on) => {
    const one = bytesOf(on, bytes);
    // Writes of 64 KiB: a packet each would be an attack on the attacker.
    const perWrite = Math.max(1, Math.floor(65_536 / one.length));
    const many = Buffer.concat(Array.from({ length: Math.min(count, perWrite) }, () => one));
    for (let sent = 0; sent < count && isHeard(on.attacker); sent += perWrite) await on.attacker.write(many);
  };
}

/** Bytes in pieces: so many at a time, with a pause between. */
export function drip(bytes: Bytes, { size = 1, everyMs = 0 } = {}): Step {
  return async (on) => {
    const all = bytesOf(on, bytes);
    for (let at = 0; at < all.length && !on.attacker.isClosed; at += size) {
      await on.attacker.write(all.subarray(at, at + size));
      await (everyMs > 0 ? sleep(everyMs) : new Promise(setImmediate));
    }
  };
}

/** Bytes cut at random into a few packets. */
export function cut(bytes: Bytes, pieces = 8): Step {
  return async (on) => {
    let rest = bytesOf(on, bytes);
    for (let left = pieces; left > 1 && rest.length > 0; left -= 1) {
      const length = on.random.below(rest.length + 1);
      await on.attacker.write(rest.subarray(0, length));
      await new Promise(setImmediate);
      rest = rest.subarray(length);
    }
    await on.attacker.write(rest);
  };
}

/** A frame of WebSocket, masked where the attacker is the client. */
export function ws(payload: string | Uint8Array, shape: Parameters<typeof wsFrame>[1] = {}): Bytes {
  return ({ attacker }) => wsFrame(payload, { mask: attacker.isCaller, ...shape });
}

/** Records of qwh, written as on a stream, by whatever carries them. */
export function records(...bytes: Buffer[]): Bytes {
  return ({ attacker, dialect }) => carried(attacker, dialect, Buffer.concat(bytes));
}

export const rest =
  (ms: number): Step =>
  () =>
    sleep(ms);

/** Reads no more. */
export const deaf: Step = ({ attacker }) => void attacker.socket.pause();
/** Keeps its side open whatever the other end says. */
export const stubborn: Step = ({ attacker }) => void (attacker.isStubborn = true);
export const end: Step = ({ attacker }) => attacker.end();
export const reset: Step = ({ attacker }) => attacker.reset();

/** Something that the target does meanwhile. */
export function act(name: string, ...args: unknown[]): Step {
  return ({ target, subject }) => target.act(subject, name, ...args);
}

/** Our end closes the connection of the attack. */
export const closedByUs: Step = ({ target, subject, attacker }) =>
  target.act(subject, 'closeAt', attacker.port);

/** The most memory that the target has had since `resetPeak`, above what it had then; Linux tells. */
export function peakBelow(most: ByBackend<number>): Step {
  return async ({ target, subject, backend, note }) => {
    const bytes = of(backend, most) + QUARANTINE;
    if (process.platform !== 'linux') return;
    const { before, peak } = await target.act(subject, 'peak');
    note(`${Math.round((peak - before) / 1024)} KiB at most`);
    if (peak - before > bytes) throw new Error(`the peak was ${peak - before} bytes above, not ${bytes}`);
  };
}

/** Waits until something is so. */
export function when(
  what: string,
  condition: (on: Stage) => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Step {
  return async (on) => {
    const giveUpAt = performance.now() + timeoutMs;
    while (!(await condition(on))) {
      if (performance.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms for ${what}`);
      await sleep(5);
    }
  };
}

/** Sends, and waits until the application was asked for its verdict on that, and not on what came before. */
export function untilAsked(sends: Step): Step {
  const asked = async (on: Stage): Promise<number> => (await on.report()).acts.asked ?? 0;
  return async (on) => {
    const before = await asked(on);
    await sends(on);
    await when('the question', async () => (await asked(on)) > before)(on);
  };
}

/** Waits for the other end to close. */
export function gone(timeoutMs = 10_000): Step {
  return ({ attacker }) => until(() => attacker.isClosed, 'the end', timeoutMs);
}
