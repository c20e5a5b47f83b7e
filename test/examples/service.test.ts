import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { call } from '../support/scene.js';
import { freePort } from '../support/ports.js';
import { backends, isTs, Program } from './program.js';

const status = async (url: string) => (await fetch(url)).status;

it.each(backends)('service is ready, and not while it drains, QWORMHOLE_NATIVE=%s', async (backend) => {
  const service = new Program(backend, 'service/server.mjs', 'tcp://127.0.0.1:0', '127.0.0.1:0');
  const [, address] = await service.line(/"event":"server\.listening","id":"\w+","addresses":\["([^"]+)"\]/);
  const [, probes] = await service.line(/"event":"probes\.listening","url":"([^"]+)"/);
  expect(await status(`${probes}/ready`)).toBe(200);
  expect(await status(`${probes}/live`)).toBe(200);
  expect(await status(`${probes}/nothing`)).toBe(404);
  expect(await (await fetch(`${probes}/metrics`)).text()).toContain('qwormhole_ready{role="server"} 1');

  const client = await call(address, { codec: 'json', reconnect: { baseMs: 100 } });
  const lost = new Promise((resolve) => client.once('disconnect', resolve));
  const returning = new Promise<number>((resolve) =>
    client.once('reconnecting', (_attempt, delayMs) => resolve(delayMs)),
  );
  // This one does not end its side: the service has to wait for it, and is not ready meanwhile.
  const holding = await call(address, { codec: 'json', reconnect: false });
  holding.pause();
  service.signal('SIGTERM');
  expect(await lost).toBe(10);
  expect(await returning).toBeLessThanOrEqual(8000);
  await service.line(/"event":"server\.draining"/);
  await service.output();
});

/** As PM2 does: starts two workers, waits for the word of both, and ends them. */
const PRIMARY = `
  const cluster = require('node:cluster');
  const [exec, ...args] = process.argv.slice(1);
  cluster.setupPrimary({ exec, args, execArgv: [], silent: true });
  const workers = [cluster.fork(), cluster.fork()];
  let ready = 0;
  for (const worker of workers)
    worker.on('message', (word) => {
      if (word === 'ready' && ++ready === 2) for (const { process } of workers) process.kill('SIGINT');
    });
  cluster.on('exit', (worker, code, signal) => console.log(ready, code, signal));
`;

/** Elsewhere the native backend cannot share a port. */
const sharing = backends.filter((backend) => isTs(backend) || process.platform === 'linux');

it.each(sharing)('service runs as workers of one port, QWORMHOLE_NATIVE=%s', async (backend) => {
  const program = fileURLToPath(new URL('../../examples/service/server.mjs', import.meta.url));
  const args = [`tcp://127.0.0.1:${await freePort()}`, '127.0.0.1:0'];
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', PRIMARY, program, ...args], {
    env: { ...process.env, QWORMHOLE_NATIVE: backend, NODE_OPTIONS: '', GRACE_MS: '100' },
    timeout: 60_000,
  });
  expect(stdout).toBe('2 0 null\n2 0 null\n');
});
