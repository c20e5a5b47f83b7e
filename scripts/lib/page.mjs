/** Parts of documentation that scripts write, between the marks `<!-- name:begin -->` and `<!-- name:end -->`. */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';

import { at } from './root.mjs';
import { StepError } from './run.mjs';

/** What is between the marks of `name` in a page of docs/. */
export function readPart(page, name) {
  return partsOf(page, name)[1];
}

/** Puts `text` there. */
export function writePart(page, name, text) {
  const [before, , after] = partsOf(page, name);
  writeFileSync(at('docs', page), `${before}\n\n${text}\n${after}`);
}

/** A page, cut behind the mark that begins a part and in front of the one that ends it. */
function partsOf(page, name) {
  const text = readFileSync(at('docs', page), 'utf8');
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  if (from < begin.length || to < from)
    throw new StepError(`docs/${page} has lost its marks ${begin} … ${end}.`);
  return [text.slice(0, from), text.slice(from, to), text.slice(to)];
}

/** Where and when something was measured. */
export function circumstances() {
  const date = new Date().toISOString().slice(0, 10);
  return `Node ${process.versions.node}, ${os.type()} ${os.arch()}, ${date}`;
}
