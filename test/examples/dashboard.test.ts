import { expect, it } from 'vitest';
import { call } from '../support/scene.js';
import { backends, Program } from './program.js';

it.each(backends)('dashboard shows readings and has them scraped, QWORMHOLE_NATIVE=%s', async (backend) => {
  const server = new Program(backend, 'dashboard/server.mjs', '0', 'tcp://127.0.0.1:0');
  const [, page] = await server.line(/^Open (\S+)$/);
  const sensors = new Program(backend, 'dashboard/sensors.mjs', await server.address(), '3', '20');

  const viewer = await call(`${page.replace('http', 'ws')}readings`, { protocol: 'raw', codec: 'json' });
  const seen = new Map<string, number>();
  let updates = 0;
  viewer.on('message', (readings: [string, number][]) => {
    updates += 1;
    for (const [sensor, celsius] of readings) seen.set(sensor, celsius);
  });
  await expect.poll(() => seen.size).toBe(3);
  await expect.poll(() => updates).toBeGreaterThan(5);
  expect([...seen.keys()].toSorted()).toEqual(['sensor-1', 'sensor-2', 'sensor-3']);

  expect(await (await fetch(page)).text()).toContain('new WebSocket(');
  const metrics = await fetch(`${page}metrics`);
  expect(metrics.headers.get('content-type')).toContain('version=0.0.4');
  const text = await metrics.text();
  expect(text).toMatch(/^qwormhole_connections\{role="server",name="sensors"\} 1$/m);
  expect(text).toMatch(/^sensor_celsius\{sensor="sensor-3"\} -?[\d.]+$/m);
  // Each family once, as Prometheus wants it.
  const types = text.match(/^# TYPE \S+/gm)!;
  expect(new Set(types).size).toBe(types.length);

  await viewer.close();
  await sensors.stop();
  await server.stop();
});

it.each(backends)('dashboard takes no reading that is none, QWORMHOLE_NATIVE=%s', async (backend) => {
  const server = new Program(backend, 'dashboard/server.mjs', '0', 'tcp://127.0.0.1:0');
  const [, page] = await server.line(/^Open (\S+)$/);
  const liar = await call(await server.address(), { codec: 'cbor' });
  for (const message of [null, 1, { sensor: 'a"} 1\nb', celsius: 1 }, { sensor: 'a', celsius: 'hot' }])
    liar.send(message);
  liar.send({ sensor: 'honest', celsius: 20.5 });
  await expect
    .poll(async () => (await (await fetch(`${page}metrics`)).text()).match(/^sensor_celsius.*$/gm))
    .toEqual(['sensor_celsius{sensor="honest"} 20.5']);
  await liar.close();
  await server.stop();
});
