import { expect, it } from 'vitest';
import { call } from '../support/scene.js';
import { backends, Program } from './program.js';

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
