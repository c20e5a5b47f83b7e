/** qwh in messages of WebSocket: what a peer may not send, and the codes of both protocols. */
import { CloseCode } from 'qwormhole';
import { expect, it } from 'vitest';
import { IS_TCP, serve } from '../support/scene.js';
import { KIND, qwhFrame } from '../support/qwh-frames.js';
import { MessagePeer } from '../support/qwh-peer.js';
import { until } from '../support/wait.js';

// One run on each backend is enough: it has a WebSocket of its own.
const once = IS_TCP ? it : it.skip;

/** A server with one connection that has shaken hands by hand, and what becomes of it. */
async function met(options = {}) {
  const server = await serve({ closeTimeoutMs: 1000, ...options }, 'ws://127.0.0.1:0/');
  const messages: string[] = [];
  const ends: unknown[][] = [];
  server.on('message', (message) => messages.push(String(message)));
  server.on('clientClosed', (_connection, code, _reason, clean) => ends.push([code, clean]));
  const peer = new MessagePeer(server.addresses[0]);
  await until(() => peer.isReady && server.getConnectionCount() === 1, 'the connection');
  const end = async (): Promise<unknown[]> => {
    await until(() => ends.length === 1 && peer.close !== undefined, 'both ends');
    return ends[0];
  };
  return { server, messages, peer, end };
}

once('delivers no text, be it a record', async () => {
  const { server, messages, peer, end } = await met();
  peer.ws.send(qwhFrame(KIND.data, Buffer.from('before')));
  peer.ws.send(qwhFrame(KIND.data, Buffer.from('evil')).toString('latin1'));
  peer.ws.send(qwhFrame(KIND.data, Buffer.from('behind')));
  expect(await end()).toEqual([CloseCode.protocol, false]);
  expect(messages).toEqual(['before']);
  expect(server.errors[0]).toMatchObject({ code: 'ERR_QW_PROTOCOL' });
  expect(server.errors[0].message).toContain('text message');
  expect(peer.goaways).toEqual([CloseCode.protocol]);
});

once('delivers what came in one packet with the end of the handshake', async () => {
  const server = await serve({}, 'ws://127.0.0.1:0/');
  const messages: string[] = [];
  server.on('message', (message) => messages.push(String(message)));
  const words = Array.from({ length: 10 }, (_, at) => `word ${at}`);
  const peer = new MessagePeer(
    server.addresses[0],
    words.map((word) => qwhFrame(KIND.data, Buffer.from(word))),
  );
  await until(() => peer.isReady && messages.length === words.length, 'all of them');
  expect(messages).toEqual(words);
});

once.each([1000, 3333])('answers a close frame with %i, and no GOAWAY before, in order', async (code) => {
  const { peer, end } = await met();
  peer.ws.close(code, 'bye');
  expect(await end()).toEqual([code === 1000 ? CloseCode.ok : code, true]);
  expect([1000, code]).toContain(peer.close!.code);
  expect(peer.goaways.filter((said) => said !== CloseCode.ok)).toEqual([]);
});

once('tells a flood of pings what it is', async () => {
  const { server, peer, end } = await met();
  for (let sent = 0; sent < 200; sent += 1) peer.ws.ping();
  expect(await end()).toEqual([CloseCode.rate_limited, false]);
  expect(server.errors[0]).toMatchObject({ code: 'ERR_QW_FLOOD' });
  expect(peer.goaways).toEqual([CloseCode.rate_limited]);
  expect(peer.close!.code).toBe(1008);
});

once('tells of a record that is too large', async () => {
  const { server, peer, end } = await met();
  peer.ws.send(Buffer.alloc(65_536));
  expect(await end()).toEqual([CloseCode.too_big, false]);
  expect(server.errors[0]).toMatchObject({ code: 'ERR_QW_TOO_BIG' });
  expect(peer.close!.code).toBe(1009);
});

once('refuses with code and reason in the close frame, which is all that a browser sees', async () => {
  const verifyHandshake = () => ({ code: 3, reason: 'bring a token' });
  const server = await serve({ verifyHandshake }, 'ws://127.0.0.1:0/');
  const peer = new MessagePeer(server.addresses[0]);
  await until(() => peer.close !== undefined, 'the close frame');
  expect(peer.close).toEqual({ code: 4403, reason: 'bring a token' });
});
