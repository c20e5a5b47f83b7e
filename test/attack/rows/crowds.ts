/** Many at once: more than may come in, more than there are descriptors, all of them slow. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attacker } from '../lib/attacker.js';
import type { Entry, Family, Stage, Step } from '../lib/rows.js';
import { when } from '../lib/steps.js';
import { openingRequest } from '../../support/ws-frames.js';

const bare = (id: string, what: string, ...steps: Step[]): Entry => ({
  id,
  what,
  steps,
  expect: {},
  isBare: true,
});

/** Somebody honest: how long it takes until it is answered, ms. */
async function honest(on: Stage, from?: string): Promise<number> {
  const since = performance.now();
  const caller = await on.call(from);
  await on.dialect.open(caller);
  await caller.write(on.dialect.pack(caller, 'witness: new'));
  await when('an answer', () => on.dialect.payloads(caller).length > 0 || caller.isClosed)(on);
  if (caller.isClosed) throw new Error(`somebody honest was turned away:\n${caller.timeline}`);
  caller.end();
  return performance.now() - since;
}

/** Calls from one address, of which few may stay. */
function crowd(count: number): Step {
  return async (on) => {
    const callers: Attacker[] = [];
    for (let index = 0; index < count; index += 50)
      callers.push(...(await Promise.all(Array.from({ length: 50 }, () => on.call('127.0.0.2')))));
    await when(
      'those who are turned away',
      () => callers.filter(({ isClosed }) => !isClosed).length <= PER_ADDRESS,
    )(on);
    on.note(`${count} calls; another address answered in ${(await honest(on, '127.0.0.3')).toFixed(1)} ms`);
    const { connectionsRefused } = (await on.report()).stats;
    if (connectionsRefused < count - PER_ADDRESS)
      throw new Error(`${connectionsRefused} are counted as refused`);
    for (const caller of callers) caller.destroy();
  };
}
const PER_ADDRESS = 16;

export const crowds: Family = {
  name: 'length-prefixed, 16 connections of an address',
  carrier: 'tcp',
  dialect: 'length-prefixed',
  roles: ['server'],
  options: { maxConnectionsPerAddress: PER_ADDRESS, protocol: 'length-prefixed' },
  entries: [
    bare('A16', '500 calls from one address', crowd(500)),
    { ...bare('A16', '5,000 calls from one address', crowd(5000)), isLong: true },
  ],
};

const DESCRIPTORS = 256;
/** So much of a processor waiting may cost, in thousandths. */
const BUSY = 500;

/** More connections than the process may have descriptors: it waits, without being busy, and goes on when it may. */
const exhausted: Step = async (on) => {
  const callers = await Promise.all(Array.from({ length: 2 * DESCRIPTORS }, () => on.call()));
  await sleep(300);
  const { ms, cpuMs } = await on.target.act(on.subject, 'idle', 1000);
  on.note(`${Math.round((100 * cpuMs) / ms)} % of a processor while there is none`);
  if (cpuMs > (ms * BUSY) / 1000) throw new Error(`waiting took ${cpuMs} ms of ${ms}`);
  for (const caller of callers) caller.reset();
  await when('their end', async () => (await on.report()).stats.connections <= 1)(on);
  on.note(`answered again in ${(await honest(on)).toFixed(0)} ms`);
  const { logs } = await on.target.said();
  const loud = logs.filter((line) => /^(warn|error) /.test(line));
  if (loud.length > 5) throw new Error(`${loud.length} lines: ${loud[0]}`);
};

export const descriptors: Family = {
  name: `length-prefixed, ${DESCRIPTORS} descriptors`,
  carrier: 'tcp',
  dialect: 'length-prefixed',
  roles: ['server'],
  descriptors: DESCRIPTORS,
  entries: [
    {
      ...bare('A17', 'twice as many connections', exhausted),
      differs:
        'Node closes connections that it has no descriptor for without telling anybody: no error on TypeScript',
    },
  ],
};

/** Connections that send a byte of their request each second, and somebody honest beside them. */
function slowloris(count: number, limitMs: number): Step {
  return async (on) => {
    const request = openingRequest();
    const callers: Attacker[] = [];
    const opened: number[] = [];
    for (let index = 0; index < count; index += 100) {
      callers.push(
        ...(await Promise.all(Array.from({ length: 100 }, (_, at) => on.call(`127.0.0.${2 + (at % 8)}`)))),
      );
      opened.push(performance.now());
    }
    const latencies: number[] = [];
    for (let at = 0; callers.some(({ isClosed }) => !isClosed); at += 1) {
      if (performance.now() - opened.at(-1)! > 2 * limitMs) throw new Error('some are still there');
      for (const caller of callers) if (!caller.isClosed) void caller.write(request[at % request.length]);
      latencies.push(await honest(on));
      await sleep(1000);
    }
    const longest = Math.max(
      ...callers.map(({ timeline }) => timeline.at('closed')! - (timeline.at('opened') ?? 0)),
    );
    on.note(
      `${count} of them for ${(longest / 1000).toFixed(1)} s at most, honest ones in ${Math.max(...latencies).toFixed(0)} ms at most`,
    );
    if (longest > limitMs + 2000) throw new Error(`one was there for ${longest} ms`);
    if (Math.max(...latencies) > 1000) throw new Error(`somebody honest waited ${Math.max(...latencies)} ms`);
  };
}

export const slowCrowd: Family = {
  name: 'WebSocket',
  carrier: 'ws',
  dialect: 'ws',
  roles: ['server'],
  options: { maxConnections: 20_000 },
  entries: [
    {
      ...bare('A2', '10,000 that send a byte a second', slowloris(10_000, 10_000)),
      isCrowd: true,
      isLong: true,
    },
  ],
};
