/** Compressed messages that are too big once inflated, or do not inflate. */
import { constants, deflateRawSync } from 'node:zlib';
import type { Entry, Expectation, Family, Step } from '../lib/rows.js';
import { act, opened, peakBelow, send, ws } from '../lib/steps.js';

const [CONTINUATION, TEXT, BINARY, PING] = [0, 1, 2, 9];
const MIB = 1024 * 1024;
const RSV1 = 4;
const EXTENSION = 'Sec-WebSocket-Extensions: permessage-deflate';
/** What every flush ends with, and no message (RFC 7692, section 7.2.1). */
const TAIL = Buffer.from('0000ffff', 'hex');

const TOO_BIG: Expectation = { code: 7, wire: 1009, error: 'ERR_QW_TOO_BIG' };
const PROTOCOL: Expectation = { code: 2, wire: 1002, error: 'ERR_QW_PROTOCOL' };
const CORRUPT: Expectation = { code: 1007, wire: 1007, error: 'ERR_QW_PROTOCOL' };

const deflated = (bytes: Buffer): Buffer => deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
const message = (bytes: Buffer): Buffer => deflated(bytes).subarray(0, -TAIL.length);

/** So many MiB of zeros: a compressed MiB may be repeated, since each begins at a byte and looks back at zeros. */
function bomb(mebibytes: number): Buffer {
  const one = deflated(Buffer.alloc(MIB));
  return Buffer.concat([...Array.from({ length: mebibytes - 1 }, () => one), one.subarray(0, -TAIL.length)]);
}

const compressed = (payload: Buffer, shape: object = {}) =>
  ws(payload, { rsv: RSV1, opcode: BINARY, ...shape });

function entry(id: string, what: string, expect: Expectation, ...steps: Step[]): Entry {
  return { id, what, expect, steps: [opened(EXTENSION), ...steps] };
}

const GB = bomb(1024);

export const websocketDeflate: Family = {
  name: 'WebSocket, compressed, messages of 1 MiB',
  carrier: 'ws',
  dialect: 'ws',
  options: { deflate: true, maxMessage: MIB },
  entries: [
    {
      ...entry('B14', '1 MB that inflate to 1 GB', TOO_BIG, act('resetPeak'), send(compressed(GB))),
      check: peakBelow(4 * MIB),
      differs:
        'the peak is that of the process: beside a message, and 64 KiB, there may be what came in, and garbage, 4 MiB in all',
    },
    entry(
      'B14',
      'the most bytes',
      { lives: true, messages: [`${MIB} bytes`] },
      send(compressed(message(Buffer.alloc(MIB)))),
    ),
    entry('B14', 'one more', TOO_BIG, send(compressed(message(Buffer.alloc(MIB + 1))))),
    entry(
      'B14',
      'one more, by what an earlier message was',
      { ...TOO_BIG, messages: [`${MIB} bytes`] },
      // The window is that of the message before: the same bytes again cost next to nothing.
      send(compressed(message(Buffer.alloc(MIB))), compressed(message(Buffer.alloc(MIB + 1)))),
    ),
    entry(
      'B14',
      'a bomb in the last fragment',
      TOO_BIG,
      send(
        compressed(deflated(Buffer.from('harmless')), { fin: false }),
        ws(bomb(64), { opcode: CONTINUATION }),
      ),
    ),
    entry('B15', 'what is no deflate', CORRUPT, send(compressed(Buffer.alloc(4, 0xff)))),
    entry('B15', 'RSV1 on a ping', PROTOCOL, send(compressed(Buffer.from('x'), { opcode: PING }))),
    entry(
      'B15',
      'RSV1 on a continuation',
      PROTOCOL,
      send(
        compressed(deflated(Buffer.from('a')), { fin: false }),
        compressed(Buffer.of(0), { opcode: CONTINUATION }),
      ),
    ),
    entry(
      'B15',
      'an empty block',
      { lives: true, messages: [''] },
      send(compressed(Buffer.of(0), { opcode: TEXT })),
    ),
    entry(
      'B15',
      'a tail that is there',
      { lives: true, messages: ['tailed'] },
      send(compressed(deflated(Buffer.from('tailed')), { opcode: TEXT })),
    ),
    entry(
      'B15',
      'a stream that goes on where it cannot',
      CORRUPT,
      send(compressed(message(Buffer.from('fine'))), compressed(Buffer.from('0702', 'hex'))),
    ),
  ],
};
