/** A process without descriptors: what fails says why, what stands goes on, and all works again when there are some. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Child, type Line } from '../support/child.js';
import { RawPeer } from '../support/raw-peer.js';
import { call, cleanUp, echo, serve, somewhere } from '../support/scene.js';
import { failure, next, until } from '../support/wait.js';

/** More than Node opens at once to load modules. */
const DESCRIPTORS = 400;
const LIMITED = ['/bin/sh', '-c', `ulimit -n ${DESCRIPTORS}; exec "$@"`, 'sh'];
const IS_NATIVE = process.env.QWORMHOLE_NATIVE === 'force';

/** What is told while there are none. */
function exhausted(said: string) {
  return {
    code: 'ERR_QW_RESOURCES',
    message: expect.stringMatching(new RegExp(`^${said}: EMFILE\\. .*ulimit -n`)),
    retriable: true,
    remedy: expect.stringContaining('ulimit -n'),
    details: { errno: 'EMFILE', syscall: expect.any(String), what: expect.any(String) },
    cause: expect.stringContaining('EMFILE'),
  };
}

let child: Child;

async function exhaustible(): Promise<void> {
  child = new Child('./exhausted.mjs', [], {}, LIMITED);
  cleanUp(() => child.kill());
  await child.event('here');
}

async function told(command: string, event: string): Promise<Line> {
  child.say(command);
  return child.event(event);
}

beforeEach(exhaustible);
afterEach(async () => expect(child.stderr).toBe(''));

describe.each(['tcp', 'ws'])('over %s', (carrier) => {
  const path = carrier === 'ws' ? '/' : '';

  it('listening and connecting fail, and succeed later', async () => {
    const peer = await serve({}, `${carrier}://127.0.0.1:0${path}`);
    echo(peer);
    const url = `${carrier}://127.0.0.1:0${path}`;
    // What is loaded and begun the first time is there.
    await told(`listen ${url}`, 'listening');
    await told('take', 'taken');
    expect((await told(`listen ${url}`, 'failed')).error).toEqual(exhausted('Cannot listen on 127.0.0.1:0'));
    const [address] = peer.addresses;
    const host = new URL(address).host;
    expect((await told(`connect ${address}`, 'failed')).error).toEqual(
      exhausted(`Cannot connect to ${host}`),
    );
    await told('give', 'given');
    const { addresses } = await told(`listen ${url}`, 'listening');
    const client = await call((addresses as string[])[0]);
    const echoed = next(client, 'message');
    client.send('there');
    expect(String((await echoed)[0])).toBe('there');
    await told(`connect ${address}`, 'connected');
    expect((await child.event('message')).text).toBe('hello');
  });

  it('what could not be loaded is loaded later', async () => {
    await told('take', 'taken');
    const url = `${carrier}://127.0.0.1:0${path}`;
    child.say(`listen ${url}`);
    const { error } = (await child.event('failed')) as { error: any };
    // An addon whose path is given is opened by the linker, which writes it out.
    expect(error.message).toMatch(/EMFILE|Too many open files/);
    expect(error.code).toBe(IS_NATIVE ? 'ERR_QW_NATIVE_UNAVAILABLE' : 'ERR_QW_RESOURCES');
    await told('give', 'given');
    const { mode } = await told(`listen ${url}`, 'listening');
    expect(mode).toBe(IS_NATIVE ? 'native' : 'ts');
  });
});

it('a client that has lost its connection tries until there are some', async () => {
  const place = await somewhere();
  const server = await serve({}, place);
  echo(server);
  await told(`connect ${place}`, 'connected');
  await child.event('message');
  await server.close();
  await child.event('reconnecting');
  await told('take', 'taken');
  // One attempt may have been under way.
  for (;;) {
    const { error } = (await child.event('reconnecting')) as { error: any };
    if (error.code === 'ERR_QW_CONNECT_REFUSED') continue;
    expect(error).toEqual(exhausted(`Cannot connect to ${new URL(place).host}`));
    break;
  }
  const back = await serve({}, place);
  echo(back);
  await told('give', 'given');
  expect((await child.event('message')).text).toBe('hello');
});

it('a server keeps those it has, and accepts again', async () => {
  const { addresses } = await told('listen tcp://127.0.0.1:0', 'listening');
  const [address] = addresses as string[];
  const witness = await call(address);
  const hears = async (text: string) => {
    const echoed = next(witness, 'message');
    witness.send(text);
    expect(String((await echoed)[0])).toBe(text);
  };
  await hears('before');
  await told('take', 'taken');
  const callers = await Promise.all(Array.from({ length: 5 }, () => RawPeer.connect(address)));
  cleanUp(() => callers.forEach((caller) => caller.destroy()));
  // Node closes those that it has no descriptor for, and tells nobody.
  if (IS_NATIVE) {
    const host = new URL(address).host;
    expect((await child.event('error')).error).toEqual(exhausted(`Cannot accept connections on ${host}`));
  } else await until(() => callers.every(({ hasEnded, isClosed }) => hasEnded || isClosed), 'their end');
  await hears('meanwhile');
  expect((await failure(() => call(address, { connectTimeoutMs: 300, reconnect: false }))).code).toMatch(
    /^ERR_QW_(CONNECT_TIMEOUT|HANDSHAKE_TIMEOUT|HANDSHAKE|CONNECTION_LOST|CONNECT_FAILED)$/,
  );
  await told('give', 'given');
  const client = await call(address);
  const echoed = next(client, 'message');
  client.send('after');
  expect(String((await echoed)[0])).toBe('after');
  await hears('after');
});
