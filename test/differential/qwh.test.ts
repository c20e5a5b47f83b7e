/**
 * Both implementations of QWH/1 make the same of the same bytes: verdicts, codes, reasons, and what they send.
 * Inputs are the vectors, mutated and cut anywhere, and streams of frames that are mostly legal.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCargo, startRustSide, type RustSide } from '../support/qwh-rust.js';
import { vectorFiles } from '../support/qwh-vectors.js';
import { hex, unhex, verdict, type Request, type Step } from '../support/qwh-verdict.js';
import { holds } from '../support/holds.js';

const RUNS = 100;
const BATCH = 30;
/** Longer ones would only be slower. */
const MAX_BYTES = 3000;

/** One change of some bytes. */
interface Mutation {
  readonly at: number;
  readonly byte: number;
  readonly kind: 'flip' | 'set' | 'insert' | 'delete' | 'repeat' | 'truncate';
}

const mutation = fc.record<Mutation>({
  at: fc.nat({ max: MAX_BYTES }),
  byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 2, 8, 0x20, 0x40, 0x80, 0xff)),
  kind: fc.constantFrom('flip', 'set', 'insert', 'delete', 'repeat', 'truncate'),
});

function mutate(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  let list = [...bytes];
  for (const { at, byte, kind } of mutations) {
    const place = at % (list.length + 1);
    if (kind === 'flip' && place < list.length) list[place] ^= 1 << (byte % 8);
    else if (kind === 'set' && place < list.length) list[place] = byte;
    else if (kind === 'insert') list.splice(place, 0, byte);
    else if (kind === 'delete') list.splice(place, 1 + (byte % 4));
    else if (kind === 'repeat') list.splice(place, 0, ...list.slice(place, place + (byte % 64)));
    else if (kind === 'truncate') list = list.slice(0, place);
  }
  return Uint8Array.from(list);
}

function split(bytes: Uint8Array, cuts: readonly number[]): string[] {
  const inside = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
  const at = [0, ...inside, bytes.length];
  const pieces = at.slice(1).map((end, index) => hex(bytes.subarray(at[index], end)));
  return pieces.filter((piece) => piece !== '');
}

const variation = fc.record({
  mutations: fc.array(mutation, { maxLength: 3 }),
  cuts: fc.array(fc.nat({ max: MAX_BYTES }), { maxLength: 6 }),
});
type Variation = typeof variation extends fc.Arbitrary<infer T> ? T : never;

/** A request with its first bytes mutated, and all of them cut anew where they come over a stream. */
function vary(request: Request, { mutations, cuts }: Variation): Request {
  const inPieces = request.carrier !== 'messages';
  let fresh = mutations;
  const change = (text: string): string[] => {
    const bytes = mutate(unhex(text), fresh);
    fresh = [];
    return inPieces ? split(bytes, cuts) : [hex(bytes)];
  };
  if (request.bytes !== undefined) return { ...request, bytes: hex(mutate(unhex(request.bytes), mutations)) };
  const steps = request.steps?.flatMap((step): readonly Step[] =>
    typeof step === 'object' && 'receive' in step
      ? change(step.receive).map((receive) => ({ receive }))
      : [step],
  );
  return { ...request, steps, chunks: request.chunks?.flatMap(change) };
}

const corpus = vectorFiles.flatMap(([, vectors]) => vectors.map(({ request }) => request));
const short = corpus.filter(
  ({ op, ...request }) => op !== 'negotiate' && JSON.stringify(request).length < 2 * MAX_BYTES,
);
const varied = fc.tuple(fc.constantFrom(...short), variation).map(([request, how]) => vary(request, how));

const u16 = (value: number) => [value >>> 8, value & 0xff];
const body = fc.array(fc.nat({ max: 255 }), { maxLength: 40 });
const classFlags = fc.constantFrom(0, 0, 0x20, 0x40);

/** Frames of which most are legal, so that what comes behind them is reached. */
const frame = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(classFlags, body).map(([flags, bytes]) => header(0x11, flags, bytes)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(classFlags, fc.nat({ max: 60 }), body)
      .map(([flags, total, bytes]) => header(0x11, flags | 2, [0, 0, 0, total, ...bytes])),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(classFlags, fc.constantFrom(0, 2), body)
      .map(([flags, more, bytes]) => header(0x14, flags | more, bytes)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 3, 4, 5, 8, 0x80), fc.nat({ max: 0x7f }), body)
      .map(([kind, flags, bytes]) => header(kind, kind < 0x80 ? 0 : flags, bytes)),
  },
  { weight: 1, arbitrary: fc.constant(header(4, 0, [1, 2, 3, 4, 5, 6, 7, 8])) },
);

function header(kind: number, flags: number, bytes: readonly number[]): number[] {
  return [kind, flags, ...u16(bytes.length), 0, 0, 0, 0, ...bytes];
}

const streamed = fc
  .record({
    records: fc.array(fc.array(frame, { minLength: 1, maxLength: 4 }), { maxLength: 5 }),
    carrier: fc.constantFrom('stream' as const, 'messages' as const),
    how: variation,
    maxMessage: fc.integer({ min: 1, max: 60 }),
    maxFragments: fc.integer({ min: 1, max: 6 }),
    hasMistakes: fc.boolean(),
  })
  .map(({ records, carrier, how, maxMessage, maxFragments, hasMistakes }): Request => {
    const bodies = records.map((frames) => frames.flat());
    const chunks =
      carrier === 'messages'
        ? bodies.map((bytes) => hex(Uint8Array.from(bytes)))
        : [hex(Uint8Array.from(bodies.flatMap((bytes) => [...u16(bytes.length), ...bytes])))];
    const request = { op: 'records', carrier, chunks, maxMessage, maxFragments };
    return vary(request, { ...how, mutations: hasMistakes ? how.mutations : [] });
  });

const sizes = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 16_000, max: 70_000 })), {
  maxLength: 25,
});
const scheduled = fc.tuple(sizes, sizes, sizes).map((queues): Request => ({ op: 'schedule', queues }));

/** Two HELLOs, of which each is one of the vectors'. */
const hellos = (fromInitiator: boolean) =>
  corpus.filter(({ op, initiator }) => op === 'hello' && initiator === fromInitiator).filter(isAccepted);
function isAccepted(request: Request): boolean {
  return !('fault' in (verdict(request) as object));
}
const negotiated = fc
  .tuple(fc.constantFrom(...hellos(true)), fc.constantFrom(...hellos(false)))
  .map(([one, other]): Request => ({ op: 'negotiate', initiator: one.bytes, responder: other.bytes }));

/** What a request comes to, as it crosses to JSON and back. */
function ours(request: Request): unknown {
  return JSON.parse(JSON.stringify(verdict(request)));
}

describe.skipIf(!hasCargo)(hasCargo ? 'Rust and TypeScript agree on' : 'skipped: there is no cargo', () => {
  let rust: RustSide;

  beforeAll(async () => {
    rust = startRustSide();
    await rust.ask([{ op: 'schedule', queues: [[], [], []] }]);
  }, 600_000);
  afterAll(() => rust.close());

  async function compare(request: fc.Arbitrary<Request>): Promise<void> {
    const batches = fc.array(request, { minLength: 1, maxLength: BATCH });
    const property = fc.asyncProperty(batches, async (requests) => {
      const theirs = await rust.ask(requests);
      for (const [index, one] of requests.entries())
        expect(theirs[index], JSON.stringify(one)).toEqual(ours(one));
    });
    await holds(property, { numRuns: RUNS });
  }

  const patience = 600_000;
  it('every vector', async () => expect(await rust.ask(corpus)).toEqual(corpus.map(ours)), patience);
  it('mutated and cut vectors', () => compare(varied), patience);
  it('streams of frames', () => compare(streamed), patience);
  it('schedules', () => compare(scheduled), patience);
  it('pairs of HELLOs', () => compare(negotiated), patience);
});
