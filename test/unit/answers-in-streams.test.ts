/** Queues of the TypeScript backend under `batching: 'aggressive'`: a stream waits, an answer in it does not. */
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Coalescing } from '../../ts/link/coalescing.js';
import type { LinkLimits } from '../../ts/link/link.js';
import { lengthPrefixed } from '../../ts/link/ts/framing.js';
import type { OutboxOwner } from '../../ts/link/ts/outbox-owner.js';
import type { RecordCarrier } from '../../ts/link/ts/qwh-carrier.js';
import { QwhOutbox } from '../../ts/link/ts/qwh-outbox.js';
import { SocketWriter } from '../../ts/link/ts/socket-writer.js';
import { WsOutbox } from '../../ts/link/ts/ws-outbox.js';
import type { LinkedWebSocket } from '../../ts/link/ts/ws-package.js';

/** Longer than a test: what waits goes out by no timer. */
const VALUES = { intervalMs: 60_000, after: 3, soonMs: 60_000 };
const LIMITS = { highWaterMark: 1024 * 1024 } as LinkLimits;
const PAYLOAD = Buffer.from('price');

/** What takes everything at once. */
class Taker {
  hasTaken = false;
  received = 0;
  readonly socket: Socket;
  readonly owner: OutboxOwner = {
    coalescing: () => new Coalescing(VALUES, () => this.received),
    onProgress: () => {},
  };

  constructor() {
    const write = () => (this.hasTaken = true);
    this.socket = { writableLength: 0, write, cork() {}, uncork() {} } as unknown as Socket;
  }
}

interface Queue {
  append(payload: Uint8Array, size: number, cls: 1, isText: boolean): boolean;
  write(payload: Uint8Array, size: number, cls: 1, isText: boolean): void;
}

const QUEUES: Readonly<Record<string, (taker: Taker) => Queue>> = {
  'length-prefixed': ({ socket, owner }) => new SocketWriter(socket, lengthPrefixed, owner, LIMITS),
  qwh: ({ socket, owner }) => {
    const carrier = { kind: 'stream', socket, write: (bytes: Buffer) => socket.write(bytes) };
    return new QwhOutbox(carrier as unknown as RecordCarrier, owner, LIMITS);
  },
  'WebSocket with deflate': ({ socket, owner }) => {
    const ws = { OPEN: 1, readyState: 1, bufferedAmount: 0, send: (data: Buffer) => socket.write(data) };
    return new WsOutbox(ws as unknown as LinkedWebSocket, socket, 1024, owner, LIMITS);
  },
};

/** Sends as links do; whether it went out at the end of the tick. */
async function send(queue: Queue, taker: Taker, count = 1): Promise<boolean> {
  taker.hasTaken = false;
  for (let n = 0; n < count; n += 1) {
    if (!queue.append(PAYLOAD, PAYLOAD.length, 1, false)) queue.write(PAYLOAD, PAYLOAD.length, 1, false);
  }
  await turn();
  return taker.hasTaken;
}

test.each(Object.entries(QUEUES))('%s: an answer amid a stream goes at once', async (_, make) => {
  const taker = new Taker();
  const queue = make(taker);
  for (const isAtOnce of [true, true, true, false, false]) expect(await send(queue, taker, 2)).toBe(isAtOnce);
  taker.received += 1;
  expect(await send(queue, taker)).toBe(true);
  // And a stream begins anew.
  for (const isAtOnce of [true, true, true, false]) expect(await send(queue, taker)).toBe(isAtOnce);
});
