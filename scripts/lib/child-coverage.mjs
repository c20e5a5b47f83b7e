/**
 * What processes ran of dist/, in lines of ts/: V8 leaves a file for each process, and thread, in the folder that
 * NODE_V8_COVERAGE names. One that is killed leaves none.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { mergeProcessCovs } from '@bcoe/v8-coverage';
import { convert } from 'ast-v8-to-istanbul';
import { parseAstAsync } from 'vitest/node';

import { at } from './root.mjs';

const DIST = pathToFileURL(at('dist')).href;

/** @returns {Promise<Map<string, Map<number, number>>>} how often each line of each file was run */
export async function linesOfChildren(folder) {
  const lines = new Map();
  for (const script of scriptsIn(folder)) {
    for (const file of Object.values(await originalsOf(script))) lines.set(file.path, linesOf(file));
  }
  return lines;
}

/** As reports count: a line is run as often as the statement that begins there and is run most. */
export function linesOf({ statementMap, s: counts }) {
  const lines = new Map();
  for (const [id, { start }] of Object.entries(statementMap))
    lines.set(start.line, Math.max(lines.get(start.line) ?? 0, counts[id]));
  return lines;
}

/** The modules of dist/ that processes loaded: added up one after the other, for there are hundreds of processes. */
function scriptsIn(folder) {
  let sum = { result: [] };
  for (const name of readdirSync(folder)) {
    const result = resultIn(join(folder, name)).filter(({ url }) => url.startsWith(DIST));
    sum = mergeProcessCovs([sum, { result }]);
  }
  return sum.result;
}

/** Nothing, of a process that was killed while it wrote. */
function resultIn(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).result;
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function originalsOf(script) {
  const path = fileURLToPath(script.url);
  const code = readFileSync(path, 'utf8');
  const sourceMap = JSON.parse(readFileSync(`${path}.map`, 'utf8'));
  return convert({ code, ast: parseAstAsync(code), sourceMap, coverage: script });
}
