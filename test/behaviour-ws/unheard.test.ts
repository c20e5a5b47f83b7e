/** Connections whose messages nobody takes: they answer pings, and end when their peer does. */
import { describe, expect, it } from 'vitest';
import { cleanUp, serve } from '../support/scene.js';
import { RawPeer } from '../support/raw-peer.js';
import { next, sleep, until } from '../support/wait.js';
import { closeFrame, OPCODE, wsFrame } from '../support/ws-frames.js';

const CLOSE_TIMEOUT_MS = 200;

/** Why nobody takes them. */
const MANNERS = ['without a listener', 'paused'] as const;
type Manner = (typeof MANNERS)[number];

/** A server, one raw peer, and the server's end of the connection. */
async function unheard(manner: Manner, url = 'ws://127.0.0.1:0/', closeTimeoutMs = CLOSE_TIMEOUT_MS) {
  const server = await serve({ closeTimeoutMs }, url);
  const arrived = next(server, 'connection');
  const messages: string[] = [];
  server.on('connection', (connection) => {
    if (manner !== 'paused') return;
    connection.on('message', (message: Buffer) => void messages.push(message.toString()));
    connection.pause();
  });
  const peer = await RawPeer.connect(server.addresses[0]);
  cleanUp(() => peer.destroy());
  const [connection] = await arrived;
  const end = async () => {
    const [code, reason, clean] = await closed;
    return { code, reason, clean, errors: server.errors.map((error) => error.code) };
  };
  const closed = next(connection, 'close');
  return { server, peer, connection, messages, closed: end() };
}

const ping = (text: string) => wsFrame(text, { opcode: OPCODE.ping, mask: true });
const pongs = (peer: RawPeer) =>
  peer.frames.filter(({ opcode }) => opcode === OPCODE.pong).map(({ payload }) => payload.toString());

describe.each(MANNERS)('%s', (manner) => {
  it('answers every ping', async () => {
    const { peer, connection } = await unheard(manner);
    for (let index = 0; index < 20; index += 1) {
      peer.write(ping(`${index}`));
      await until(() => pongs(peer).length > index, 'the pong');
    }
    expect(pongs(peer)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
    expect(connection.state).toBe('open');
  });

  it('sees a close frame behind a ping', async () => {
    // Time for the peer to end its side too: nothing is held that would be given up.
    const { peer, closed } = await unheard(manner, undefined, 10_000);
    peer.write(ping('a'));
    await until(() => pongs(peer).length === 1, 'the pong');
    peer.end(1000, 'bye');
    await until(() => peer.closing !== undefined, 'the answer');
    const close = await closed;
    expect(close).toMatchObject({ reason: 'bye', clean: true });
  });

  it('sees the end of the stream behind a ping', async () => {
    const { server, peer, closed } = await unheard(manner);
    peer.write(ping('a'));
    await until(() => pongs(peer).length === 1, 'the pong');
    peer.socket.end();
    const close = await closed;
    expect(close).toMatchObject({ clean: false, errors: ['ERR_QW_CONNECTION_LOST'] });
    expect(server.getConnectionCount()).toBe(0);
  });

  it('has the control frames of one peer bounded', async () => {
    const { peer, closed } = await unheard(manner);
    peer.write(Buffer.concat(Array.from({ length: 200 }, () => ping(''))));
    const close = await closed;
    expect(close).toMatchObject({ clean: false, errors: ['ERR_QW_FLOOD'] });
  });
});

describe.each(['ws://127.0.0.1:0/', 'tcp://127.0.0.1:0'])('over %s', (url) => {
  it.each(['end', 'reset'] as const)(
    'a peer that leaves by %s behind messages frees its place',
    async (how) => {
      const { server, peer, closed } = await unheard('without a listener', url);
      for (const text of ['one', 'two', 'three']) {
        peer.send(text);
        // Each by itself: only the first may be read ahead.
        await sleep(20);
      }
      if (how === 'reset') peer.reset();
      else peer.socket.end();
      const close = await closed;
      expect(close).toMatchObject({ clean: false, errors: ['ERR_QW_CONNECTION_LOST'] });
      expect(server.getConnectionCount()).toBe(0);
    },
  );

  it('what came before the end waits for whoever has paused', async () => {
    const { peer, connection, messages, closed } = await unheard('paused', url);
    for (const text of ['one', 'two', 'three']) {
      peer.send(text);
      await sleep(20);
    }
    peer.socket.end();
    await sleep(2 * CLOSE_TIMEOUT_MS);
    connection.resume();
    await closed;
    expect(messages).toEqual(['one', 'two', 'three']);
  });
});

it('messages in front of a close frame reach whoever has paused, and it is an end in order', async () => {
  const { peer, connection, messages, closed } = await unheard('paused');
  for (const text of ['one', 'two']) {
    peer.send(text);
    await sleep(20);
  }
  peer.write(closeFrame(1000, 'bye', true));
  peer.socket.end();
  await sleep(20);
  connection.resume();
  const close = await closed;
  expect(messages).toEqual(['one', 'two']);
  expect(close).toMatchObject({ reason: 'bye' });
});
