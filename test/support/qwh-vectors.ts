/** The vectors of QWH/1, which both languages share. */
import { readFileSync } from 'node:fs';
import type { Request } from './qwh-verdict.js';

export interface Vector {
  readonly name: string;
  readonly request: Request;
  readonly expect: unknown;
}

const FILES = ['preamble', 'answer', 'hello', 'negotiation', 'handshake', 'records', 'schedule', 'pack'];

function read(file: string): Vector[] {
  const url = new URL(`../vectors/qwh/${file}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Vector[];
}

/** All of them, by their files. */
export const vectorFiles: readonly (readonly [string, readonly Vector[]])[] = FILES.map((file) => [
  file,
  read(file),
]);

/** The table of close codes. */
export const codeVectors = read('codes') as unknown as readonly {
  readonly name: string;
  readonly code: number;
  readonly retriable: boolean;
}[];
