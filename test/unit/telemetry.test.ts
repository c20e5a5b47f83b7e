/** Buckets and metrics: what is counted where, and that what is exported is what is documented. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createQWormholeClient, createQWormholeServer, metricsText } from '../../ts/index.js';
import { Histogram } from '../../ts/telemetry/histogram.js';
import { toldEvents } from '../../ts/telemetry/journal.js';
import { metricNames } from '../../ts/telemetry/metrics.js';

const page = readFileSync(new URL('../../docs/telemetry.md', import.meta.url), 'utf8');

test('a histogram counts each value once, in the first bucket that holds it', () => {
  const histogram = new Histogram();
  for (const ms of [0.005, 0.01, 0.02, 3, 20_000]) histogram.record(ms);
  const { buckets, count, sumMs, maxMs, p50Ms, p99Ms } = histogram.stats();
  const upTo = (leMs: number) => buckets.find((bucket) => bucket.leMs === leMs)!.count;
  expect([upTo(0.01), upTo(0.025), upTo(2.5), upTo(5), upTo(10_000)]).toEqual([2, 3, 3, 4, 4]);
  expect({ count, sumMs, maxMs, p50Ms, p99Ms }).toEqual({
    count: 5,
    sumMs: 20_003.035,
    maxMs: 20_000,
    p50Ms: 0.025,
    p99Ms: 20_000,
  });
});

test('an empty histogram is all zeros', () => {
  const stats = new Histogram().stats();
  expect(stats).toMatchObject({ count: 0, sumMs: 0, maxMs: 0, p50Ms: 0, p99Ms: 0 });
});

function makers() {
  const { server } = createQWormholeServer({ endpoints: 'tcp://127.0.0.1:0', forceTs: true });
  const { client } = createQWormholeClient({
    endpoints: 'tcp://127.0.0.1:1',
    forceTs: true,
    profiling: true,
  });
  return { server, client };
}

test('the text has each family once, and every line a value', async () => {
  const { server, client } = makers();
  const labels = { name: 'a "b"\\\n' };
  const text = metricsText([{ telemetry: server.telemetry(), labels }, { telemetry: client.telemetry() }]);
  const lines = text.trimEnd().split('\n');
  const types = lines.filter((line) => line.startsWith('# TYPE'));
  expect(new Set(types).size).toBe(types.length);
  const line = /^qwormhole_[a-z_]+\{[a-z]+="(?:[^"\\\n]|\\.)*"(,[a-z]+="(?:[^"\\\n]|\\.)*")*\} -?[\d.e+-]+$/;
  for (const each of lines.filter((text_) => !text_.startsWith('#'))) expect(each).toMatch(line);
  expect(text).toContain('name="a \\"b\\"\\\\\\n"');
  await Promise.all([server.close(), client.close()]);
});

test('labels are those that Prometheus takes, and tell sources apart', async () => {
  const { server, client } = makers();
  for (const name of ['1a', '__a', 'role', 'le', 'a-b'])
    expect(() => server.metrics({ [name]: 'x' })).toThrow(/labels/);
  expect(() => server.metrics({ a: 1 } as never)).toThrow(/labels\.a/);
  const telemetry = server.telemetry();
  expect(() => metricsText([{ telemetry }, { telemetry }])).toThrow(/differ/);
  expect(metricsText([{ telemetry }, { telemetry, labels: { name: 'b' } }])).toContain('name="b"');
  await Promise.all([server.close(), client.close()]);
});

test('the page has every metric and nothing else', () => {
  const documented = [...page.matchAll(/^\| `(qwormhole_\w+)`/gm)].map(([, name]) => name);
  expect(documented.sort()).toEqual(metricNames().sort());
});

test('the page has every event with its level', () => {
  const documented = [...page.matchAll(/^\| `((?:server|client)\.\w+)` +\| (\w+) /gm)].map(
    ([, ...row]) => row,
  );
  expect(documented.sort()).toEqual(toldEvents().sort());
});
