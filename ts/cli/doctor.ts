/** `qwormhole doctor`: which backend is used here and why, and what would help. */
import type { Command } from './command.js';
import { diagnose, type Diagnosis } from './diagnosis.js';
import { escapeJson } from './escape.js';
import { EXIT_FAILED } from './failure.js';
import type { Paint } from './style.js';
import { refusePositionals } from './usage-error.js';

export const doctor: Command = {
  name: 'doctor',
  summary: 'say which backend is used and why, and test it',
  usage: '[options]',
  description:
    'Says which backend loads and why, what was tried, and what would help; then sends messages over a\n' +
    'loopback connection. Ends with exit code 1 when that fails, or when native is forced and does not load.',
  options: { json: { help: 'print one line of JSON' } },
  examples: [
    ['qwormhole doctor', 'when the native backend is not used, or anything else is odd'],
    ['QWORMHOLE_NATIVE=1 qwormhole doctor --json', 'in a script: is the native backend there?'],
  ],

  async run(given, { out, paint }) {
    refusePositionals(given);
    const diagnosis = await diagnose();
    out.line(given.has('json') ? escapeJson(JSON.stringify(diagnosis)) : report(diagnosis, paint));
    return diagnosis.usable ? 0 : EXIT_FAILED;
  },
};

function report(diagnosis: Diagnosis, paint: Paint): string {
  const { versions, platform, environment, selfTest } = diagnosis;
  const test = selfTest.ok
    ? paint('good', `messages came back after ${selfTest.milliseconds} ms`)
    : paint('bad', `FAILED: ${selfTest.error}`);
  const rows: [string, string][] = [
    ['Backend', backend(diagnosis)],
    ['Why', diagnosis.reason],
    ['I/O', io(diagnosis)],
    ['Tried', tried(diagnosis)],
    ['Self-test', test],
    ['Cure', diagnosis.cure ?? 'none needed'],
    ['Versions', pairs(versions, 'none')],
    ['Platform', [platform.os, platform.arch, platform.libc, platform.release].filter(Boolean).join(' ')],
    ['Environment', pairs(environment, '(not set)')],
    ['Rust', diagnosis.cargo ?? 'not installed'],
    ['Usable', diagnosis.usable ? paint('good', 'yes') : paint('bad', 'no')],
  ];
  return rows.map(([name, text]) => `${paint('title', `${name}:`.padEnd(13))}${text}`).join('\n');
}

function backend({ mode, backend: name, forced }: Diagnosis): string {
  if (forced && mode !== 'native') return 'none: native is forced and does not load';
  return `${mode} (${name})`;
}

function io({ io: where, ioReason }: Diagnosis): string {
  return where === null ? 'on the JavaScript thread' : `${where}: ${ioReason}`;
}

function tried({ candidates }: Diagnosis): string {
  if (candidates.length === 0) return 'nothing: native is not wanted';
  const lines = candidates.map(({ path, failure, detail }) =>
    failure === undefined ? `${path}: loaded` : `${path}: ${failure} (${detail})`,
  );
  return lines.join(`\n${' '.repeat(13)}`);
}

function pairs(facts: Readonly<Record<string, string | null>>, absent: string): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${value ?? absent}`)
    .join(', ');
}
