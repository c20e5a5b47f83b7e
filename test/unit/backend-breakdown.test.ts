/**
 * What follows when a backend breaks at run time, on a driver that breaks when told to: the policy is the
 * same wherever the addon is missing. The real thing is tried in test/native/runtime-failure.test.ts.
 */
import { QWormholeError } from 'qwormhole';
import {
  QWormholeClient,
  QWormholeServer,
  resolveClientOptions,
  resolveServerOptions,
  TsDriver,
  type Choice,
  type DialSpec,
  type Link,
  type LinkHandler,
  type LinkListener,
  type ListenerHandler,
  type ListenSpec,
} from 'qwormhole/internal';
import { describe, expect, it } from 'vitest';
import { ANYWHERE, cleanUp, somewhere } from '../support/scene.js';
import { next, sleep, times, until } from '../support/wait.js';

const BROKEN = new QWormholeError('ERR_QW_NATIVE_FAILED', 'on purpose');

/** Calls itself native, and breaks on command. */
class Breakable extends TsDriver {
  override readonly mode = 'native' as never;
  override readonly backend = 'rust' as never;
  readonly #listeners: LinkListener[] = [];
  readonly #links = new Set<Link>();
  isReleased = false;
  #isBroken = false;

  override async listen(spec: ListenSpec, handler: ListenerHandler): Promise<LinkListener> {
    const listener = await super.listen(spec, {
      onLink: (link) => {
        handler.onLink(link);
        this.#keep(link);
      },
      onUpgrade: (upgrade) => handler.onUpgrade(upgrade),
      onError: (error) => handler.onError(error),
    });
    this.#listeners.push(listener);
    return listener;
  }

  override async connect(spec: DialSpec, signal?: AbortSignal): Promise<Link> {
    if (this.#isBroken) throw BROKEN;
    const link = await super.connect(spec, signal);
    setImmediate(() => this.#keep(link));
    return link;
  }

  override release(): void {
    this.isReleased = true;
    super.release();
  }

  /** As the seam says: every link gets its close, every port is free, then the failure is told. */
  async breakDown(): Promise<void> {
    this.#isBroken = true;
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    for (const link of this.#links) link.terminate(0x0d, '');
    await until(() => this.#links.size === 0, 'the links');
    this.onFailure?.(BROKEN);
  }

  #keep(link: Link): void {
    const { handler } = link;
    this.#links.add(link);
    link.handler = Object.create(handler, {
      onMessage: { value: (payload: Buffer) => handler.onMessage(payload, false) },
      onDrain: { value: () => handler.onDrain() },
      onEmpty: { value: () => handler.onEmpty() },
      onEnd: { value: () => handler.onEnd() },
      onClose: {
        value: () => {
          this.#links.delete(link);
          handler.onClose({ code: 0x0d, reason: BROKEN.message, clean: false, error: BROKEN });
        },
      },
    }) as LinkHandler;
  }
}

const choiceOf = (driver: TsDriver, forced = false): Choice => ({
  driver,
  mode: 'native',
  backend: 'rust',
  nativeAvailable: true,
  io: 'threads',
  forced,
});

async function breakableServer(options: object = {}, forced = false) {
  const driver = new Breakable();
  const settings = resolveServerOptions({ endpoints: ANYWHERE, ...options });
  const server = new QWormholeServer(settings, choiceOf(driver, forced));
  cleanUp(() => server.close());
  const errors: QWormholeError[] = [];
  server.on('error', (error) => errors.push(error));
  server.on('message', (message, connection) => void connection.send(message));
  await server.listen();
  return { driver, server, errors, address: server.addresses[0] };
}

async function clientOf(endpoints: string, driver: TsDriver = new TsDriver(), options: object = {}) {
  const settings = resolveClientOptions({ endpoints, reconnect: { baseMs: 10, capMs: 50 }, ...options });
  const mode = driver instanceof Breakable ? 'native' : 'ts';
  const client = new QWormholeClient(settings, {
    ...choiceOf(driver),
    mode,
    backend: mode === 'ts' ? 'ts' : 'rust',
  });
  cleanUp(() => client.close());
  const errors: QWormholeError[] = [];
  client.on('error', (error) => errors.push(error));
  await client.connect();
  await sleep(5);
  return { client, errors };
}

describe('a server', () => {
  it('goes on in TypeScript on the same ports, under load, and every client comes back', async () => {
    const { driver, server, errors, address } = await breakableServer({ endpoints: await somewhere() });
    const clients = await Promise.all(Array.from({ length: 20 }, () => clientOf(address)));
    let echoes = 0;
    for (const { client } of clients) {
      client.on('message', (message) => ((echoes += 1), client.send(message as Buffer)));
      client.on('ready', () => client.send('again'));
      client.send('round and round');
    }
    await until(() => echoes > 1000, 'some load');
    const ends: unknown[][] = [];
    server.on('clientClosed', (_connection, code, _reason, clean) => ends.push([code, clean]));
    const back = Promise.all(clients.map(({ client }) => next(client, 'ready')));
    const listening = next(server, 'listening');
    await driver.breakDown();
    expect(server.ready).toBe(false);
    await listening;
    await back;
    expect(ends).toEqual(times(20, [0x0d, false]));
    const before = echoes;
    await until(() => echoes > before + 1000, 'load again');
    expect([server.mode, server.backend, server.ready]).toEqual(['ts', 'ts', true]);
    expect(server.addresses).toEqual([address]);
    expect(errors.map(({ code }) => code)).toEqual(['ERR_QW_NATIVE_FAILED']);
    expect(driver.isReleased).toBe(true);
  });

  it('waits for a port that is not free at once', async () => {
    const { driver, server, address } = await breakableServer({ endpoints: await somewhere() });
    const { port, hostname } = new URL(address);
    const listening = next(server, 'listening');
    const { createServer } = await import('node:net');
    const squatter = createServer();
    const original = driver.onFailure!;
    driver.onFailure = (error) => {
      squatter.listen(Number(port), hostname, () => original(error));
    };
    await driver.breakDown();
    await sleep(100);
    expect(server.ready).toBe(false);
    squatter.close();
    await listening;
    expect(server.addresses).toEqual([address]);
  });

  it.each([
    ['where native is forced', {}, true],
    ['where the option says so', { onNativeFailure: 'error' }, false],
    ['where TypeScript cannot honour an option', { sendBufferSize: 65_536 }, false],
  ])('ends with an error %s', async (_where, options, forced) => {
    const { driver, server, errors } = await breakableServer(options, forced);
    const closed = next(server, 'close');
    await driver.breakDown();
    await closed;
    expect(errors.map(({ code }) => code)).toEqual(['ERR_QW_NATIVE_FAILED']);
    expect(server.mode).toBe('native');
  });

  it('migrates where native is forced and the option says so', async () => {
    const { driver, server } = await breakableServer({ onNativeFailure: 'migrate' }, true);
    const listening = next(server, 'listening');
    await driver.breakDown();
    await listening;
    expect(server.mode).toBe('ts');
  });

  it('closes although the backend breaks meanwhile', async () => {
    const { driver, server, address } = await breakableServer();
    await clientOf(address);
    const closed = next(server, 'close');
    const closing = server.close({ gracefulMs: 5000 });
    await driver.breakDown();
    await Promise.all([closing, closed]);
  });
});

describe('a client', () => {
  it('comes back through TypeScript with its listeners', async () => {
    const { address } = await breakableServer();
    const driver = new Breakable();
    const { client, errors } = await clientOf(address, driver);
    const lost = next(client, 'disconnect');
    const ready = next(client, 'ready');
    await driver.breakDown();
    expect((await lost)[0]).toBe(0x0d);
    await ready;
    const back = next(client, 'message');
    client.send('hello');
    expect(String((await back)[0])).toBe('hello');
    expect([client.mode, client.backend]).toEqual(['ts', 'ts']);
    expect(errors.map(({ code }) => code)).toEqual(['ERR_QW_NATIVE_FAILED']);
  });

  it('ends with an error where that is wanted', async () => {
    const { address } = await breakableServer();
    const driver = new Breakable();
    const { client, errors } = await clientOf(address, driver, { onNativeFailure: 'error' });
    const closed = next(client, 'close');
    await driver.breakDown();
    expect((await closed)[2]).toBe(false);
    expect(errors.map(({ code }) => code)).toEqual(['ERR_QW_NATIVE_FAILED']);
  });

  it('ends too where it does not reconnect', async () => {
    const { address } = await breakableServer();
    const driver = new Breakable();
    const { client, errors } = await clientOf(address, driver, { reconnect: false });
    const closed = next(client, 'close');
    await driver.breakDown();
    expect((await closed)[0]).toBe(0x0d);
    expect(errors.map(({ code }) => code)).toEqual(['ERR_QW_NATIVE_FAILED']);
  });
});
