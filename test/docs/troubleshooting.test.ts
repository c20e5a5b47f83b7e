/** docs/troubleshooting.md has every message of the code that loads the addon, as it stands there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../ts/link/native/advice.js';
import { root } from './snippets.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const page = read('docs/troubleshooting.md');

/** Texts for people in a source: strings and templates with a space in them, with `…` for what is put in. */
function messagesIn(path: string): string[] {
  const code = read(path).replaceAll(/\/\*[^]*?\*\/|\/\/.*$|^import .*$/gm, '');
  const texts = [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)];
  return texts
    .map(([, string, template]) => (string ?? template).replaceAll(/\$\{[^}]*\}/g, '…'))
    .map((text) => text.replace(/\\n$/, ''))
    .filter((text) => /\S \S/.test(text));
}

/** Why a backend was chosen, and how a candidate is told: no trouble, and no text of its own. */
const REASONS = new Set([
  'native is preferred by default',
  'the native classes',
  'forceTs: true',
  'preferNative: false',
  '…: … (…)',
]);

describe.each([
  ['ts/link/native/loader.ts', 12],
  ['ts/link/native/advice.ts', 7],
  ['ts/link/choose.ts', 2],
  ['ts/policy/native-switch.ts', 1],
])('%s', (path, least) => {
  const messages = [...new Set(messagesIn(path))].filter((text) => !REASONS.has(text));

  it('has messages', () => {
    expect(messages.length).toBeGreaterThanOrEqual(least);
  });

  it.each(messages)('%s', (message) => {
    expect(page).toContain(`\`${message}\``);
  });
});

it('every message of the page is still there', () => {
  const table = page.slice(page.indexOf('### Every message'), page.indexOf('### What the system says'));
  const told = [...table.matchAll(/^\| `([^`]+)` /gm)].map(([, message]) => message);
  const sources = [
    'ts/link/native/loader.ts',
    'ts/link/native/advice.ts',
    'ts/link/choose.ts',
    'ts/policy/native-switch.ts',
  ];
  const existing = new Set(sources.flatMap(messagesIn));
  expect(told.length).toBeGreaterThan(12);
  expect(told.filter((message) => !existing.has(message))).toEqual([]);
});

it('a platform without addons has no cure, and needs none', () => {
  const advice = adviceFor({
    candidates: [],
    failure: 'binding not found',
    detail: 'Unsupported architecture on Linux: mips',
  });
  expect(advice).toContain('nothing to be done');
});

it('an addon that Node refuses to load has another cure than a broken one', () => {
  const detail = 'Cannot load native addon because loading addons is disabled.';
  const advice = adviceFor({ candidates: [], failure: 'binding threw', detail });
  expect(advice).toContain('is disabled. Start Node without --no-addons');
  expect(advice).not.toContain('npm run build');
});
