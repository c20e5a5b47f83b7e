/** What comes behind an upgrade that was for qwh: silence, half a handshake, none. */
import { CANARY } from '../lib/canary.js';
import { answering, DIALECTS, messageOf, opening, QWH_SUBPROTOCOL } from '../lib/dialects.js';
import type { Entry, Expectation, Family, Step } from '../lib/rows.js';
import { drip, send, ws, type Bytes } from '../lib/steps.js';
import { recordsIn } from '../../support/qwh-frames.js';

const TIMEOUT_MS = 400;
const PREAMBLE_BYTES = 14;
const ANSWER_BYTES = 8;

/** The opening of WebSocket, and not that of qwh. */
const upgraded =
  (...headers: string[]): Step =>
  ({ attacker }) =>
    DIALECTS.ws.open(attacker, headers);

/** Each as a message. */
const say =
  (...messages: Uint8Array[]): Bytes =>
  ({ attacker }) =>
    Buffer.concat(messages.map((each) => messageOf(attacker, each)));

function entry(id: string, what: string, expect: Expectation, ...steps: Step[]): Entry {
  return { id, what, expect, steps: [upgraded(QWH_SUBPROTOCOL), ...steps] };
}
const counted = (result: string, from: Entry): Entry => ({ ...from, counter: `qwhHandshakes.${result}` });

const LATE = { wire: 8, error: 'ERR_QW_HANDSHAKE' } as const;
const BAD = { wire: 22, error: 'ERR_QW_HANDSHAKE' } as const;
const preamble = opening().subarray(0, PREAMBLE_BYTES);
const [hello] = recordsIn(opening().subarray(PREAMBLE_BYTES));

export const qwhOpeningOverWebSocket: Family = {
  name: 'qwh over WebSocket, opening',
  carrier: 'ws',
  dialect: 'qwh over ws',
  roles: ['server'],
  options: { handshakeTimeoutMs: TIMEOUT_MS },
  entries: [
    counted('timedOut', entry('A1', 'says nothing', LATE)),
    counted('timedOut', entry('A1', 'says who it is, and nothing more', LATE, send(say(preamble, hello)))),
    counted(
      'timedOut',
      entry(
        'A2',
        'a byte of its HELLO in 60 ms',
        LATE,
        send(say(preamble)),
        drip(say(hello), { everyMs: 60 }),
      ),
    ),
    entry('A15', 'a text', { ...BAD, wire: [2, 1002] }, send(ws(CANARY))),
    entry('A15', 'a message that is no preamble', BAD, send(say(Buffer.from(CANARY)))),
    entry('A15', 'preamble and HELLO in one message', BAD, send(say(opening()))),
    entry('A15', 'a HELLO of nonsense', { ...BAD, wire: 2 }, send(say(preamble, Buffer.from(CANARY)))),
  ],
};

const UNANSWERED = { error: 'ERR_QW_HANDSHAKE' } as const;
const answer = answering().subarray(0, ANSWER_BYTES);

export const qwhAnswersOverWebSocket: Family = {
  name: 'qwh over WebSocket, answers',
  carrier: 'ws',
  dialect: 'qwh over ws',
  roles: ['client'],
  options: { connectTimeoutMs: 600 },
  entries: [
    { id: 'A18', what: 'an upgrade without the subprotocol', expect: UNANSWERED, steps: [upgraded()] },
    entry('A1', 'says nothing', { error: 'ERR_QW_CONNECT_TIMEOUT' }),
    entry('A15', 'a text', UNANSWERED, send(ws(CANARY))),
    entry('A15', 'a message that is no answer', UNANSWERED, send(say(Buffer.from(CANARY)))),
    entry('A15', 'a HELLO of nonsense', UNANSWERED, send(say(answer, Buffer.from(CANARY)))),
  ],
};
