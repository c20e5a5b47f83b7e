/** Errors go into logs: what may be a credential is not in them. */
import { expect, test } from 'vitest';
import { QWormholeError } from '../../ts/errors/error.js';
import { parseEndpoint } from '../../ts/endpoint.js';
import { resolveClientOptions, resolveServerOptions } from '../../ts/options/resolve.js';

const SECRET = 'S3CR3T';
const endpoints = 'ws://127.0.0.1:9000/';

function fault(call: () => unknown): QWormholeError {
  try {
    call();
  } catch (error) {
    if (error instanceof QWormholeError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
}

function textOf(error: QWormholeError): string {
  return `${error.stack} ${JSON.stringify(error.details)} ${String(error.cause)}`;
}

test.each([
  [{ Authorization: `Bearer ${SECRET}\n` }, 'Option headers.Authorization has a control character'],
  [{ Authorization: `Bearer ${SECRET}→` }, 'Option headers.Authorization has a character beyond U+00FF'],
  [{ Cookie: ['a=b', `${SECRET}\r\n`] }, 'Option headers.Cookie.1 has a control character'],
  [{ [`X-Key: ${SECRET}`]: '' }, 'Option headers has a name that no header can have; it begins with "X-Key"'],
  [{ Host: SECRET }, 'must not have the name Host, which the handshake sets itself'],
  [{ 'Sec-WebSocket-Protocol': SECRET }, 'must not have the name Sec-WebSocket-Protocol'],
  [
    { Authorization: { toString: (): string => SECRET } },
    'must be a string or a list of strings; it is of type object',
  ],
  [{ Authorization: undefined }, 'must be a string or a list of strings; it is undefined'],
  [
    `Authorization: ${SECRET}`,
    'must be an object of header names and values, or a function that gives one; it is a string',
  ],
])('of headers %#', (headers, message) => {
  const error = fault(() => resolveClientOptions({ endpoints, headers: headers as never }));
  expect(error.code).toBe('ERR_QW_OPTION_INVALID');
  expect(error.message).toContain(message);
  expect(textOf(error)).not.toContain(SECRET);
});

test.each([
  [[`bearer ${SECRET}`], 'has a character that no subprotocol can have'],
  [['a', `bearer.${SECRET}\n`], 'Option subprotocols.1 has a control character'],
  [[''], 'Option subprotocols.0 is empty'],
  [[7], 'Option subprotocols.0 must be a string; it is of type number'],
  [SECRET, 'Option subprotocols must be'],
  [[SECRET, SECRET], 'Option subprotocols must be'],
])('of subprotocols %#', (subprotocols, message) => {
  for (const resolve of [resolveClientOptions, resolveServerOptions]) {
    const error = fault(() => resolve({ endpoints, subprotocols: subprotocols as never }));
    expect(error.code).toBe('ERR_QW_OPTION_INVALID');
    expect(error.message).toContain(message);
    expect(textOf(error)).not.toContain(SECRET);
  }
});

test.each([
  `ws://127.0.0.1:99999/?token=${SECRET}`,
  `ws://127.0.0.1:9000/?token=${SECRET}#x`,
  `ws://127.0.0.1:9000/#token=${SECRET}`,
  `ws://127.0.0.1:9000/?a=b?token=${SECRET} `,
  `ws://127.0.0.1:9000/?a\n=${SECRET}`,
  `wss://127.0.0.1:99999/?token=${SECRET}`,
  `ws://user:${SECRET}@127.0.0.1/`,
  { scheme: 'ws' as const, port: 1, path: `/x?"token"=${SECRET} ` },
  { scheme: 'ws' as const, port: 99999, path: `?${SECRET}` },
])('of endpoints %#', (endpoint) => {
  const error = fault(() => parseEndpoint(endpoint, 'connect'));
  expect(textOf(error)).not.toContain(SECRET);
  expect(error.message).toContain('***');
});

test.each([
  ['tls.key', { key: { pem: SECRET }, cert: 'x' }],
  ['tls.passphrase', { passphrase: [SECRET] }],
  ['tls.identities.0.passphrase', { identities: [{ cert: 'x', key: 'y', passphrase: [SECRET] }] }],
])('%s is not shown', (name, tls) => {
  const error = fault(() => resolveServerOptions({ endpoints: 'tls://127.0.0.1:0', tls } as never));
  expect(error.message).toContain(`Option ${name} must be`);
  expect(textOf(error)).not.toContain(SECRET);
});
