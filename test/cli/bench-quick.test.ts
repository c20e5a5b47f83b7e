/** The bench as a newcomer without Rust has it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../bench/qwormhole.mjs', import.meta.url));
const { violations } = await import(new URL('../../bench/lib/record.mjs', import.meta.url).href);

const folder = mkdtempSync(join(tmpdir(), 'qwormhole-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bench(...args: string[]) {
  const env = { ...process.env, QWORMHOLE_NATIVE: '0' };
  const child = spawn(process.execPath, [PROGRAM, ...args], { env });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

test(
  'without the addon TypeScript alone is measured, it says so, and a record is written for every cell',
  { timeout: 60_000 },
  async () => {
    const file = join(folder, 'records.jsonl');
    const quick = ['--mode=quick', '--scenarios=e2,pressed', '--seconds=0.2', '--no-pin'];
    const { code, stdout, stderr } = await bench(...quick, '--json', `--out=${file}`);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('TypeScript only');
    expect(readFileSync(file, 'utf8')).toBe(stdout);
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.flatMap((record) => violations(record))).toEqual([]);
    const measured = records.filter(({ skipped }) => !skipped);
    expect(measured.map(({ scenario, cell }) => [scenario, cell])).toEqual([
      ['e2', 'ts-server x ts-client'],
      ['pressed', 'ts-server x ts-client'],
    ]);
    for (const { messages, cpuUs, latencyUs, pinned } of measured) {
      expect(messages).toBeGreaterThan(0);
      expect(cpuUs.server).toBeGreaterThan(0);
      expect(latencyUs.p50).toBeLessThanOrEqual(latencyUs.p999);
      expect(pinned).toBeNull();
    }
    expect(
      records.filter(({ skipped }) => skipped).every(({ reason }) => reason.includes('QWORMHOLE_NATIVE')),
    ).toBe(true);

    const again = await bench(`--from=${file}`, `--against=${file}`);
    expect([again.code, again.stdout.trim()]).toEqual([0, '2 cells compared, 2 within the noise']);
  },
);

test('mistakes on the command line are named', async () => {
  for (const wrong of ['--mode=fast', '--scenarios=e9', '--runs=0', '--what', '--from=/does/not/exist']) {
    const { code, stderr } = await bench(wrong);
    expect([code, stderr.split('\n').length], wrong).toEqual([2, 2]);
  }
});
