import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { parseSamples } from '../../ts/cli/samples.js';
import { readingOf, topTable } from '../../ts/cli/top-table.js';
import { Cli, onEachBackend, run } from './cli.js';

/** A body without an end. */
function endless(): Readable {
  return Readable.from(
    (function* () {
      for (;;) yield '# nothing\n'.repeat(6000);
    })(),
  );
}

onEachBackend((backend) => {
  test('listen --metrics serves what top shows', async () => {
    const args = ['listen', 'tcp://127.0.0.1:0', '--echo', '--backend', backend, '--metrics', '127.0.0.1:0'];
    const cli = new Cli(args);
    const [first, second] = await cli.lines(2);
    const [url] = /tcp:\/\/[\d.]+:\d+/.exec(first)!;
    const [metrics] = /http:\/\/[\d.]+:\d+\/metrics/.exec(second)!;
    const response = await fetch(metrics);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toContain('qwormhole_ready{role="server"} 1');
    expect((await fetch(metrics.replace('metrics', 'other'))).status).toBe(404);
    expect((await fetch(metrics, { method: 'POST' })).status).toBe(405);
    await run(['connect', url, '--backend', backend, '--wait', '0'], { input: 'one\ntwo\n' });
    const shown = await run(['top', metrics, '--count', '2', '--interval', '100ms']);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout.match(/^server /gm)).toHaveLength(2);
    expect(shown.stdout).toMatch(/conns +in\/s +out\/s/);
    const { stdout } = await run(['top', metrics, '--count', '1', '--json']);
    expect(JSON.parse(stdout).sources).toMatchObject([
      { name: 'server', qwormhole_messages_received_total: 2, qwormhole_ready: 1 },
    ]);
    expect(await cli.end()).toBe(0);
  });
});

test('metrics are served to sixteen connections at a time', async () => {
  const cli = new Cli(['listen', 'tcp://127.0.0.1:0', '--metrics', '127.0.0.1:0']);
  const metrics = /http:\/\/[\d.]+:\d+\/metrics/.exec((await cli.lines(2))[1])![0];
  const { port } = new URL(metrics);
  const held = Array.from({ length: 16 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  await expect(fetch(metrics)).rejects.toThrow('fetch failed');
  for (const socket of held) socket.destroy();
  await expect.poll(() => fetch(metrics).then(({ status }) => status, String)).toBe(200);
  expect(await cli.end()).toBe(0);
});

test('top tells what it cannot read', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/silent') return;
    if (request.url === '/endless') return void endless().pipe(response);
    response.statusCode = request.url === '/teapot' ? 418 : 200;
    response.end('go_goroutines 7\n');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const at = (path: string) => run(['top', `http://127.0.0.1:${port}${path}`]);
  expect(await at('/metrics')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no metrics of qwormhole'),
  });
  expect(await at('/teapot')).toMatchObject({ code: 1, stderr: expect.stringContaining('answers 418') });
  const answers = await Promise.all([at('/endless'), at('/silent')]);
  expect(answers[0]).toMatchObject({ code: 1, stderr: expect.stringContaining('more than 4194304 bytes') });
  expect(answers[1]).toMatchObject({ code: 1, stderr: expect.stringContaining('no answer within 5 s') });
  server.close();
  server.closeAllConnections();
  expect(await at('/')).toMatchObject({ code: 1, stderr: expect.stringContaining('ECONNREFUSED') });
});

test.each([
  [['top'], 'the URL is missing'],
  [['top', 'nonsense'], 'is not a URL'],
  [['top', 'http://a', 'http://b'], 'more than one URL'],
  [['listen', 'tcp://127.0.0.1:0', '--metrics', '9100'], '--metrics takes host:port'],
])('%j is a mistake', async (args, message) => {
  expect(await run(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

test('rates are those since the reading before; a counter that fell began anew', () => {
  const text = (received: number) => `# HELP x y
qwormhole_connections{role="server",name="a \\"b\\""} 3
qwormhole_messages_received_total{role="server",name="a \\"b\\""} ${received}
qwormhole_messages_dropped_total{role="server",name="a \\"b\\"",reason="closed"} 1
qwormhole_messages_dropped_total{role="server",name="a \\"b\\"",reason="budget"} 2
other_total 5
`;
  const reading = (received: number, at: number) => readingOf(parseSamples(text(received)), at);
  const [head, line] = topTable(reading(3000, 2000), reading(1000, 0)).split('\n');
  expect(head).toContain('conns');
  expect(line).toMatch(/^server name=a "b" +3 +1,000 +- +- +- +- +0 /);
  expect(topTable(reading(500, 1000), reading(1000, 0)).split('\n')[1]).toContain(' 500 ');
  expect(reading(1, 0).sources[0].values.get('qwormhole_messages_dropped_total')).toBe(3);
});
