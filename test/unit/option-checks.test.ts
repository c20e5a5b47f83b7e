import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QWormholeError } from '../../ts/errors/error.js';
import { resolveClientOptions, resolveServerOptions } from '../../ts/options/resolve.js';
import { OPTION_TABLE, type OptionFacts } from '../../ts/options/table.js';
import { holds } from '../support/holds.js';

const endpoints = 'tcp://127.0.0.1:9000';
const roles = { server: resolveServerOptions, client: resolveClientOptions } as const;
type Role = keyof typeof roles;

function fault(role: Role, options: unknown): QWormholeError {
  try {
    roles[role](options as never);
  } catch (error) {
    if (error instanceof QWormholeError) return error;
    throw error;
  }
  throw new Error('the options were accepted');
}

/** `{ 'reconnect.baseMs': 5 }` as a user writes it. */
function given(name: string, value: unknown): Record<string, unknown> {
  const [outer, inner] = name.split('.');
  return { endpoints, [outer]: inner === undefined ? value : { [inner]: value } };
}

const bounded = Object.entries<OptionFacts>(OPTION_TABLE).filter(([, { min }]) => min !== undefined);
const rolesOf = ({ for: whose }: OptionFacts) =>
  whose === 'both' ? (['server', 'client'] as const) : [whose];

describe.each(bounded)('%s', (name, facts) => {
  const { min = 0, max = 0 } = facts;
  const wrong = [
    NaN,
    -1,
    -Infinity,
    min - 1,
    max + 1,
    2 ** 33,
    min + 0.5,
    '7',
    7n,
    null,
    [],
    {},
    true,
    () => 1,
  ];

  test.each(rolesOf(facts))('refuses what is outside its range, on a %s', (role) => {
    for (const value of wrong) {
      const error = fault(role, given(name, value));
      expect(error.code).toBe('ERR_QW_OPTION_INVALID');
      expect(error.message).toContain(`Option ${name} must be ${facts.expects}`);
      expect(error.details).toEqual({ option: name });
    }
  });
});

test('a fault says what was given', () => {
  expect(fault('server', { endpoints, maxMessage: NaN }).message).toContain('it is NaN');
  expect(fault('server', { endpoints, maxMessage: '4 MiB' }).message).toContain('it is "4 MiB"');
  expect(fault('client', { endpoints, reconnect: { baseMs: -3 } }).message).toContain('it is -3');
});

test.each([
  ['noDelay', 1],
  ['preferNative', 'yes'],
  ['forceTs', 0],
  ['copy', null],
  ['protocol', 'mqtt'],
  ['onNativeFailure', 'ignore'],
  ['io', 'uring'],
  ['interfaceBinding', 'ip'],
  ['interfaceName', ''],
  ['interfaceName', 'eth/0'],
  ['interfaceName', 'eth\0'],
  ['interfaceName', 7],
  ['keepAlive', true],
  ['keepAlive', 0],
  ['heartbeat', true],
  ['heartbeat', 5000],
  ['heartbeat', { intervalMs: 99 }],
  ['heartbeat', { timeoutMs: 2 ** 31 }],
  ['idleTimeoutMs', 0],
  ['signal', {}],
  ['signal', 'abort'],
  ['codec', 'yaml'],
  ['codec', {}],
  ['codec', null],
])('%s: %j is refused', (name, value) => {
  for (const role of ['server', 'client'] as const) {
    const error = fault(role, { endpoints, [name]: value });
    expect(error.code).toBe('ERR_QW_OPTION_INVALID');
    expect(error.message).toContain(`Option ${name}`);
  }
});

test.each([
  ['localAddress', 'localhost'],
  ['localAddress', '127.0.0'],
  ['reconnect', 'yes'],
  ['reconnect', null],
  ['offlineQueue', true],
  ['offlineQueue', 5],
  ['reconnect.initial', 1],
])('%s: %j is refused by a client', (name, value) => {
  const error = fault('client', given(name, value));
  expect(error.code).toBe('ERR_QW_OPTION_INVALID');
  expect(error.message).toContain(`Option ${name} must`);
});

test('an unknown option is named, with what was probably meant', () => {
  const error = fault('server', { endpoints, maxMesage: 1 });
  expect(error.code).toBe('ERR_QW_OPTION_UNKNOWN');
  expect(error.message).toContain('Option maxMesage of a server does not exist: did you mean maxMessage?');
  expect(error.details).toEqual({ option: 'maxMesage', suggestion: 'maxMessage' });
  expect(fault('client', { endpoints, nodelay: true }).message).toContain('did you mean noDelay?');
  expect(fault('client', { endpoints, reconnect: { capms: 1 } }).message).toContain(
    'did you mean reconnect.capMs?',
  );
  expect(fault('client', { endpoints, xyzzyplugh: 1 }).message).toContain('there is none like it');
});

test('an option of the other side is said to be one', () => {
  expect(fault('server', { endpoints, reconnect: true }).message).toContain('it is an option of the client');
  expect(fault('client', { endpoints, backlog: 5 }).message).toContain('it is an option of the server');
});

test('an unknown name is reported before a bad value', () => {
  expect(fault('server', { endpoints, maxMessage: -1, bogus: 1 }).code).toBe('ERR_QW_OPTION_UNKNOWN');
});

test('hostile names are unknown options, nothing more', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
    const options = JSON.parse(`{"endpoints": "${endpoints}", ${JSON.stringify(name)}: {"copy": true}}`);
    expect(fault('server', options).code).toBe('ERR_QW_OPTION_UNKNOWN');
  }
});

test('the options must be an object', () => {
  for (const options of [undefined, null, 'tcp://127.0.0.1:1', 7, [], () => 1]) {
    expect(fault('server', options).code).toBe('ERR_QW_OPTION_INVALID');
  }
});

test('endpoints are needed and checked', () => {
  expect(fault('server', {}).message).toContain('Option endpoints must be one endpoint or a list');
  expect(fault('client', { endpoints: [] }).code).toBe('ERR_QW_OPTION_INVALID');
  expect(resolveServerOptions({ endpoints: [] }).endpoints).toEqual([]);
  const twice = ['ws://127.0.0.1:81/a', 'ws://127.0.0.1:81/b', 'ws://127.0.0.1:81/a'];
  expect(fault('server', { endpoints: twice }).message).toContain('twice');
  expect(fault('server', { endpoints: [endpoints, 'tcp://x'] }).code).toBe('ERR_QW_ENDPOINT_INVALID');
  expect(fault('client', { endpoints: 'tcp://127.0.0.1:0' }).code).toBe('ERR_QW_ENDPOINT_INVALID');
  expect(fault('client', { endpoints: 'unix://x' }).code).toBe('ERR_QW_ENDPOINT_INVALID');
});

test('rules between options name both', () => {
  expect(fault('server', { endpoints, lowWaterMark: 11, highWaterMark: 10 }).message).toContain(
    'lowWaterMark must be at most highWaterMark, 10 (bytes); it is 11',
  );
  expect(fault('server', { endpoints, maxQueued: 10, highWaterMark: 11 }).message).toContain(
    'highWaterMark must be at most maxQueued, 10 (bytes); it is 11',
  );
  expect(fault('client', { endpoints, reconnect: { baseMs: 9, capMs: 8 } }).message).toContain(
    'reconnect.capMs must be at least reconnect.baseMs',
  );
  expect(fault('server', { endpoints, interfaceBinding: 'address' }).message).toContain(
    'needs interfaceName',
  );
  const both = { endpoints, localAddress: '127.0.0.1', interfaceName: 'lo', interfaceBinding: 'address' };
  expect(fault('client', both).message).toContain('excludes interfaceBinding');
});

test('protocol raw takes the codecs buffer and text only, by whatever way it is chosen', () => {
  const raw = { scheme: 'tcp', port: 1, protocol: 'raw' } as const;
  const custom = { name: 'text', encode: String, decode: String };
  for (const codec of ['json', 'cbor', 'msgpack', custom] as const) {
    for (const options of [{ endpoints, protocol: 'raw' }, { endpoints: [endpoints, raw] }]) {
      const error = fault('server', { ...options, codec });
      expect(error.code).toBe('ERR_QW_OPTION_INVALID');
      expect(error.message).toContain('Option codec');
    }
  }
  for (const codec of ['buffer', 'text', undefined] as const) {
    expect(resolveServerOptions({ endpoints: raw, codec }).endpoints[0].protocol).toBe('raw');
  }
  const framed = { ...raw, protocol: 'length-prefixed' } as const;
  expect(resolveServerOptions({ endpoints: framed, protocol: 'raw', codec: 'json' }).codec.name).toBe('json');
});

test('whatever is given, the outcome is settings whose numbers are legal, or an error of ours', async () => {
  const names = Object.keys(OPTION_TABLE).filter((name) => !name.includes('.') && name !== 'endpoints');
  const value = fc.oneof(
    fc.anything(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom('raw', 'json', 'device'),
  );
  await holds(
    fc.property(fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 }), (options) => {
      for (const resolve of Object.values(roles)) {
        try {
          const settings = resolve({ endpoints, ...options } as never);
          for (const [name, { min = 0, max = 0 }] of bounded.filter(([key]) => !key.includes('.'))) {
            const found = (settings as unknown as Record<string, unknown>)[name];
            if (found === undefined || found === false || found === Infinity) continue;
            expect(
              Number.isInteger(found) && (found as number) >= min && (found as number) <= max,
              name,
            ).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(QWormholeError);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});
