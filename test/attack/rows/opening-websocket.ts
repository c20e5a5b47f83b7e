/** Requests for a WebSocket that are none, too much, too slow, or not wanted. */
import { CANARY } from '../lib/canary.js';
import type { Entry, Expectation, Family, Step } from '../lib/rows.js';
import {
  act,
  drip,
  end,
  flood,
  gone,
  reset,
  rest,
  send,
  untilAsked,
  when,
  ws,
  type Bytes,
} from '../lib/steps.js';
import { openingRequest } from '../../support/ws-frames.js';

const TIMEOUT_MS = 400;

function entry(id: string, what: string, expect: Expectation, ...steps: Step[]): Entry {
  return { id, what, expect, steps };
}
/** A request that is none. */
const unsound = (id: string, what: string, status: number, request: Bytes): Entry =>
  entry(id, what, { wire: status, error: 'ERR_QW_HANDSHAKE' }, send(request));
const counted = (counter: string, each: Entry): Entry => ({ ...each, counter });

const HOST = '127.0.0.1';
const plain = openingRequest('/', HOST, [`Authorization: Bearer ${CANARY}`]);
const having = (...headers: string[]): string => openingRequest('/', HOST, headers);
const without = (name: string): string => plain.replace(new RegExp(`${name}: [^\r]*\r\n`), '');
const replaced = (name: string, value: string): string =>
  plain.replace(new RegExp(`${name}: [^\r]*`), `${name}: ${value}`);

/** Who is still sending when the answer comes may lose it to the reset. */
const TOLD_OR_CUT = [431, 'reset'] as const;

/** For parsers that go back and forth. */
const HOSTILE = [' ', ',', '";', '\\', ';a', 'a=b;', '\t'];
const BYTES = 12_000;
const filled = (text: string, bytes = BYTES): string => text.repeat(bytes / text.length);

export const websocketRequests: Family = {
  name: 'WebSocket, requests',
  carrier: 'ws',
  dialect: 'ws',
  roles: ['server'],
  entries: [
    unsound('A3', 'a head of 20 KB', 431, having(`X: ${'a'.repeat(20_000)}`)),
    entry(
      'A3',
      'a head that never ends, up to 1 MB',
      { wire: TOLD_OR_CUT, error: 'ERR_QW_HANDSHAKE' },
      send('GET / HTTP/1.1\r\nX: '),
      flood('a', { count: 1_000_000 }),
    ),
    entry(
      'A3',
      'headers without end, up to 1 MB',
      { wire: TOLD_OR_CUT, error: 'ERR_QW_HANDSHAKE' },
      send('GET / HTTP/1.1\r\n'),
      flood('X: yyyyyyyyyyyyyyyy\r\n', { count: 50_000 }),
    ),
    unsound('A4', '2,000 short headers', 431, having(...Array.from({ length: 2000 }, (_, i) => `a${i}:1`))),
    unsound('A4', '2,000 headers of one name', 431, having(...Array.from({ length: 2000 }, () => 'a:1'))),
    ...['__proto__', 'constructor', 'hasOwnProperty', 'toString'].map((name) =>
      entry('A4', `the header ${name}`, { lives: true }, opened(having(`${name}: ${CANARY}`))),
    ),
    ...HOSTILE.map((text) => ({
      ...unsound(
        'A7',
        `extensions of ${JSON.stringify(text)}`,
        400,
        having(`Sec-WebSocket-Extensions: permessage-deflate${filled(text)}x, "${CANARY}`),
      ),
      withinMs: 1000,
    })),
    ...HOSTILE.map((text) => ({
      ...unsound(
        'A7',
        `subprotocols of ${JSON.stringify(text)}`,
        400,
        having(`Sec-WebSocket-Protocol: a${filled(text, BYTES / 2)}b, a${filled(text, BYTES / 2)}b`),
      ),
      withinMs: 1000,
    })),
    entry(
      'A7',
      'prototype names as extensions',
      { lives: true },
      opened(having('Sec-WebSocket-Extensions: constructor, __proto__; toString=1')),
    ),
    unsound('A8', 'no key', 400, without('Sec-WebSocket-Key')),
    unsound('A8', 'a short key', 400, replaced('Sec-WebSocket-Key', 'c2hvcnQ=')),
    unsound('A8', 'a key that is no base64', 400, replaced('Sec-WebSocket-Key', '????????????????????????')),
    unsound('A8', 'two keys', 400, having('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')),
    unsound('A8', 'version 12', 426, replaced('Sec-WebSocket-Version', '12')),
    unsound('A8', 'no version', 426, without('Sec-WebSocket-Version')),
    unsound('A8', 'POST', 405, plain.replace('GET', 'POST')),
    unsound('A8', 'HTTP/1.0', 400, plain.replace('HTTP/1.1', 'HTTP/1.0')),
    unsound('A8', 'no host', 400, without('Host')),
    unsound('A8', 'no upgrade', 426, without('Upgrade')),
    unsound('A8', 'a body', 400, having('Content-Length: 5')),
    unsound('A8', 'a header over two lines', 400, having(`X: a\r\n ${CANARY}`)),
    unsound('A15', 'TLS', 400, Buffer.from('16030100fa010000f60303', 'hex')),
    unsound('A15', 'SSH', 400, 'SSH-2.0-OpenSSH_9.6\r\n\r\n'),
    counted(
      'handshakes.refused',
      entry('A8', 'another path', { wire: 404 }, send(openingRequest('/other', HOST))),
    ),
    entry(
      'A10',
      'messages behind the request, all in one packet',
      { lives: true, messages: ['early', 'bird'] },
      opened(plain, 'early', 'bird'),
    ),
    ...['https://evil.example', 'null', `https://${HOST}.evil.example`, `http://${HOST}:1`].map((origin) =>
      counted(
        'handshakes.refused',
        entry('A11', `origin ${origin}`, { wire: 403 }, send(having(`Origin: ${origin}`))),
      ),
    ),
    entry('A11', 'no origin', { lives: true }, opened(plain)),
  ],
};

/** A request, and messages right behind it, until it is answered. */
function opened(request: string, ...texts: string[]): Step {
  return async (on) => {
    const frames = texts.map((text) => ws(text)).map((bytes) => (bytes as (stage: typeof on) => Buffer)(on));
    await on.attacker.write(Buffer.concat([Buffer.from(request), ...frames]));
    await when(
      'the answer',
      ({ attacker }) => attacker.received.includes('\r\n\r\n') || attacker.isClosed,
    )(on);
    on.attacker.begin = on.attacker.received.indexOf('\r\n\r\n') + 4;
  };
}

export const websocketSlow: Family = {
  name: 'WebSocket, slow requests',
  carrier: 'ws',
  dialect: 'ws',
  roles: ['server'],
  options: { handshakeTimeoutMs: TIMEOUT_MS },
  entries: [
    entry('A1', 'says nothing', { wire: 408, error: 'ERR_QW_HANDSHAKE' }),
    entry(
      'A2',
      'a byte of its request in 20 ms',
      { wire: 408, error: 'ERR_QW_HANDSHAKE' },
      drip(plain, { everyMs: 20 }),
    ),
    entry(
      'A2',
      'a header of its request in 100 ms',
      { wire: 408, error: 'ERR_QW_HANDSHAKE' },
      drip(plain, { size: 30, everyMs: 100 }),
    ),
  ],
};

const verdict = (how: string, each: Entry): Entry => ({ ...each, options: { uses: { authorize: how } } });

/** The witness would be asked as well: it speaks another protocol, at another path of the same server. */
export const websocketVerdicts: Family = {
  name: 'WebSocket, verdicts',
  carrier: 'ws',
  dialect: 'ws',
  roles: ['server'],
  witness: 'length-prefixed',
  options: { handshakeTimeoutMs: TIMEOUT_MS },
  entries: [
    verdict(
      'throws',
      counted('handshakes.failed', entry('A13', 'authorize throws', { wire: 500 }, send(plain))),
    ),
    verdict(
      'rejects',
      counted('handshakes.failed', entry('A13', 'authorize rejects', { wire: 500 }, send(plain))),
    ),
    verdict(
      'nonsense',
      counted(
        'handshakes.failed',
        entry('A13', 'authorize answers what is no verdict', { wire: 500 }, send(plain)),
      ),
    ),
    verdict('never', {
      ...counted('handshakes.abandoned', entry('A13', 'authorize never settles', { wire: 503 }, send(plain))),
      differs: 'before the upgrade there is no close code: 503 is the status for later',
    }),
    verdict(
      'later',
      counted(
        'handshakes.abandoned',
        entry(
          'A13',
          'authorize settles twice, after the client left',
          {},
          untilAsked(send(plain)),
          end,
          gone(),
          act('settleTwice'),
          rest(50),
        ),
      ),
    ),
    verdict(
      'later',
      counted(
        'handshakes.abandoned',
        entry(
          'A13',
          'authorize settles after a reset',
          {},
          untilAsked(send(plain)),
          reset,
          rest(50),
          act('settle'),
          rest(50),
        ),
      ),
    ),
  ],
};
