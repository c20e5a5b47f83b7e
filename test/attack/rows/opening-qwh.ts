/** What comes before a connection over a stream: silence, other protocols, half a handshake. */
import { CANARY } from '../lib/canary.js';
import { answering, opening } from '../lib/dialects.js';
import type { Entry, Expectation, Family, Step } from '../lib/rows.js';
import { act, drip, end, gone, reset, rest, send, untilAsked, when } from '../lib/steps.js';
import { KIND, qwhFrame, record } from '../../support/qwh-frames.js';

const TIMEOUT_MS = 400;
const BAD_PREAMBLE = 22;

function entry(id: string, what: string, expect: Expectation, ...steps: Step[]): Entry {
  return { id, what, expect, steps };
}
const silent = { wire: 'reset', error: 'ERR_QW_HANDSHAKE' } as const;
const late = { ...silent, wire: 8 } as const;
/** As far as it has come: who is not yet known to speak qwh is told nothing. */
const lateOrReset = { ...silent, wire: [8, 'reset'] } as const;
const TOO_BIG = { code: 7, wire: 'reset', error: 'ERR_QW_TOO_BIG' } as const;
/** As `qwhHandshakes` counts. */
const counted = (result: string, from: Entry): Entry => ({ ...from, counter: `qwhHandshakes.${result}` });
const rejected = (what: string, code: number, hex: string): Entry =>
  counted(
    code === BAD_PREAMBLE ? 'failed' : 'refused',
    entry(
      'A15',
      what,
      { wire: code, error: code === BAD_PREAMBLE ? 'ERR_QW_HANDSHAKE' : 'ERR_QW_HANDSHAKE_REFUSED' },
      send(Buffer.from(hex, 'hex')),
    ),
  );
const timedOut = (from: Entry): Entry => counted('timedOut', from);

/** Read as a length: above everything that may be sent, and no preamble of ours. */
const stranger = ({ random }: Parameters<Step>[0]): Buffer =>
  Buffer.concat([Buffer.of(0x10 + random.below(0x40)), random.bytes(63)]);

export const qwhOpening: Family = {
  name: 'qwh, opening',
  carrier: 'tcp',
  dialect: 'qwh',
  roles: ['server'],
  options: { handshakeTimeoutMs: TIMEOUT_MS },
  entries: [
    timedOut(entry('A1', 'says nothing', silent)),
    timedOut(entry('A1', 'says who it is, and nothing more', late, send(opening()))),
    timedOut(
      entry('A2', 'a byte of its preamble in 60 ms', lateOrReset, drip(qwhPreamble(), { everyMs: 60 })),
    ),
    timedOut(
      entry(
        'A2',
        'a byte of its HELLO in 60 ms',
        late,
        send(qwhPreamble()),
        drip(opening().subarray(14), { everyMs: 60 }),
      ),
    ),
    entry('A15', 'HTTP', TOO_BIG, send('GET / HTTP/1.1\r\nHost: h\r\n\r\n')),
    entry('A15', 'TLS', TOO_BIG, send(Buffer.from('16030100fa010000f60303', 'hex'), CANARY)),
    entry('A15', 'SSH', TOO_BIG, send('SSH-2.0-OpenSSH_9.6\r\n')),
    entry('A15', '4 GB of length-prefixed', TOO_BIG, send(Buffer.from('ffffffff', 'hex'), CANARY)),
    ...Array.from({ length: 10 }, (_, number) =>
      entry('A15', `random bytes, ${number}`, TOO_BIG, send(stranger)),
    ),
    rejected('a preamble of another kind', 22, '5157483109'),
    entry('A15', 'a preamble with a wrong magic: a length', TOO_BIG, send(Buffer.from('51574800', 'hex'))),
    rejected('a security that is not spoken', 18, '51574831010100000101'),
    rejected('versions that do not exist yet', 1, '5157483101000000090900000000'),
    entry(
      'A10',
      'messages behind its READY, all in one packet',
      { lives: true, messages: ['early', 'bird'] },
      pipelined('early', 'bird'),
    ),
  ],
};

function qwhPreamble(): Buffer {
  return opening().subarray(0, 14);
}

/** All of a handshake and what follows, without waiting for anything. */
function pipelined(...texts: string[]): Step {
  return async ({ attacker, dialect }) => {
    const ready = record(qwhFrame(KIND.ready));
    await attacker.write(
      Buffer.concat([opening(), ready, ...texts.map((text) => dialect.pack(attacker, text))]),
    );
    // Answer, HELLO and READY of the other end.
    await new Promise((resolve) => setTimeout(resolve, 100));
    attacker.begin = attacker.received.length;
  };
}

const FAILED = { wire: 13, error: 'ERR_QW_HANDSHAKE' } as const;
const verifier = (how: string, ...entries: Entry[]): Entry[] =>
  entries.map((each) => ({ ...each, options: { uses: { verifyHandshake: how } } }));

/** The application's verdict, which does not come, or not as it should. */
export const qwhVerdicts: Family = {
  name: 'qwh, verdicts',
  carrier: 'tcp',
  dialect: 'qwh',
  witness: 'length-prefixed',
  roles: ['server'],
  options: { handshakeTimeoutMs: TIMEOUT_MS },
  entries: [
    ...verifier('throws', entry('A13', 'verifyHandshake throws', FAILED, saysReady())),
    ...verifier('rejects', entry('A13', 'verifyHandshake rejects', FAILED, saysReady())),
    ...verifier('nonsense', entry('A13', 'verifyHandshake says what is no verdict', FAILED, saysReady())),
    ...verifier('never', timedOut(entry('A13', 'verifyHandshake never settles', late, saysReady()))),
    ...verifier(
      'later',
      entry(
        'A13',
        'verifyHandshake settles twice, after the client left',
        { error: 'ERR_QW_CONNECTION_LOST' },
        untilAsked(saysReady()),
        end,
        gone(),
        act('settleTwice'),
        rest(50),
      ),
    ),
    ...verifier(
      'later',
      entry(
        'A13',
        'verifyHandshake settles after a reset',
        { error: 'ERR_QW_CONNECTION_LOST' },
        untilAsked(saysReady()),
        reset,
        rest(50),
        act('settle'),
        rest(50),
      ),
    ),
  ],
};

function saysReady(): Step {
  return send(opening(), record(qwhFrame(KIND.ready)));
}

/** Of a server that answers what no server of ours would. */
const answers = (id: string, what: string, error: string, ...steps: Step[]): Entry =>
  entry(
    id,
    what,
    { error },
    when('the call', ({ attacker }) => attacker.received.length >= 14),
    ...steps,
  );

export const qwhAnswers: Family = {
  name: 'qwh, answers',
  carrier: 'tcp',
  dialect: 'qwh',
  roles: ['client'],
  options: { connectTimeoutMs: 600 },
  entries: [
    answers('A1', 'says nothing', 'ERR_QW_CONNECT_TIMEOUT'),
    answers(
      'A2',
      'a byte of its answer in 100 ms',
      'ERR_QW_CONNECT_TIMEOUT',
      drip(Buffer.from('5157483102000000', 'hex'), { everyMs: 100 }),
    ),
    answers('A15', 'HTTP', 'ERR_QW_HANDSHAKE', send('HTTP/1.1 400 Bad Request\r\n\r\n')),
    answers('A15', 'SSH', 'ERR_QW_HANDSHAKE', send('SSH-2.0-OpenSSH_9.6\r\n')),
    answers('A15', 'the end', 'ERR_QW_HANDSHAKE', end),
    answers('A15', 'a reset', 'ERR_QW_HANDSHAKE', reset),
    answers(
      'A15',
      'a security that was not offered',
      'ERR_QW_HANDSHAKE_REFUSED',
      send(Buffer.from('5157483102020000', 'hex')),
    ),
    answers(
      'A15',
      'a HELLO of nonsense',
      'ERR_QW_HANDSHAKE',
      send(Buffer.from('5157483102000000', 'hex'), record(qwhFrame(KIND.hello, Buffer.from(CANARY)))),
    ),
    answers(
      'A15',
      'a HELLO of 60 KB',
      'ERR_QW_HANDSHAKE',
      send(Buffer.from('5157483102000000', 'hex'), record(qwhFrame(KIND.hello, Buffer.alloc(60_000)))),
    ),
    answers('A15', 'its HELLO, and never READY', 'ERR_QW_CONNECT_TIMEOUT', send(answering())),
  ],
};
