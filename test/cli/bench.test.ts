import { expect, test } from 'vitest';
import { Cli, listening, onEachBackend, run } from './cli.js';
import { peer, saying } from './peer.js';
import { frame } from '../support/frames.js';

onEachBackend((backend) => {
  const on = ['--backend', backend, '--duration', '1000ms', '--warmup', '100ms'];

  test('figures of an echo endpoint, with progress beside them', async () => {
    const { url } = await listening(backend, '--echo');
    const { code, stdout, stderr } = await run([
      'bench',
      url,
      ...on,
      '--connections',
      '3',
      '--window',
      '20',
      '--json',
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
    const figures = JSON.parse(stdout);
    expect(figures).toMatchObject({ endpoint: url, connections: 3, window: 20, size: 64, errors: 0 });
    expect(figures).toMatchObject({ mode: backend, backend: backend === 'ts' ? 'ts' : 'rust' });
    expect(figures.seconds).toBeGreaterThan(0.99);
    expect(figures.messages).toBeGreaterThan(100);
    expect(figures.messagesPerSecond / (figures.messages / figures.seconds)).toBeCloseTo(1, 1);
    expect(figures.megabytesPerSecond / ((figures.messagesPerSecond * 64) / 1e6)).toBeCloseTo(1, 1);
    const { p50, p75, p90, p99, p999, max } = figures.latencyMs;
    const rising = [p50, p75, p90, p99, p999, max];
    expect(rising).toEqual(rising.toSorted((a, b) => a - b));
    expect(p50).toBeGreaterThan(0);
    expect(stderr).toMatch(/warming up\n(.*\n)*.* messages\/s/);
  });

  test.each(['0', '3', '300000'])('messages of %s bytes', async (size) => {
    const { url } = await listening(backend, '--echo');
    const { code, stdout, stderr } = await run(['bench', url, ...on, '--size', size]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/throughput +[\d,]+ messages\/s/);
    for (const row of ['50 %', '75 %', '90 %', '99 %', '99.9 %', 'slowest'])
      expect(stdout).toMatch(new RegExp(`^  ${row} +[\\d.]+ ms +▇+$`, 'm'));
  });

  test('SIGINT ends it early, with the figures so far', async () => {
    const { url } = await listening(backend, '--echo');
    const cli = new Cli(['bench', url, '--backend', backend, '--duration', '60s', '--warmup', '0', '--json']);
    await cli.noted('messages/s');
    expect(await cli.end('SIGINT')).toBe(0);
    expect(JSON.parse(cli.stdout).seconds).toBeLessThan(20);
  });
});

/** For peers that are plain sockets. */
const PLAINLY = ['--backend', 'ts', '--protocol', 'length-prefixed'];
const ON_TS = [...PLAINLY, '--duration', '1000ms', '--warmup', '0', '--json'];

test('wrong replies are counted', async () => {
  const { url } = await peer((socket) => {
    // Answers are right in size and wrong in number.
    socket.on('data', () => socket.write(frame(Buffer.alloc(64, 7))));
    socket.on('end', () => socket.end());
  });
  const { code, stdout, stderr } = await run(['bench', url, ...ON_TS, '--window', '1']);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    messages: 0,
    firstError: expect.stringContaining('was expected'),
  });
  expect(JSON.parse(stdout).errors).toBeGreaterThan(0);
  expect(stderr).toContain('errors, the first: reply 0');
});

test('an endpoint that does not answer is told as such', async () => {
  const { url } = await peer(saying());
  const { code, stdout, stderr } = await run(['bench', url, ...ON_TS, '--window', '5']);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ messages: 0, errors: 5, latencyMs: { p50: null, max: null } });
  expect(stderr).toContain('is it an echo endpoint?');
});

test('the loss of all connections ends it at once', async () => {
  const { url } = await peer((socket) => void setTimeout(() => socket.resetAndDestroy(), 200));
  const startedAt = performance.now();
  const { code, stdout } = await run(['bench', url, ...PLAINLY, '--duration', '60s', '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(stdout).errors).toBeGreaterThan(0);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});
