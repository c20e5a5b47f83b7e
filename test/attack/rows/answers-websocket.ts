/** What a server may answer to a client that asks for a WebSocket. */
import { CANARY } from '../lib/canary.js';
import { Ambush } from '../lib/attacker.js';
import type { Entry, Family, Stage, Step } from '../lib/rows.js';
import { drip, flood, send, when } from '../lib/steps.js';
import { openingResponse } from '../../support/ws-frames.js';

const asked: Step = when('the request', ({ attacker }) => attacker.received.includes('\r\n\r\n'));
const requestTo = ({ attacker }: Stage): string => attacker.received.toString('latin1');

function answers(id: string, what: string, error: string, ...steps: Step[]): Entry {
  return { id, what, expect: { error }, steps: [asked, ...steps] };
}
/** An answer that is sound but for one thing. */
const unsound = (
  id: string,
  what: string,
  spoil: (response: string) => string,
  headers: string[] = [],
): Entry =>
  answers(id, what, 'ERR_QW_HANDSHAKE', (on) => send(spoil(openingResponse(requestTo(on), headers)))(on));
const same = (response: string): string => response;

/** The status and the beginning of the body are in the error. */
function told(status: number, body: string): Step {
  return async (on) => {
    const { details } = await on.report();
    if (details?.status !== status || details.body !== body)
      throw new Error(`details: ${JSON.stringify(details)}, not ${status} and ${body.length} bytes`);
  };
}

const refusal = (id: string, what: string, answer: string, status: number, body: string): Entry => ({
  ...answers(id, what, 'ERR_QW_UPGRADE_REFUSED', send(answer)),
  check: told(status, body),
});

/** Sends the client elsewhere; what it says there must have no secret in it. */
const redirected: Step = async (on) => {
  const elsewhere = await Ambush.lay();
  try {
    await send(
      `HTTP/1.1 301 Moved\r\nLocation: http://localhost:${elsewhere.port}/\r\nContent-Length: 0\r\n\r\n`,
    )(on);
    const caller = await elsewhere.caller();
    await when('the request elsewhere', () => caller.received.includes('\r\n\r\n'))(on);
    if (caller.received.includes(on.canary)) throw new Error(`a secret went elsewhere: ${caller.timeline}`);
    await caller.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  } finally {
    elsewhere.close();
  }
};

export const websocketAnswers: Family = {
  name: 'WebSocket, answers',
  carrier: 'ws',
  dialect: 'ws',
  roles: ['client'],
  options: {
    connectTimeoutMs: 1000,
    maxRedirects: 1,
    headers: { Authorization: `Bearer ${CANARY}`, Cookie: `session=${CANARY}` },
  },
  entries: [
    answers('A1', 'says nothing', 'ERR_QW_CONNECT_TIMEOUT'),
    answers('A2', 'a byte of its answer in 50 ms', 'ERR_QW_CONNECT_TIMEOUT', (on) =>
      drip(openingResponse(requestTo(on)), { everyMs: 50 })(on),
    ),
    refusal('A18', '200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', 200, 'hi'),
    refusal(
      'A18',
      'a body of 100 KB',
      `HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`,
      500,
      'x'.repeat(1024),
    ),
    answers('A18', '301 to another host', 'ERR_QW_UPGRADE_REFUSED', redirected),
    unsound('A18', 'a wrong accept', (response) => response.replace(/Accept: ./, 'Accept: ')),
    unsound('A18', 'no accept', (response) => response.replace(/Sec-WebSocket-Accept[^\r]*\r\n/, '')),
    unsound('A18', 'an extension that was not asked for', same, ['Sec-WebSocket-Extensions: x-unknown']),
    unsound('A18', 'compression that was not asked for', same, [
      'Sec-WebSocket-Extensions: permessage-deflate',
    ]),
    unsound('A18', 'a subprotocol that was not asked for', same, ['Sec-WebSocket-Protocol: x']),
    unsound('A18', 'another upgrade', (response) => response.replace('websocket', 'h2c')),
    unsound(
      'A18',
      'too many headers',
      same,
      Array.from({ length: 2000 }, () => 'X: 1'),
    ),
    answers(
      'A18',
      'headers without end',
      'ERR_QW_HANDSHAKE',
      send('HTTP/1.1 101 x\r\n'),
      flood('X: yyyyyyyyyyyyyyyy\r\n', { count: 100_000 }),
    ),
    answers('A18', 'no HTTP', 'ERR_QW_HANDSHAKE', send('SSH-2.0-OpenSSH_9.6\r\n')),
  ],
};

const parameters = [
  'server_max_window_bits=7',
  'server_max_window_bits=99',
  'server_max_window_bits=abc',
  'server_max_window_bits',
  'server_max_window_bits=10; server_max_window_bits=10',
  'client_max_window_bits; client_max_window_bits',
  'unknown=1',
];

export const websocketWindows: Family = {
  name: 'WebSocket, parameters of compression',
  carrier: 'ws',
  dialect: 'ws',
  roles: ['client'],
  options: { deflate: true },
  entries: parameters.map((parameter) =>
    unsound('A19', parameter, same, [`Sec-WebSocket-Extensions: permessage-deflate; ${parameter}`]),
  ),
};
