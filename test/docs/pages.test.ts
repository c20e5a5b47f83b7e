/** What the hand-written pages repeat from elsewhere is the same there, and their links lead somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES } from 'qwormhole';
import { allFences, root } from './snippets.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n');

/** The cells of every table row. */
const rowsOf = (path: string): string[][] =>
  read(path)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.slice(1, -1).split('|'))
    .map((cells) => cells.map((cell) => cell.trim()));

const pages = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
  'examples/README.md',
];

/** A number as pages may write it: with its unit, or with its thousands separated. */
const plain = (text: string): string => text.replace(/ \(\w+\)$/, '').replace(/(\d),(\d)/g, '$1$2');

it('docs/limits.md has the defaults of docs/options.md', () => {
  // A page has several tables: the first one with an option has its default.
  const options = rowsOf('docs/options.md').filter(([name]) => name.startsWith('`'));
  const defaults = new Map(options.toReversed().map(([name, value]) => [name, value]));
  const limits = rowsOf('docs/limits.md').filter(([, option]) => defaults.has(option));
  expect(limits.length).toBeGreaterThan(10);
  for (const [, option, value] of limits)
    expect([option, plain(value)]).toEqual([option, defaults.get(option)]);
});

it('docs/wire-format.md has every close code', () => {
  const listed = rowsOf('docs/wire-format.md').filter(([code]) => /^\d+$/.test(code));
  const existing = Object.entries(CLOSE_CODES).map(([name, { code, meaning, retriable }]) => [
    String(code),
    `\`${name}\``,
    meaning,
    retriable ? 'yes' : 'no',
  ]);
  expect(listed).toEqual(existing);
});

it('docs/getting-started.md keeps its word on how many lines it takes', () => {
  const lines = allFences()
    .filter(({ page, language }) => page === 'docs/getting-started.md' && ['js', 'ts'].includes(language))
    .map(
      ({ info, language, code }) => [info[0] ?? language, code.split('\n').filter(Boolean).length] as const,
    );
  expect(lines.filter(([kind]) => kind !== 'js')).toEqual([
    ['server', 3],
    ['client', 3],
    ['ts', 25],
  ]);
});

it('docs/README.md has every page', () => {
  const linked = new Set(
    [...read('docs/README.md').matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, page]) => `docs/${page}`),
  );
  expect(
    pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md' && !linked.has(page)),
  ).toEqual([]);
});

describe('links', () => {
  it.each(pages)('%s', (page) => {
    for (const [, target] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path, anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      expect(existsSync(join(root, file)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(file), target).toContain(anchor);
    }
  });
});

/** What a page says that a test shows: a row of the checklist, or the title of a test, which must be in the file. */
describe('tests that are named', () => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/\[("[^\]]+"|[A-G]\d+)\]\((\.\.\/|)(test\/[^)\s#]+)\)/g)].map(
      ([, name, , file]) => [page, name, file] as const,
    ),
  );

  it('are many', () => expect(named.length).toBeGreaterThan(80));

  it.each(named)('%s: %s in %s', (_page, name, file) => {
    const text = read(file);
    if (name.startsWith('"')) expect(text).toContain(name.slice(1, -1));
    else expect(text).toMatch(new RegExp(`['"]${name}\\b`));
  });
});

it('docs/limits.md names a test of each kind by a link', () => {
  for (const cells of rowsOf('docs/limits.md')) expect(cells.at(-1)).not.toMatch(/^[a-z-]+\/[a-z-]+$/);
});

it('test/attack/elsewhere.json names tests that there are', () => {
  const { proved } = JSON.parse(read('test/attack/elsewhere.json'));
  for (const { file, script } of proved) expect(existsSync(join(root, file ?? script[0])), file).toBe(true);
});

/** As hosts of repositories make them of headings. */
function anchorsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}
