/**
 * Peers that vanish are noticed, on both ends; peers that are only slow, paused or busy never are. Over streams of
 * `raw` and `length-prefixed` nobody is watched.
 */
import { describe, expect, it } from 'vitest';
import type { Connection } from 'qwormhole';
import type { Way } from 'qwormhole/testing';
import { Child } from '../support/child.js';
import { proxyBefore } from '../support/chaos.js';
import {
  ANYWHERE,
  IS_QWH,
  IS_TCP,
  call,
  cleanUp,
  echo,
  pair,
  rawPair,
  serve,
  stuffKernel,
} from '../support/scene.js';
import { collect, next, sleep, until } from '../support/wait.js';
import { OPCODE } from '../support/ws-frames.js';

const INTERVAL_MS = 250;
const TIMEOUT_MS = 1000;
/** The end that is on the TypeScript backend, where the other is not. */
const TS_SIDE = process.env.QWORMHOLE_TEST_TS_SIDE as 'server' | 'client' | undefined;
const heartbeat = { intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS };
/** Machines are busy: this much later it may be noticed. */
const LATE_MS = 1500;
/** Long enough for a verdict that is wrong. */
const LONG_MS = 2 * TIMEOUT_MS;

/** The errors of both ends. */
function errorsOf({ server, client }: { server: { errors: any[] }; client: { errors: any[] } }): any[] {
  return [...server.errors, ...client.errors];
}

/** A pair whose bytes go through a proxy. */
async function farPair(options = {}, clientOptions = {}) {
  const server = await serve({ heartbeat, ...options });
  const proxy = await proxyBefore(server);
  const arrived = next(server, 'connection');
  const client = await call(proxy.url, { heartbeat, ...clientOptions });
  const [connection] = (await arrived) as [Connection<any>];
  return { server, proxy, client, connection };
}

describe.runIf(IS_QWH || !IS_TCP)('with signs of life', () => {
  it('two that say nothing stay connected', async () => {
    const scene = await pair({ heartbeat }, { heartbeat });
    await sleep(LONG_MS);
    expect(errorsOf(scene)).toEqual([]);
    expect([scene.client.state, scene.connection.state]).toEqual(['open', 'open']);
  });

  it('one that is watched needs no watch of its own', async () => {
    const scene = await pair({ heartbeat }, { heartbeat: false });
    await sleep(LONG_MS);
    expect(errorsOf(scene)).toEqual([]);
  });

  it.each<[string, Way[]]>([
    ['to the server', ['up']],
    ['to the client', ['down']],
    ['either way', ['up', 'down']],
  ])('a network that drops what goes %s is noticed by both ends in time', async (_, ways) => {
    const { server, proxy, client, connection } = await farPair();
    connection.on('message', () => {});
    client.on('message', () => {});
    await sleep(50);
    const closed = [next(connection, 'close'), next(client, 'disconnect')];
    for (const way of ways) proxy.cut(way);
    const cutAt = performance.now();
    // The end that is told by the other one hears of a reset.
    const [[code, , clean]] = await Promise.all(closed);
    const took = performance.now() - cutAt;
    // The last sign of life may have been late.
    expect(took).toBeGreaterThan(TIMEOUT_MS - 2 * INTERVAL_MS);
    expect(took).toBeLessThan(TIMEOUT_MS + INTERVAL_MS + LATE_MS);
    expect([code, clean]).toEqual([8, false]);
    const codes = [...server.errors, ...client.errors].map((error) => error.code);
    expect(codes).toContain('ERR_QW_HEARTBEAT_TIMEOUT');
    expect(client.stats().disconnects).toBe(1);
    const watched = codes.filter((each) => each === 'ERR_QW_HEARTBEAT_TIMEOUT').length;
    expect(server.stats().heartbeatTimeouts + client.stats().heartbeatTimeouts).toBe(watched);
  });

  it('a client comes back after a cut of the network, and no message is partial', async () => {
    const reconnect = { baseMs: 20, capMs: 200 };
    const options = { codec: 'buffer' as const, reconnect, connectTimeoutMs: 500 };
    const { server, proxy, client } = await farPair({ handshakeTimeoutMs: 500 }, options);
    const size = 300_000;
    const wrong: number[] = [];
    let received = 0;
    server.on('message', (message) => {
      received += 1;
      if (message.length !== size || !message.equals(Buffer.alloc(size, message[0])))
        wrong.push(message.length);
    });
    let number = 0;
    const send = setInterval(() => client.send(Buffer.alloc(size, number++)), 5);
    cleanUp(() => clearInterval(send));
    await until(() => received > 3, 'messages before the cut');
    for (const round of [1, 2]) {
      proxy.cut();
      await next(client, 'disconnect');
      proxy.heal();
      await until(() => client.state === 'open', 'the way back');
      const before = received;
      await until(() => received > before + 3, 'messages after the cut');
      expect(client.stats().reconnects).toBe(round);
    }
    expect(wrong).toEqual([]);
  });

  it.each(['server', 'client'] as const)('a paused %s evicts nobody and is not evicted', async (side) => {
    const scene = await pair({ heartbeat }, { heartbeat });
    const { client, connection } = scene;
    const [paused, sender] = side === 'server' ? [connection, client] : [client, connection];
    let received = 0;
    paused.on('message', () => (received += 1));
    paused.pause();
    await stuffKernel(sender, Buffer.alloc(64 * 1024));
    await sleep(LONG_MS);
    expect(errorsOf(scene)).toEqual([]);
    paused.resume();
    await sender.flushed();
    await until(() => received * 64 * 1024 === sender.stats().accepted.bytes, 'all that was sent');
    expect(errorsOf(scene)).toEqual([]);
    expect(sender.stats().messagesDiscarded).toBe(0);
  });

  it.runIf(IS_QWH).each([false, {}] as const)(
    'one that is paused shows life as often as its peer wants, with %j itself',
    async (own) => {
      const scene = await pair({ heartbeat: own }, { heartbeat });
      scene.connection.on('message', () => {});
      scene.connection.pause();
      await stuffKernel(scene.client, Buffer.alloc(64 * 1024));
      await sleep(LONG_MS);
      expect(errorsOf(scene)).toEqual([]);
      expect(scene.client.state).toBe('open');
    },
  );

  it.each(['inboundRate', 'outboundRate'] as const)(
    'one that the %s holds back is not evicted',
    async (name) => {
      const rate = { bytesPerSecond: 14_000, burstBytes: 1000 };
      const scene = await pair({ heartbeat, [name]: rate }, { heartbeat });
      const { client, connection } = scene;
      const isOut = name === 'outboundRate';
      const [receiver, sender] = isOut ? [client, connection] : [connection, client];
      // Each is longer on its way than a silent peer is borne.
      const messages = collect(receiver, 'message', 4);
      for (let index = 0; index < 4; index += 1) sender.send(Buffer.alloc(16_000, index));
      expect((await messages).map((message: Buffer) => message[0])).toEqual([0, 1, 2, 3]);
      await sleep(TIMEOUT_MS);
      expect(errorsOf(scene)).toEqual([]);
    },
  );

  it('a thread that was busy evicts none of its peers when it wakes', async () => {
    // A native end sees rightly that one on this thread is not there: where there is such a one, it does not look.
    const [server, client] = (['server', 'client'] as const).map((side) => ({
      heartbeat: [side, undefined].includes(TS_SIDE) && heartbeat,
    }));
    const scene = await pair(server, client);
    await sleep(INTERVAL_MS / 2);
    for (let round = 0; round < 3; round += 1) {
      const busyUntil = performance.now() + 2 * TIMEOUT_MS;
      while (performance.now() < busyUntil);
      await sleep(INTERVAL_MS * round);
    }
    await sleep(LONG_MS);
    expect(errorsOf(scene)).toEqual([]);
    expect([scene.client.state, scene.connection.state]).toEqual(['open', 'open']);
  });

  it('a native peer whose JavaScript is blocked is not evicted', async () => {
    const protocol = IS_QWH ? { protocol: 'qwh' } : {};
    const options = JSON.stringify({ heartbeat, ...protocol });
    // It has no part in the pairing, and takes the place of the server.
    const env: Record<string, string> = TS_SIDE === 'server' ? { QWORMHOLE_NATIVE: 'force-ts' } : {};
    const child = new Child('./far-server.mjs', [ANYWHERE, options], env);
    cleanUp(() => child.kill());
    const { addresses, mode } = (await child.line()) as { addresses: string[]; mode: string };
    const client = await call(addresses[0], { heartbeat, reconnect: false });
    const closed = next(client, 'close');
    child.say('sleep 2500');
    await child.event('asleep');
    if (mode === 'native') {
      await child.event('awake');
      client.send(Buffer.from('still there'));
      const [message] = await next(client, 'message');
      expect(String(message)).toBe('still there');
      expect(client.errors).toEqual([]);
    } else {
      // Nothing of it runs: that is what the other backend is for.
      await closed;
      expect(client.errors[0].code).toBe('ERR_QW_HEARTBEAT_TIMEOUT');
    }
  });
});

describe.runIf(!IS_QWH && !IS_TCP)('on WebSocket', () => {
  it('a silent peer is pinged, and held to be dead when it answers nothing', async () => {
    const { server, peer, connection } = await rawPair({ heartbeat });
    const began = performance.now();
    connection.on('message', () => {});
    const [code] = await next(connection, 'close');
    const took = performance.now() - began;
    expect(code).toBe(8);
    expect(server.errors[0].code).toBe('ERR_QW_HEARTBEAT_TIMEOUT');
    expect(server.errors[0].details).toMatchObject({ timeoutMs: TIMEOUT_MS });
    expect(took).toBeLessThan(TIMEOUT_MS + LATE_MS);
    // What the server does is told here before what its peer has read.
    await until(() => peer.frames.length >= 2, 'the pings');
    expect(peer.frames.map(({ opcode }) => opcode).slice(0, 2)).toEqual([OPCODE.ping, OPCODE.ping]);
  });

  it('any byte is life, of messages that are not whole too', async () => {
    const { server, peer, connection } = await rawPair({ heartbeat });
    const messages = collect(connection, 'message', 1);
    for (const byte of peer.pack('slowly')) {
      peer.write(Buffer.of(byte));
      await sleep(INTERVAL_MS / 2);
    }
    await messages;
    expect(server.errors).toEqual([]);
  });
});

describe.runIf(IS_TCP && !IS_QWH)('without signs of life', () => {
  it('a silent peer is nothing but silent', async () => {
    const { server, peer, connection } = await rawPair({ heartbeat });
    connection.on('message', () => {});
    await sleep(LONG_MS);
    expect(server.errors).toEqual([]);
    expect(peer.received.length).toBe(0);
  });
});

describe('idleTimeoutMs', () => {
  it('ends a connection without messages, and says why', async () => {
    const server = await serve({ idleTimeoutMs: 400, heartbeat });
    const closed = next(server, 'clientClosed');
    const client = await call(server, { reconnect: false });
    const [, code, reason, clean] = await closed;
    expect([code, clean]).toEqual([9, true]);
    expect(reason).toContain('no message');
    await until(() => client.state === 'closed', 'the end');
  });

  it('counts messages in both directions', async () => {
    const server = await serve({ idleTimeoutMs: 1200 });
    echo(server);
    const client = await call(server);
    for (let round = 0; round < 10; round += 1) {
      client.send(Buffer.from('again'));
      await next(client, 'message');
      await sleep(250);
    }
    expect(client.state).toBe('open');
    expect(client.stats().disconnects).toBe(0);
  });
});
