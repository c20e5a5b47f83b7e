/** What a peer sent before it was gone, and who gets it: whoever comes to listen in time, or nobody. */
import { describe, expect, it } from 'vitest';
import { rawPair } from '../support/scene.js';
import { next, sleep, until } from '../support/wait.js';

const URLS = { ws: 'ws://127.0.0.1:0/', tcp: 'tcp://127.0.0.1:0' };
const MANY_MS = 60_000;

async function left(url: string, closeTimeoutMs: number) {
  const scene = await rawPair({ codec: 'text', closeTimeoutMs }, url);
  for (const text of ['one', 'two', 'three']) {
    scene.peer.send(text);
    await sleep(20);
  }
  const messages: string[] = [];
  scene.connection.on('close', () => messages.push('close'));
  return { ...scene, messages };
}

describe.each(Object.entries(URLS))('over %s', (_carrier, url) => {
  it.each(['end', 'reset'] as const)('%s: who listens late hears all of it', async (how) => {
    const { peer, connection, messages } = await left(url, MANY_MS);
    if (how === 'reset') peer.reset();
    else peer.socket.end();
    await sleep(50);
    expect(messages).toEqual([]);
    connection.on('message', (message) => void messages.push(message));
    await until(() => messages.includes('close'), 'the end');
    expect(messages).toEqual(['one', 'two', 'three', 'close']);
  });

  it('one that closes by itself meanwhile is closed at once', async () => {
    const { server, peer, connection, messages } = await left(url, MANY_MS);
    peer.reset();
    await sleep(50);
    await connection.close();
    expect(messages).toEqual(['close']);
    expect(server.getConnectionCount()).toBe(0);
  });

  it('one that is reset in the middle of what was held is over', async () => {
    const { peer, connection, messages } = await left(url, MANY_MS);
    peer.reset();
    await sleep(50);
    connection.on('message', (message) => {
      messages.push(message);
      connection.terminate();
    });
    await until(() => messages.includes('close'), 'the end');
    expect(messages).toEqual(['one', 'close']);
  });

  it('a listener that comes and pauses keeps it', async () => {
    const { peer, connection, messages } = await left(url, 100);
    connection.pause();
    connection.on('message', (message) => void messages.push(message));
    const closed = next(connection, 'close');
    peer.reset();
    await sleep(400);
    expect(messages).toEqual([]);
    connection.resume();
    await closed;
    expect(messages).toEqual(['one', 'two', 'three', 'close']);
  });
});
