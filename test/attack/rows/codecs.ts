/** Payloads that do not decode, or would cost more than they are. The stream stays in step. */
import type { Entry, Family } from '../lib/rows.js';
import { say } from '../lib/steps.js';

const DEPTH = 100_000;
const KEYS = 100_000;

/** Refused by the codec: an error of that connection, which goes on. */
function refused(what: string, payload: string | Buffer): Entry {
  const expect = { lives: true, error: 'ERR_QW_DECODE', messages: [] } as const;
  return { id: 'B18', what, expect, counter: 'undecodable', steps: [say(payload)] };
}
function taken(what: string, payload: string | Buffer, message: string): Entry {
  return { id: 'B18', what, expect: { lives: true, messages: [message] }, steps: [say(payload)] };
}

const family = (codec: string, entries: Entry[]): Family => ({
  name: codec,
  carrier: 'tcp',
  dialect: 'length-prefixed',
  options: { codec },
  entries,
});

const manyKeys = JSON.stringify(Object.fromEntries(Array.from({ length: KEYS }, (_, key) => [key, 0])));

export const json = family('json', [
  refused('arrays 100,000 deep', '['.repeat(DEPTH)),
  {
    ...taken('arrays 100,000 deep, closed', '['.repeat(DEPTH) + ']'.repeat(DEPTH), '[ [ [ [Array] ] ] ]'),
    differs:
      "the engine's parser needs no stack for depth; to look for it beforehand costs a fifth of decoding",
  },
  {
    ...taken('a key twice', '{"a":1,"a":2}', '{ a: 2 }'),
    differs: 'the last one counts, as JSON.parse has it, and a number beyond all is Infinity',
  },
  taken('a number beyond all', '1e400', 'Infinity'),
  refused('no JSON', '{"a":'),
  refused('no UTF-8', Buffer.of(0x22, 0xff, 0x22)),
  {
    ...taken('an object of 100,000 keys', manyKeys, `${KEYS} keys`),
    differs: 'a million keys are more than a message of 4 MiB has room for',
  },
  taken('__proto__', '{"__proto__":{"isAdmin":true}}', "{ ['__proto__']: { isAdmin: true } }"),
]);

const cborHead = (major: number, count: number): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = (major << 5) | 26;
  head.writeUInt32BE(count, 1);
  return head;
};

export const cbor = family('cbor', [
  refused('an array of 2^32 - 1 items', cborHead(4, 0xffff_ffff)),
  refused('a map of 2^32 - 1 items', cborHead(5, 0xffff_ffff)),
  refused('bytes of 2^32 - 1', cborHead(2, 0xffff_ffff)),
  refused('a text of 2^32 - 1', cborHead(3, 0xffff_ffff)),
  refused('an array of 2^64 - 1 items', Buffer.from('9bffffffffffffffff', 'hex')),
  refused('arrays 100,000 deep', Buffer.alloc(DEPTH, 0x81)),
  refused('an array without end', Buffer.of(0x9f)),
  refused('a tag that is not known', Buffer.from('d904d200', 'hex')),
  refused('a key twice', Buffer.from('a2616101616102', 'hex')),
  refused('bytes behind the end', Buffer.from('0000', 'hex')),
  taken(
    '__proto__',
    Buffer.concat([Buffer.from('a1695f5f70726f746f5f5fa16769734164', 'hex'), Buffer.from('6d696ef5', 'hex')]),
    "{ ['__proto__']: { isAdmin: true } }",
  ),
]);

const msgpackHead = (kind: number, count: number): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = kind;
  head.writeUInt32BE(count, 1);
  return head;
};

export const msgpack = family('msgpack', [
  refused('an array of 2^32 - 1 items', msgpackHead(0xdd, 0xffff_ffff)),
  refused('a map of 2^32 - 1 items', msgpackHead(0xdf, 0xffff_ffff)),
  refused('bytes of 2^32 - 1', msgpackHead(0xc6, 0xffff_ffff)),
  refused('a text of 2^32 - 1', msgpackHead(0xdb, 0xffff_ffff)),
  refused('an extension of 2^32 - 1', msgpackHead(0xc9, 0xffff_ffff)),
  refused('arrays 100,000 deep', Buffer.alloc(DEPTH, 0x91)),
  refused('a type that is never used', Buffer.of(0xc1)),
  refused('a key twice', Buffer.from('82a16101a16102', 'hex')),
  refused('bytes behind the end', Buffer.from('0000', 'hex')),
]);
