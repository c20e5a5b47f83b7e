/** Ends in the middle, peers that vanish, handlers that fail. */
import { CANARY } from '../lib/canary.js';
import type { DialectName } from '../lib/dialects.js';
import { entry, WAYS } from '../lib/entries.js';
import type { Entry, Family, Step } from '../lib/rows.js';
import { end, reset, rest, say } from '../lib/steps.js';

/** A whole message, and all but the last byte of another. */
const half: Step = ({ attacker, dialect }) =>
  attacker.write(
    Buffer.concat([dialect.pack(attacker, 'whole'), dialect.pack(attacker, CANARY).subarray(0, -1)]),
  );

const LOST = { code: 8, error: 'ERR_QW_CONNECTION_LOST', messages: ['whole'] } as const;
/** Only where a message is cut by its length alone is that what is known. */
const cut = (dialect: DialectName): Entry['expect'] =>
  dialect === 'length-prefixed' ? { ...LOST, code: 2, error: 'ERR_QW_TRUNCATED' } : LOST;

export const cuts: readonly Family[] = WAYS.map((way) => ({
  ...way,
  entries: [
    entry('D1', 'is killed in the middle of a message: a reset', LOST, half, rest(30), reset),
    entry('D1', 'the same: the end of the stream', cut(way.dialect), half, rest(30), end),
  ],
}));

export const blackHoles: readonly Family[] = WAYS.slice(1).map((way) => ({
  ...way,
  name: `${way.name}, heartbeat 100 ms, dead after 300`,
  options: { heartbeat: { intervalMs: 100, timeoutMs: 300 } },
  entries: [
    {
      ...entry('D4', 'hears, and says nothing any more', {
        code: 8,
        wire: 'reset',
        error: 'ERR_QW_HEARTBEAT_TIMEOUT',
      }),
      counter: 'heartbeatTimeouts',
    },
  ],
}));

export const handlers: readonly Family[] = ['throws', 'rejects'].flatMap((how) =>
  WAYS.map((way) => ({
    ...way,
    name: `${way.name}, handlers that fail`,
    options: { uses: { onMessage: how } },
    entries: [
      {
        ...entry(
          'D13',
          `a handler that ${how}`,
          { lives: true, messages: ['1', '2', '3'] },
          say('1', '2', '3'),
        ),
        check: async (on) => {
          const { handlerErrors } = await on.report();
          // Those three, the sign of life, and what the witness said.
          if (handlerErrors.length < 4) throw new Error(`${handlerErrors.length} failures were told`);
        },
      },
    ],
  })),
);
