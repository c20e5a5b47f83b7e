/** Who is turned away for what it sends finds in the close frame why. */
import { expect, it } from 'vitest';
import { ANYWHERE, cleanUp, serve } from '../support/scene.js';
import { RawPeer } from '../support/raw-peer.js';
import { next, times } from '../support/wait.js';
import { OPCODE, wsFrame } from '../support/ws-frames.js';

const message = wsFrame('x', { mask: true });
const ping = wsFrame('', { mask: true, opcode: OPCODE.ping });

it.each([
  [
    'a hard rate',
    { inboundRate: { messagesPerSecond: 1, burstMessages: 2, hard: true } },
    message,
    'the peer sends more than its rate allows',
  ],
  [
    'the bound of control frames',
    { controlBurst: 4, controlPerSecond: 1 },
    ping,
    'more than 4 control frames at once and 1 a second',
  ],
])('tells a peer that exceeds %s', async (_what, options, frame, reason) => {
  const server = await serve(options, ANYWHERE);
  server.on('message', () => {});
  const arrived = next(server, 'connection');
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  await arrived;
  peer.write(Buffer.concat(times(10, frame)));
  await peer.ended();
  expect(peer.closing).toEqual([1008, reason]);
});
