import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatEndpoint, isLoopback, parseEndpoint, type EndpointInput } from '../../ts/endpoint.js';
import { QWormholeError } from '../../ts/errors/error.js';
import { holds } from '../support/holds.js';

function fault(input: unknown, use: 'listen' | 'connect' = 'connect'): QWormholeError {
  try {
    parseEndpoint(input as EndpointInput, use);
  } catch (error) {
    if (error instanceof QWormholeError) return error;
    throw error;
  }
  throw new Error(`no fault in ${String(input)}`);
}

test.each([
  ['tcp://127.0.0.1:9000', '127.0.0.1', 9000],
  ['TCP://Example.COM:80', 'example.com', 80],
  ['tcp://[::1]:9000', '::1', 9000],
  ['tcp://[FE80::1%eth0]:9000', 'fe80::1%eth0', 9000],
  ['tcp://[fe80::1%Wg0]:9000', 'fe80::1%Wg0', 9000],
  ['tcp://my_container-1:65535', 'my_container-1', 65535],
  ['tcp://host.example.:1', 'host.example.', 1],
  ['tcp://b\u00fccher.example:1', 'xn--bcher-kva.example', 1],
  ['tcp://a1:08080', 'a1', 8080],
])('%s is understood', (text, host, port) => {
  expect(parseEndpoint(text, 'connect')).toEqual({ scheme: 'tcp', host, port });
});

test.each([
  ['127.0.0.1:9000', 'no scheme'],
  ['localhost:9000', 'no scheme'],
  ['', 'no scheme'],
  ['://x:1', 'no scheme'],
  ['tcp://:9000', 'host is missing'],
  ['tcp://', 'host is missing'],
  ['tcp://127.0.0.1', 'port is missing'],
  ['tcp://127.0.0.1:', 'port is missing'],
  ['tcp://[::1]', 'port is missing'],
  ['tcp://127.0.0.1:65536', 'from 1 to 65535'],
  ['tcp://127.0.0.1:-1', 'from 1 to 65535'],
  ['tcp://127.0.0.1:1e3', 'from 1 to 65535'],
  ['tcp://127.0.0.1:0x50', 'from 1 to 65535'],
  ['tcp://127.0.0.1: 80', 'from 1 to 65535'],
  ['tcp://127.0.0.1:80 ', 'from 1 to 65535'],
  ['tcp://127.0.0.1:0', 'for listening only'],
  ['tcp://::1:9000', 'in brackets'],
  ['tcp://[::g]:9000', 'not an IPv6 address'],
  ['tcp://[127.0.0.1]:9000', 'not an IPv6 address'],
  ['tcp://[::1]x:9000', 'host'],
  ['tcp://user:secret@host:1', 'user name'],
  ['tcp://host:1/path', 'no path'],
  ['tcp://host:1/', 'no path'],
  ['tcp://host:1?a=b', 'no query'],
  ['tcp://host:1#f', 'no fragment'],
  ['tcp://127.1:9000', 'complete IPv4'],
  ['tcp://256.0.0.1:9000', 'complete IPv4'],
  ['tcp://0x7f000001:9000', 'complete IPv4'],
  ['tcp://2130706433:9000', 'complete IPv4'],
  ['tcp://a..b:1', 'legal name'],
  ['tcp://-a:1', 'legal name'],
  ['tcp://a b:1', 'legal name'],
  ['tcp://%31:1', 'legal name'],
  ['tcp://ho\nst:1', 'legal name'],
  ['udp://host:1', 'not known'],
])('%j is refused: %s', (text, hint) => {
  const error = fault(text);
  expect(error.code).toBe('ERR_QW_ENDPOINT_INVALID');
  expect(error.message).toContain(hint);
});

test('an error names the endpoint, without a password and within bounds', () => {
  expect(fault('tcp://host').message).toContain('"tcp://host"');
  expect(fault('tcp://user:secret@host:1').message).not.toContain('secret');
  expect(JSON.stringify(fault('tcp://user:secret@host:1'))).not.toContain('secret');
  expect(fault(`tcp://${'a'.repeat(100_000)}:1`).message.length).toBeLessThan(1_000);
  expect(fault('tcp://ho\u001b[2Jst:1').message).not.toContain('\u001b');
});

test('port 0 is for listening', () => {
  expect(parseEndpoint('tcp://localhost:0', 'listen')).toEqual({ scheme: 'tcp', host: 'localhost', port: 0 });
  expect(fault({ scheme: 'tcp', port: 0 }).message).toContain('for listening only');
});

test('the object form has loopback as its host and may set the protocol', () => {
  expect(parseEndpoint({ scheme: 'tcp', port: 1 }, 'connect')).toEqual({
    scheme: 'tcp',
    host: '127.0.0.1',
    port: 1,
  });
  const full = { scheme: 'tcp', host: '::1', port: 1, protocol: 'raw' } as const;
  expect(parseEndpoint(full, 'connect')).toEqual(full);
  expect(parseEndpoint({ ...full, host: '[::1]' }, 'connect')).toEqual(full);
});

test.each([
  [{ scheme: 'tcp' }, 'port is missing'],
  [{ scheme: 'tcp', port: '9000' }, 'a string'],
  [{ scheme: 'tcp', port: NaN }, 'from 1 to'],
  [{ scheme: 'tcp', port: 1.5 }, 'from 1 to'],
  [{ scheme: 'tcp', port: 2 ** 33 }, 'from 1 to'],
  [{ scheme: 'tcp', port: 1, host: '' }, 'host is missing'],
  [{ scheme: 'tcp', port: 1, host: 7 }, 'not a string'],
  [{ scheme: 'tcp', port: 1, path: '/x' }, 'no field "path"'],
  [{ scheme: 'tcp', port: 1, protocol: 'mqtt' }, 'protocol'],
  [{ port: 1 }, 'scheme'],
  [null, 'neither'],
  [undefined, 'neither'],
  [9000, 'neither'],
  [[], 'scheme'],
])('the object %j is refused: %s', (input, hint) => {
  const error = fault(input);
  expect(error.code).toBe('ERR_QW_ENDPOINT_INVALID');
  expect(error.message).toContain(hint);
});

test('a URL object is read as its text', () => {
  expect(parseEndpoint(new URL('tcp://[::1]:9000'), 'connect').host).toBe('::1');
});

test('a legal endpoint survives being formatted and parsed', async () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  await holds(
    fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
      const text = name.includes(':') ? `tcp://[${name}]:${port}` : `tcp://${name}:${port}`;
      const endpoint = parseEndpoint(text, 'connect');
      expect(endpoint.port).toBe(port);
      expect(parseEndpoint(formatEndpoint(endpoint), 'connect')).toEqual(endpoint);
    }),
  );
});

test('no text or value at all leads to anything but an endpoint or an error of ours', async () => {
  const parts = fc.constantFrom(
    'tcp',
    '://',
    ':',
    '@',
    '[',
    ']',
    '/',
    '?',
    '#',
    '%',
    '.',
    '::1',
    '127',
    '9000',
    ' ',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(parts, { maxLength: 12 }).map((list) => list.join('')),
  );
  await holds(
    fc.property(
      fc.oneof(texts, fc.anything()),
      fc.constantFrom('listen' as const, 'connect' as const),
      (input, use) => {
        try {
          const { host, port } = parseEndpoint(input as EndpointInput, use);
          expect(host).not.toBe('');
          expect(Number.isInteger(port) && port >= 0 && port <= 65_535).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(QWormholeError);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('loopback is told from what others can reach', () => {
  for (const host of [
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::1%lo',
    'localhost',
    'LOCALHOST.',
    'a.localhost',
  ]) {
    expect(isLoopback(host), host).toBe(true);
  }
  for (const host of [
    '0.0.0.0',
    '::',
    '128.0.0.1',
    '10.0.0.1',
    '::2',
    '::ffff:10.0.0.1',
    'fe80::1%lo',
    'localhost.example',
    '127.example',
  ]) {
    expect(isLoopback(host), host).toBe(false);
  }
});

test.each([
  ['ws://host:8080', 8080, '/', ''],
  ['ws://host', 80, '/', ''],
  ['WS://Host:80/Chat', 80, '/Chat', ''],
  ['ws://host/a%20b?x=1&y=2', 80, '/a%20b', '?x=1&y=2'],
  ['ws://host?x=1', 80, '/', '?x=1'],
  ['ws://host/b\u00fccher/../m', 80, '/m', ''],
  ['ws://[::1]:9/m', 9, '/m', ''],
])('%s is a WebSocket endpoint', (text, port, path, query) => {
  expect(parseEndpoint(text, 'connect')).toMatchObject({ scheme: 'ws', port, path, query });
});

test('the object form of a WebSocket has a path, and port 80 where none is given', () => {
  const given = { scheme: 'ws', path: '/m' } as const;
  expect(parseEndpoint(given, 'listen')).toEqual({
    scheme: 'ws',
    host: '127.0.0.1',
    port: 80,
    path: '/m',
    query: '',
  });
  expect(formatEndpoint(parseEndpoint(given, 'listen'))).toBe('ws://127.0.0.1:80/m');
});

test.each([
  ['ws://host:1/a#b', 'no fragment'],
  ['ws://host:1/a b', 'blanks'],
  ['ws://host:1/a\tb', 'blanks'],
  ['ws://host:/', 'port is missing'],
  ['ws://user:secret@host:1/', 'user name'],
  [{ scheme: 'ws', path: 'm' }, 'begin with a slash'],
  [{ scheme: 'ws', path: 7 }, 'not a string'],
  [{ scheme: 'ws', query: '?a' }, 'no field "query"'],
])('%j is refused: %s', (input, hint) => {
  expect(fault(input).message).toContain(hint);
});

test('a query is for connecting', () => {
  expect(fault('ws://host:1/m?a=b', 'listen').message).toContain('no query');
  expect(fault({ scheme: 'ws', path: '/m?' }, 'listen').message).toContain('no query');
});
