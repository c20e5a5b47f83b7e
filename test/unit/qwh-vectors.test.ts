/** QWH/1 against the vectors that both languages share, and with the bytes of streams cut anywhere. */
import { CLOSE_CODES, isRetriableClose } from 'qwormhole';
import { describe, expect, it } from 'vitest';
import { codeVectors, vectorFiles, type Vector } from '../support/qwh-vectors.js';
import { verdict, type Request, type Step } from '../support/qwh-verdict.js';

/** As it crosses to JSON and back. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** The same request with its bytes in pieces of at most `size`; only what comes over a stream has none. */
function cut(request: Request, size: number): Request {
  if (request.carrier === 'messages') return request;
  const pieces = (hex: string) => hex.match(new RegExp(`.{1,${2 * size}}`, 'g')) ?? [];
  const steps = request.steps?.flatMap((step): readonly Step[] =>
    typeof step === 'object' && 'receive' in step
      ? pieces(step.receive).map((receive) => ({ receive }))
      : [step],
  );
  return { ...request, steps, chunks: request.chunks?.flatMap(pieces) };
}

/** What a handshake did, but for how many bytes of each piece it left. */
function withoutLeft(outcome: unknown): unknown {
  return Array.isArray(outcome) ? outcome.filter((entry: object) => !('left' in entry)) : outcome;
}

describe.each(vectorFiles)('%s', (file, vectors) => {
  it.each(vectors)('$name', ({ request, expect: expected }) => {
    expect(plain(verdict(request))).toEqual(expected);
  });

  const streamed = vectors.filter(({ request }) => request.steps ?? request.chunks);
  // Only what comes over a stream has pieces.
  const sizes = streamed.length > 0 ? [1, 2, 3, 7, 1000] : [];
  for (const size of sizes)
    it(`the same in pieces of ${size} bytes`, () => {
      for (const { name, request, expect: expected } of streamed) {
        // A byte of 64 KiB at a time is no more telling than one of less.
        if (size < 1000 && JSON.stringify(request).length > 50_000) continue;
        const outcome = withoutLeft(plain(verdict(cut(request, size))));
        expect(outcome, name).toEqual(withoutLeft(expected));
      }
    });

  it('has no name twice', () => {
    const names = (vectors as Vector[]).map(({ name }) => name);
    expect(new Set(names).size, file).toBe(names.length);
  });
});

it('the table of close codes', () => {
  const ours = Object.entries(CLOSE_CODES).map(([name, { code }]) => ({
    name,
    code,
    retriable: isRetriableClose(code),
  }));
  expect(ours).toEqual(codeVectors);
});
