/** What peers may make of logs and metrics. */
import { CANARY } from '../lib/canary.js';
import { answering, opening } from '../lib/dialects.js';
import type { Entry, Family, Step } from '../lib/rows.js';
import { gone, opened, send, when } from '../lib/steps.js';
import { openingRequest } from '../../support/ws-frames.js';
import { KIND, qwhFrame, record } from '../../support/qwh-frames.js';

/** What ends a line, moves a cursor or turns the direction of text. */
const CONTROLS = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u;
/** The same but for the ends of lines in records that were printed: not as a peer may write them. */
// oxlint-disable-next-line no-control-regex
const RAW = /[\0-\x08\x0b-\x1f\x7f-\x9f]|^root: /m;

/**
 * No text of an error has such characters, whoever said it, and none is in a record that was printed. A field of a
 * record may have what a peer said as it is: it is data, and printed with escapes.
 */
const noControls: Step = async ({ target, subject }) => {
  const { logs, texts } = await target.said();
  const bad = texts.find((text) => CONTROLS.test(text)) ?? logs.find((log) => RAW.test(log));
  if (bad !== undefined) throw new Error(`it said control characters: ${JSON.stringify(bad)}`);
  const metrics = await target.act<string>(subject, 'metrics');
  if (metrics.includes(CANARY) || metrics.split('\n').length > MOST_LINES)
    throw new Error(`metrics have ${metrics.split('\n').length} lines`);
};
/** A server has some 130, whoever its peers are. */
const MOST_LINES = 250;

/** A reason that would write lines of its own. */
const REASON = Buffer.from('no\u001b[31m\r\nroot: logged in\0\u202e');
const goaway = (code: number): Buffer =>
  record(qwhFrame(KIND.goaway, Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.alloc(8), REASON])));

/** Its error says why: in words of the peer, with escapes. */
const refused: Entry = {
  id: 'G1',
  what: 'a handshake that is refused with lines of a log',
  expect: { error: 'ERR_QW_HANDSHAKE_REFUSED' },
  counter: (role) =>
    role === 'server' ? 'qwhHandshakes.refused' : 'attempts.failed.ERR_QW_HANDSHAKE_REFUSED',
  steps: [
    async ({ attacker }) => {
      await attacker.write(Buffer.concat([attacker.isCaller ? opening() : answering(), goaway(4)]));
    },
    gone(),
  ],
  check: async (on) => {
    const { texts } = await on.target.said();
    if (!texts.some((text) => text.includes('root: logged in'))) throw new Error('no error says why');
    await noControls(on);
  },
};

export const injectedReasons: Family = {
  name: 'qwh, last words',
  carrier: 'tcp',
  dialect: 'qwh',
  entries: [
    ...[3, 4, 5].map((code) => ({
      id: 'G1',
      what: `a last word of code ${code} with lines of a log in it`,
      expect: { code },
      steps: [opened(), send(goaway(code))],
      check: noControls,
    })),
    refused,
  ],
};

const agent = (text: string): string => openingRequest('/', '127.0.0.1', [`User-Agent: ${text}`]);

export const injectedHeaders: Family = {
  name: 'WebSocket, headers',
  carrier: 'ws',
  dialect: 'ws',
  roles: ['server'],
  entries: [
    {
      id: 'G1',
      what: 'a user agent of 64 KB',
      expect: { wire: [431, 'reset'], error: 'ERR_QW_HANDSHAKE' },
      steps: [send(agent(CANARY.padEnd(65_536, 'x')))],
      check: noControls,
    },
    {
      id: 'G1',
      what: 'a user agent with colours',
      expect: { wire: 400, error: 'ERR_QW_HANDSHAKE' },
      steps: [send(agent('\u001b[31mred'))],
      check: noControls,
    },
  ],
};

const FAULTS = 300;

/** So many broken connections in a moment. */
const faults: Step = async (on) => {
  for (let index = 0; index < FAULTS; index += 1) {
    const caller = await on.call();
    await on.dialect.open(caller);
    await caller.write(Buffer.of(0, 0));
    await caller.closed(10_000);
  }
  await when('all of them', async () => (await on.report()).stats.faults.ERR_QW_PROTOCOL === FAULTS)(on);
  const { logs } = await on.target.said();
  const loud = logs.filter((line) => /^(warn|error) /.test(line));
  on.note(`${loud.length} lines of ${FAULTS} faults`);
  // One a second for each kind, and a second or two for a slow machine.
  if (loud.length > FAULTS / 10) throw new Error(`${loud.length} lines: ${loud[0]}`);
};

export const floodedLogs: Family = {
  name: 'qwh, faults',
  carrier: 'tcp',
  dialect: 'qwh',
  roles: ['server'],
  entries: [{ id: 'G1', what: `${FAULTS} faults in a moment`, expect: {}, isBare: true, steps: [faults] }],
};
