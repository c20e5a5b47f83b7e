/** The `ws` package, the WebSocket of most Node programs, as client and as server. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { cleanUp } from '../support/scene.js';
import { leave, visit } from './support/guest.js';
import { FINDINGS, host } from './support/host.js';
import { bytes, SERIES, SIZES, TEXTS } from './support/payloads.js';

const MODES = [
  { title: 'uncompressed', perMessageDeflate: false, options: {} },
  { title: 'compressed', perMessageDeflate: { threshold: 0 }, options: { deflate: { threshold: 0 } } },
];

describe('the ws package', () => {
  it.each(MODES)('is a client of our server, $title', async ({ perMessageDeflate, options }) => {
    const { url, left } = await host(options);
    const settings = { perMessageDeflate, headers: { 'x-token': 'secret' } };
    const socket = new WebSocket(url, ['chat.v1', 'chat.v2'], settings);
    cleanUp(() => socket.terminate());
    await once(socket, 'open');
    expect(socket.extensions).toBe(perMessageDeflate ? 'permessage-deflate' : '');
    for (const message of [...TEXTS, ...SIZES.map(bytes)]) {
      socket.send(message);
      const answer = await received(socket);
      expect(typeof answer).toBe(typeof message);
      // Deep equality of a mebibyte would take seconds.
      expect(Buffer.from(answer as string).equals(Buffer.from(message as string))).toBe(true);
    }
    socket.send('one ', { fin: false });
    socket.send('', { fin: false });
    socket.send('message', { fin: true });
    expect(await received(socket)).toBe('one message');
    const pong = once(socket, 'pong');
    socket.ping('there?');
    expect(String((await pong)[0])).toBe('there?');

    const series = receivedSeries(socket);
    for (let number = 0; number < SERIES; number += 1) socket.send(`number ${number}`);
    expect(await series).toEqual(Array.from({ length: SERIES }, (_, number) => `number ${number}`));
    socket.send('who are you talking to?');
    expect(JSON.parse(String(await received(socket)))).toEqual(FINDINGS.who);
    socket.send('close me');
    const [code, reason] = await once(socket, 'close');
    expect([code, String(reason)]).toEqual(FINDINGS.close);

    const goodbye = left();
    const guest = new WebSocket(url, 'chat.v2');
    await once(guest, 'open');
    guest.close(4002, 'bye');
    expect(await goodbye).toEqual([4002, 'bye']);
  });

  it.each(MODES)('is a server for our client, $title', async ({ perMessageDeflate, options }) => {
    const handleProtocols = (offered: Set<string>) => offered.has('chat.v2') && 'chat.v2';
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate, handleProtocols });
    cleanUp(() => {
      for (const socket of server.clients) socket.terminate();
      server.close();
    });
    const extensions: string[] = [];
    server.on('connection', (socket) => {
      extensions.push(socket.extensions);
      socket.on('message', (message, isBinary) => {
        if (!isBinary && String(message) === 'close me') socket.close(4001, 'as you wish');
        else socket.send(message, { binary: isBinary });
      });
    });
    await once(server, 'listening');
    const url = `ws://127.0.0.1:${(server.address() as { port: number }).port}/`;
    await visit(url, options);
    expect(extensions).toEqual([perMessageDeflate ? 'permessage-deflate' : '']);
    const arrived = once(server, 'connection');
    const left = leave(url);
    const [socket] = (await arrived) as [WebSocket];
    const [code, reason] = await once(socket, 'close');
    expect([code, String(reason)]).toEqual([4002, 'bye']);
    await left;
  });
});

/** The next message as our API would give it. */
async function received(socket: WebSocket): Promise<string | Buffer> {
  const [message, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  return isBinary ? message : String(message);
}

function receivedSeries(socket: WebSocket): Promise<string[]> {
  const messages: string[] = [];
  return new Promise((resolve) => {
    socket.on('message', (message) => {
      if (messages.push(String(message)) === SERIES) resolve(messages);
    });
  });
}
