/**
 * What tungstenite, an implementation by others, makes of streams of bytes (`test/vectors/websocket-streams.json`,
 * written by the command that it names), played to each of our backends over sockets.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import type { Stream } from '../support/ws-streams.js';
import { Judge, type Verdict } from '../support/ws-verdict.js';

interface Case {
  readonly role: 'server' | 'client';
  readonly stream: string;
  readonly cuts: readonly number[];
  readonly messages: readonly string[];
  readonly close: number | null;
  /** Where tungstenite is not followed. */
  readonly ours?: { readonly why: string; readonly messages: number; readonly close: number };
}

interface Vectors {
  readonly maxMessage: number;
  readonly differences: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

/** Messages and close code; `null` is an end without a close frame. */
type Outcome = readonly [messages: readonly string[], close: number | null];

const url = new URL('../vectors/websocket-streams.json', import.meta.url);
const vectors = JSON.parse(readFileSync(url, 'utf8')) as Vectors;
const backends =
  process.env.QWORMHOLE_NATIVE === 'force-ts' ? (['ts'] as const) : (['native', 'ts'] as const);

it.each(backends)(
  '%s says what tungstenite says',
  async (backend) => {
    const judge = await Judge.of(backend, { maxMessage: vectors.maxMessage });
    try {
      for (const each of vectors.cases) {
        const found = outcomeOf(await judge.verdict(streamOf(each)));
        const expected = expectedOf(each);
        const isKnown = backend === 'ts' && isKnownOnTs(found, each);
        if (!isKnown) expect(found, JSON.stringify(each)).toEqual(expected);
      }
    } finally {
      await judge.close();
    }
  },
  60_000,
);

function expectedOf({ messages, close, ours }: Case): Outcome {
  if (ours === undefined) return [messages, close];
  expect(vectors.differences).toHaveProperty(ours.why);
  return [messages.slice(0, ours.messages), ours.close];
}

/** Why these are no defects is said in `differences.ts`. */
function isKnownOnTs([messages, close]: Outcome, each: Case): boolean {
  const [expected, code] = expectedOf(each);
  const isSame = isDeepStrictEqual(messages, expected);
  const isWholeTextJudged = code === 1007 && isSame;
  // Where the stream ends inside of a header.
  const isHeaderCut = isSame && ((code === 1002 && close === null) || (code === null && close !== 1000));
  const isLengthLong = each.ours?.why === 'shortest-length';
  return isWholeTextJudged || isHeaderCut || isLengthLong;
}

function streamOf({ role, stream, cuts }: Case): Stream {
  return { role, isDeflated: false, bytes: Buffer.from(stream, 'hex'), cuts, waits: false };
}

function outcomeOf({ messages, error, farewell }: Verdict): Outcome {
  // A close frame in order is answered with the same code.
  if (error === undefined) return [messages, 1000];
  return [messages, farewell?.[0] ?? null];
}
