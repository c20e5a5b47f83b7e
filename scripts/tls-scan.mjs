/**
 * Has sslyze scan the TLS of our server, on both backends: `node scripts/tls-scan.mjs [--write]`. `--write` puts
 * what it found into docs/conformance.md. Exit code 1 when something old or weak is accepted, or was not looked at.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { build } from './lib/build.mjs';
import { setUp } from './lib/install.mjs';
import { circumstances, writePart } from './lib/page.mjs';
import { virtualEnvironment } from './lib/python.mjs';
import { at } from './lib/root.mjs';
import { main, quietly, StepError } from './lib/run.mjs';
import { table } from './lib/text.mjs';
import { COMMANDS, FINDINGS } from './lib/tls-scan-findings.mjs';

const HOME = at('test', 'tls-scan');
const LABELS = { native: 'QWormhole, native', ts: 'QWormhole, TypeScript' };

async function scan(python, backend, folder) {
  const env = { ...process.env, QWORMHOLE_NATIVE: backend === 'native' ? 'force' : 'force-ts' };
  const server = spawn(process.execPath, [join(HOME, 'server.mjs'), folder], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(server, 'close');
  try {
    const { value: line } = await createInterface(server.stdout)[Symbol.asyncIterator]().next();
    if (line === undefined) throw new StepError(`The server on the ${backend} backend did not start.`);
    const report = join(folder, `${backend}.json`);
    const options = ['--quiet', '--mozilla_config', 'disable', '--json_out', report, ...COMMANDS];
    const target = `127.0.0.1:${JSON.parse(line).listening}`;
    await quietly(`Scanning ${LABELS[backend]}`, python, ['-m', 'sslyze', ...options, target]);
    return JSON.parse(readFileSync(report, 'utf8')).server_scan_results[0].scan_result;
  } finally {
    server.stdin.end();
    await ended;
  }
}

/** A row for each thing looked at, a column for each server. */
function summary(results) {
  const rows = FINDINGS.map(({ title, read }) => [title, ...results.map(({ found }) => shown(found, read))]);
  return table(['', ...results.map(({ backend }) => LABELS[backend])], rows);
}

function shown(found, read) {
  const { text, isGood } = read(found);
  return isGood ? text : `**${text}**`;
}

await main(async () => {
  const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
  await setUp();
  const { built, reason } = await build();
  if (!built) console.log(`Scan of the native backend: skipped (${reason})`);
  const python = await virtualEnvironment('tls-scan', join(HOME, 'requirements.txt'));
  const folder = mkdtempSync(join(tmpdir(), 'qwormhole-tls-scan-'));
  try {
    const make = [at('dist', 'cli', 'main.js'), 'cert', '--out', folder];
    await quietly('Certificate', process.execPath, make);
    const results = [];
    for (const backend of built ? ['native', 'ts'] : ['ts'])
      results.push({ backend, found: await scan(python, backend, folder) });
    console.log(`\n${summary(results)}\n`);
    if (values.write)
      writePart('conformance.md', 'tls-scan', `The scan of ${circumstances()}:\n\n${summary(results)}\n`);
    const bad = results.some(({ found }) => FINDINGS.some(({ read }) => !read(found).isGood));
    if (bad) throw new StepError('The scan found what should not be: the rows with stars.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
