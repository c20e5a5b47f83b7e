/** Parts of documentation that scripts write, between the marks `<!-- name:begin -->` and `<!-- name:end -->`. */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';

import { at } from './root.mjs';
import { StepError } from './run.mjs';

/** Puts `text` between the marks of `name` in a page of docs/. */
export function writePart(page, name, text) {
  const file = at('docs', page);
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [before, rest] = readFileSync(file, 'utf8').split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new StepError(`docs/${page} has lost its marks ${begin} … ${end}.`);
  writeFileSync(file, `${before}${begin}\n\n${text}\n${end}${after}`);
}

/** Where and when something was measured. */
export function circumstances() {
  const date = new Date().toISOString().slice(0, 10);
  return `Node ${process.versions.node}, ${os.type()} ${os.arch()}, ${date}`;
}
