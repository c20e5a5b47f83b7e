/** Disks that are full: what is written is whole or not there, and it is said why. Needs a file system of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { cleanUp } from '../support/scene.js';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'qwormhole-disk-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs what follows with a file system of that size at `folder`, which nobody else sees. */
function withDisk(options: string, then = 'exec "$@"'): readonly [string, ...string[]] {
  const script = `mount -t tmpfs -o ${options} none "$0" && ${then}`;
  return ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, folder];
}

const [command, ...args] = withDisk('size=4k');
const missing = spawnSync(command, [...args, 'true']).status === 0 ? undefined : 'no namespaces for users';
/** Where they must run, what is missing is a failure. */
const areDemanded = process.env.QWORMHOLE_TEST_DISKS === '1';
if (missing !== undefined && !areDemanded) console.log(`full disks: skipped (${missing})`);

/** Makes certificates so often on a disk of that size; what is there at the end, and after each time. */
function certificates(size: string, times: number) {
  const list = `(cd "$0"; sha256sum * 2>/dev/null; echo "exit $code")`;
  const often = Array.from({ length: times }, () => `"$@"; code=$?; ${list}`).join('; ');
  const [unshare, ...rest] = withDisk(`size=${size}`, often);
  const run = spawnSync(unshare, [...rest, process.execPath, PROGRAM, 'cert', '--out', folder], {
    encoding: 'utf8',
  });
  const rounds = run.stdout.split(/^exit (\d+)$/m).slice(0, -1);
  return {
    stderr: run.stderr,
    codes: rounds.filter((_, index) => index % 2 === 1).map(Number),
    files: rounds
      .filter((_, index) => index % 2 === 0)
      .map((text) => text.split('\n').filter((line) => /^[0-9a-f]{64} /.test(line))),
  };
}

const namesOf = (lines: readonly string[]): string[] => lines.map((line) => line.split(/\s+/)[1]);

describe.skipIf(missing !== undefined && !areDemanded)('on a full disk', () => {
  beforeAll(() => expect(missing).toBeUndefined());

  it('a certificate is not there in part', () => {
    const { codes, files, stderr } = certificates('8k', 1);
    expect(codes).toEqual([1]);
    expect(stderr).toContain('ENOSPC: no space left on device');
    expect(namesOf(files[0])).toEqual(['ca.crt', 'ca.key']);
  });

  it('a certificate that cannot be replaced stays as it was', () => {
    const { codes, files, stderr } = certificates('16k', 2);
    expect(codes).toEqual([0, 1]);
    expect(stderr).toContain('ENOSPC: no space left on device');
    expect(namesOf(files[0])).toEqual(['ca.crt', 'ca.key', 'localhost.crt', 'localhost.key']);
    expect(files[1]).toEqual(files[0]);
  });

  it('a Unix socket, which is a file, is refused for want of space', async () => {
    const child = new Child('./exhausted.mjs', [], {}, withDisk('size=4k,nr_inodes=1'));
    cleanUp(() => child.kill());
    await child.event('here');
    child.say(`listen unix://${folder}/full.sock`);
    const { error } = await child.event('failed');
    expect(error).toMatchObject({
      code: 'ERR_QW_RESOURCES',
      message: expect.stringContaining(`Cannot listen on ${folder}/full.sock: ENOSPC.`),
      retriable: true,
      details: { errno: 'ENOSPC' },
    });
    child.say('listen tcp://127.0.0.1:0');
    await child.event('listening');
  });
});

it.skipIf(process.platform !== 'linux')('output that cannot be written ends the program, and is told', () => {
  const full = openSync('/dev/full', 'w');
  const run = spawnSync(process.execPath, [PROGRAM, 'listen', 'tcp://127.0.0.1:0'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  expect(run.status).toBe(1);
  expect(run.stderr).toContain('cannot write: ');
  expect(run.stderr).toContain('ENOSPC');
});
