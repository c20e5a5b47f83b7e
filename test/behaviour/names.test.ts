/** Names: each address is tried in its turn, and errors tell the same on both backends. */
import dns, { type LookupAddress } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { isIP } from 'node:net';
import { connect, listen } from 'qwormhole';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { call, serve } from '../support/scene.js';
import { failure } from '../support/wait.js';

const NAME = 'several.example';
/** Nothing listens on port 1 of this machine. */
const REFUSING: LookupAddress = { address: '127.0.0.1', family: 4 };
/** No connection can be made to everybody. */
const UNREACHABLE: LookupAddress = { address: '255.255.255.255', family: 4 };

let found: LookupAddress[];

function answer(host: string): LookupAddress[] {
  if (host === NAME) return found;
  const facts = { code: 'ENOTFOUND', syscall: 'getaddrinfo' };
  throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), facts);
}

beforeEach(() => {
  const lookup = dns.lookup as (host: string, ...rest: unknown[]) => void;
  const fake = (host: string, ...rest: unknown[]): void => {
    if (isIP(host) !== 0) return lookup(host, ...rest);
    const callback = rest.at(-1) as (error: unknown, addresses?: LookupAddress[]) => void;
    try {
      process.nextTick(callback, null, answer(host));
    } catch (error) {
      process.nextTick(callback, error);
    }
  };
  vi.spyOn(dns, 'lookup').mockImplementation(fake as never);
  vi.spyOn(dns.promises, 'lookup').mockImplementation((async (host: string) => answer(host)) as never);
  syncBuiltinESMExports();
});

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

it('are called by the first address that answers', async () => {
  const server = await serve();
  found = [UNREACHABLE, REFUSING];
  const client = await call(`tcp://${NAME}:${new URL(server.addresses[0]).port}`, { reconnect: false });
  expect(client.remoteAddress).toBe(REFUSING.address);
});

it('tell why the last address did not answer', async () => {
  found = [UNREACHABLE, REFUSING];
  expect(await failure(() => connect(`tcp://${NAME}:1`))).toMatchObject({
    code: 'ERR_QW_CONNECT_REFUSED',
    message: expect.stringContaining(`Cannot connect to ${NAME}:1: ECONNREFUSED`),
  });
  found = [REFUSING, UNREACHABLE];
  expect((await failure(() => connect(`tcp://${NAME}:1`))).code).not.toBe('ERR_QW_CONNECT_REFUSED');
});

it('that nobody has are told with the whole endpoint', async () => {
  expect(await failure(() => listen('tcp://nosuchhost.invalid:0'))).toMatchObject({
    code: 'ERR_QW_DNS',
    message: expect.stringContaining('Cannot listen on nosuchhost.invalid:0: ENOTFOUND'),
  });
  expect(await failure(() => connect('tcp://nosuchhost.invalid:7'))).toMatchObject({
    code: 'ERR_QW_DNS',
    message: expect.stringContaining('Cannot connect to nosuchhost.invalid:7: ENOTFOUND'),
  });
});
