/** Streams of WebSocket frames made at random: mostly legal, with everything that can be wrong mixed in. */
import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';

/** What a peer sends to our end of a connection, and how. */
export interface Stream {
  /** Our end. */
  readonly role: 'server' | 'client';
  /** permessage-deflate is agreed. */
  readonly isDeflated: boolean;
  readonly bytes: Buffer;
  /** Where the stream is cut into separate writes. */
  readonly cuts: readonly number[];
  /** The peer waits for our end before it ends its own; else its end follows the last byte at once. */
  readonly waits: boolean;
}

/** A frame as it goes out; what is not given is as it should be. */
interface Part {
  readonly first: number;
  readonly payload: Buffer;
  /** The form of the length: 126 for 16 bits, 127 for 64. */
  readonly form?: 126 | 127;
  /** A length that is not that of the payload. */
  readonly claims?: bigint;
  readonly isMaskWrong?: boolean;
}

/** A message to be compressed: how, depends on those before it. */
interface Deflated {
  readonly first: number;
  readonly inflated: Buffer;
  readonly pieces: number;
}

type Act = readonly Part[] | Deflated;

type Edit =
  | { readonly kind: 'flip'; readonly at: number; readonly bits: number }
  | { readonly kind: 'drop'; readonly at: number; readonly count: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array };

const FIN = 0x80;
const RSV1 = 0x40;
const [TEXT, BINARY, CLOSE, PING, PONG] = [1, 2, 8, 9, 10];
/** What every flush ends with, and no message (RFC 7692, section 7.2.1). */
const TAIL = 4;
/** As far as a compressor looks back. */
const WINDOW = 32_768;

const small = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const large = fc
  .record({ seed: fc.nat(255), length: fc.oneof(fc.nat(1_500), fc.nat(9_000)) })
  .map(({ seed, length }) => Buffer.from(Array.from({ length }, (_, at) => Math.imul(at, seed) & 0xff)));
const text = fc
  .array(fc.constantFrom('a', 'b', ' ', 'ä', '€', '😀', '\0'), { maxLength: 40 })
  .map((characters) => Buffer.from(characters.join('')));
/** Sequences that are too long, too short, too high, cut off, or surrogates, and one that is none of it. */
const brokenText = fc
  .tuple(text, fc.constantFrom('c0af', 'ff', 'eda080', 'f4908080', 'e282', 'f09f98', '80', 'efbfbf'), text)
  .map(([before, hex, after]) => Buffer.concat([before, Buffer.from(hex, 'hex'), after]));
const anyText = fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: brokenText });

const one = (first: number, payload: fc.Arbitrary<Buffer>): fc.Arbitrary<Part[]> =>
  payload.map((bytes) => [{ first, payload: bytes }]);

/** Pieces of `bytes`, wherever the cuts fall: also inside of characters. */
function piecesOf(bytes: Buffer, count: number): Buffer[] {
  const size = Math.max(1, Math.ceil(bytes.length / count));
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

/** One message in fragments, with control frames between them. */
const fragments = fc
  .record({
    kind: fc.constantFrom(TEXT, BINARY),
    payload: fc.oneof(anyText, small),
    count: fc.integer({ min: 2, max: 10 }),
    between: fc.option(fc.tuple(fc.nat(9), fc.constantFrom(PING, PONG), small), { nil: undefined }),
  })
  .map(({ kind, payload, count, between }) => {
    const parts: Part[] = piecesOf(payload, count).map((piece, at) => ({
      first: (at === 0 ? kind : 0) | (at === count - 1 ? FIN : 0),
      payload: piece,
    }));
    if (between !== undefined) {
      const [at, opcode, bytes] = between;
      parts.splice(Math.min(at, count - 1), 0, { first: FIN | opcode, payload: bytes });
    }
    return parts;
  });

const close = fc
  .record({
    code: fc.oneof(
      fc.constantFrom(1000, 1001, 1004, 1005, 1006, 1012, 1014, 1015, 3000, 4403, 4999),
      fc.nat(5_100),
    ),
    reason: fc.oneof(text, anyText),
    length: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(0, 1, 2) },
    ),
  })
  .map(({ code, reason, length }): Part[] => {
    const payload = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), reason]);
    return [{ first: FIN | CLOSE, payload: payload.subarray(0, length) }];
  });

const odd = fc
  .record({
    first: fc.oneof(
      fc.nat(255),
      fc.constantFrom(FIN | BINARY, FIN | TEXT, TEXT, BINARY, FIN, 0, FIN | PING, FIN | CLOSE),
    ),
    payload: small,
    form: fc.option(fc.constantFrom(126 as const, 127 as const), { nil: undefined }),
    claims: fc.option(fc.constantFrom(1001n, 65_536n, (1n << 53n) + 1n, 1n << 63n, (1n << 64n) - 1n), {
      nil: undefined,
      freq: 3,
    }),
    isMaskWrong: fc.boolean(),
  })
  .map((part): Part[] => [part]);

const deflated: fc.Arbitrary<Deflated> = fc.record({
  first: fc.constantFrom(TEXT, BINARY),
  inflated: fc.oneof(anyText, small, large),
  pieces: fc.integer({ min: 1, max: 4 }),
});

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: one(FIN | BINARY, small) },
  { weight: 2, arbitrary: one(FIN | BINARY, large) },
  { weight: 6, arbitrary: one(FIN | TEXT, text) },
  { weight: 1, arbitrary: one(FIN | TEXT, brokenText) },
  { weight: 1, arbitrary: one(FIN | TEXT, small) },
  { weight: 5, arbitrary: fragments },
  { weight: 4, arbitrary: deflated },
  { weight: 2, arbitrary: one(FIN | PING, small) },
  { weight: 1, arbitrary: one(FIN | PONG, small) },
  { weight: 2, arbitrary: close },
  { weight: 1, arbitrary: odd },
);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('flip'), at: fc.nat(), bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('drop'), at: fc.nat(), count: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ kind: fc.constant('insert'), at: fc.nat(), bytes: fc.uint8Array({ maxLength: 8 }) }),
) as fc.Arbitrary<Edit>;

/** Mostly none: a stream with an error in it says nothing about what follows. */
const edits = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Edit[]>([]) },
  { weight: 1, arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }) },
);

export const streams: fc.Arbitrary<Stream> = fc
  .record({
    role: fc.constantFrom('server' as const, 'client' as const),
    isDeflated: fc.boolean(),
    waits: fc.boolean(),
    key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    acts: fc.array(act, { maxLength: 10 }),
    edits,
    end: fc.option(fc.nat(), { nil: undefined, freq: 4 }),
    cuts: fc.array(fc.nat(), { maxLength: 8 }),
  })
  .map(({ role, isDeflated, waits, key, acts, edits: changes, end, cuts }) => {
    const writer = new Writer(isDeflated, role === 'server' ? Buffer.from(key) : undefined);
    for (const next of acts) writer.add(next);
    let bytes = changes.reduce(apply, Buffer.concat(writer.frames));
    if (end !== undefined) bytes = bytes.subarray(0, end % (bytes.length + 1));
    const places = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
    return { role, isDeflated, waits, bytes, cuts: [...new Set(places)] };
  });

function apply(bytes: Buffer, change: Edit): Buffer {
  const at = change.at % (bytes.length + 1);
  const [front, back] = [bytes.subarray(0, at), bytes.subarray(at)];
  if (change.kind === 'drop') return Buffer.concat([front, back.subarray(change.count)]);
  if (change.kind === 'insert') return Buffer.concat([front, change.bytes, back]);
  const flipped = Buffer.from(back);
  if (flipped.length > 0) flipped[0] ^= change.bits;
  return Buffer.concat([front, flipped]);
}

class Writer {
  readonly frames: Uint8Array[] = [];
  readonly #isDeflated: boolean;
  readonly #key: Buffer | undefined;
  /** What was compressed before: later messages refer to it. */
  #past = Buffer.alloc(0);

  constructor(isDeflated: boolean, key: Buffer | undefined) {
    this.#isDeflated = isDeflated;
    this.#key = key;
  }

  add(next: Act): void {
    if (!('inflated' in next)) return next.forEach((part) => this.#frame(part));
    const { first, inflated, pieces } = next;
    if (!this.#isDeflated) return this.#frame({ first: FIN | first, payload: inflated });
    const dictionary = this.#past.length > 0 ? { dictionary: this.#past } : {};
    const flushed = deflateRawSync(inflated, { finishFlush: constants.Z_SYNC_FLUSH, ...dictionary });
    this.#past = Buffer.concat([this.#past, inflated]).subarray(-WINDOW);
    piecesOf(flushed.subarray(0, -TAIL), pieces).forEach((payload, at) => {
      const begin = at === 0 ? RSV1 | first : 0;
      this.#frame({ first: begin | (at === pieces - 1 ? FIN : 0), payload });
    });
  }

  #frame({ first, payload, form, claims, isMaskWrong }: Part): void {
    const isMasked = (this.#key !== undefined) !== (isMaskWrong === true);
    const length = claims ?? BigInt(payload.length);
    const shortest = length < 126n ? Number(length) : length < 65_536n ? 126 : 127;
    const short = length < 65_536n ? (form ?? shortest) : 127;
    const head = Buffer.alloc(short < 126 ? 2 : short === 126 ? 4 : 10);
    head[0] = first;
    head[1] = short | (isMasked ? 0x80 : 0);
    if (short === 126) head.writeUInt16BE(Number(length), 2);
    if (short === 127) head.writeBigUInt64BE(length, 2);
    this.frames.push(head);
    if (!isMasked) return void this.frames.push(payload);
    const key = this.#key ?? Buffer.from([1, 2, 3, 4]);
    this.frames.push(
      key,
      new Uint8Array(payload).map((byte, at) => byte ^ key[at & 3]),
    );
  }
}
