import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { call, cleanUp } from '../support/scene.js';
import { backends, Program } from './program.js';

/** More than the queues and the kernel hold, so that the sender has to wait. */
const SIZE = 24 * 1024 * 1024 + 5;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'qwormhole-files-'));
  cleanUp(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

it.each(backends)('file-transfer brings files as they are, QWORMHOLE_NATIVE=%s', async (backend) => {
  const [from, to] = [folder(), folder()];
  const receiver = new Program(backend, 'file-transfer/receive.mjs', to, 'tcp://127.0.0.1:0');
  const address = await receiver.address();
  for (const [name, size] of [
    ['large.bin', SIZE],
    ['empty', 0],
  ] as const) {
    const content = randomBytes(size);
    writeFileSync(join(from, name), content);
    const output = await new Program(backend, 'file-transfer/send.mjs', join(from, name), address).output();
    const sum = createHash('sha256').update(content).digest('hex');
    expect(output).toBe(`${name}: ${size} bytes, sha256 ${sum}\n`);
    expect(readFileSync(join(to, name)).equals(content)).toBe(true);
  }
  expect(readdirSync(to).toSorted()).toEqual(['empty', 'large.bin']);
  await receiver.stop();
});

it.each(backends)(
  'file-transfer leaves nothing of what is not whole, QWORMHOLE_NATIVE=%s',
  async (backend) => {
    const to = folder();
    const receiver = new Program(backend, 'file-transfer/receive.mjs', to, 'tcp://127.0.0.1:0');
    const address = await receiver.address();
    const heads = [
      '{"name":"../x","size":1}',
      '{"name":"x","size":-1}',
      '{"name":"..","size":1}',
      'null',
      '{"',
    ];
    for (const head of heads) {
      const liar = await call(address, { reconnect: false });
      const closed = new Promise((resolve) => liar.once('close', resolve));
      liar.on('message', () => {});
      liar.send(head);
      expect(await closed).toBe(4);
    }
    const leaver = await call(address, { reconnect: false });
    leaver.send('{"name":"half","size":100000}');
    leaver.send(Buffer.alloc(50_000));
    await leaver.flushed();
    await expect.poll(() => readdirSync(to).length).toBe(1);
    await leaver.close();
    await expect.poll(() => readdirSync(to)).toEqual([]);
    await receiver.stop();
  },
);
