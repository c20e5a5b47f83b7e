/** Bounds of a server that are met before there is a connection. */
import { CloseCode, connect } from 'qwormhole';
import { expect, it } from 'vitest';
import { KIND, qwhFrame } from '../support/qwh-frames.js';
import { StreamPeer } from '../support/qwh-peer.js';
import { call, IS_TCP, onTcp, serve, SPEAKING } from '../support/scene.js';
import { failure, sleep, times, until } from '../support/wait.js';

/** What the preset `internet` lets one address have. */
const OF_ONE_ADDRESS = 64;

/** Over WebSocket the opening handshake is refused already. */
const REFUSED = IS_TCP ? { closeCode: CloseCode.busy } : { details: { status: 503 } };

it.each([
  ['internet', OF_ONE_ADDRESS],
  ['lan', OF_ONE_ADDRESS + 1],
] as const)('with the preset %s one address has %i of 65 connections', async (preset, expected) => {
  const server = await serve({ preset });
  for (let count = 0; count < OF_ONE_ADDRESS; count += 1) await call(server);
  const last = connect(server.addresses[0], { ...SPEAKING, reconnect: false });
  if (expected > OF_ONE_ADDRESS) await (await last).close();
  else expect(await failure(() => last)).toMatchObject(REFUSED);
});

it('tells of one handshake that failed alike in a second, and how many others there were', async () => {
  const server = await serve({ verifyHandshake: () => false });
  const suppressed: number[] = [];
  server.on('handshakeError', (...failed) => suppressed.push(failed[3]));
  const refused = () => failure(() => call(server, { reconnect: false }));
  const errors = await Promise.all(times(5, undefined).map(refused));
  expect(errors.map(({ closeCode }) => closeCode)).toEqual(times(5, CloseCode.rejected_by_policy));
  await until(() => server.stats().qwhHandshakes.refused === 5, 'what was refused');
  expect(suppressed).toEqual([0]);
  await sleep(1050);
  await refused();
  await until(() => suppressed.length === 2, 'the next event');
  expect(suppressed).toEqual([0, 4]);
});

onTcp('does not read what a peer sends before it is accepted', async () => {
  let asked = 0;
  const server = await serve({
    verifyHandshake: () => {
      asked += 1;
      return new Promise<void>(() => {});
    },
  });
  const peer = new StreamPeer(server.addresses[0]);
  // It is done for its part: what follows are messages.
  await until(() => asked === 1 && peer.hasMet, 'the question');
  const body = qwhFrame(KIND.data, Buffer.alloc(8 * 1024));
  const record = Buffer.concat([Buffer.of(body.length >> 8, body.length & 0xff), body]);
  // More than the kernel keeps for both ends.
  const sent = Buffer.alloc(64 * 1024 * 1024, record);
  peer.socket.write(sent);
  await sleep(300);
  expect(peer.isClosed).toBe(false);
  expect(peer.socket.writableLength).toBeGreaterThan(sent.length / 4);
});
