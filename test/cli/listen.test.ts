import { connect as connectSocket } from 'node:net';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Cli, listening, onEachBackend, run } from './cli.js';
import { frame } from '../support/frames.js';
import { socketPath } from '../support/socket-path.js';

onEachBackend((backend) => {
  const mode = backend === 'ts' ? { mode: 'ts', backend: 'ts' } : { mode: 'native', backend: 'rust' };

  test('--json prints the addresses in a line of a fixed form, and SIGTERM ends it with 0', async () => {
    const { cli } = await listening(backend, '--echo', '--json');
    expect(cli.stdout).toMatch(
      /^\{"listening":\["tcp:\/\/127\.0\.0\.1:[1-9]\d*"\],"mode":"\w+","backend":"\w+"(,"io":"\w+")?\}\n$/,
    );
    expect(JSON.parse(cli.stdout)).toMatchObject(mode);
    expect(await cli.end('SIGTERM')).toBe(0);
    expect(cli.stderr).toBe('');
  });

  test('several endpoints', async () => {
    const args = ['listen', 'tcp://127.0.0.1:0', 'tcp://127.0.0.1:0', '--json', '--backend', backend];
    const cli = new Cli(args);
    const { listening: urls } = JSON.parse((await cli.lines(1))[0]);
    expect(new Set(urls).size).toBe(2);
    for (const url of urls) {
      const { code } = await run(['connect', url, '--backend', backend, '--wait', '0'], { input: 'x\n' });
      expect(code).toBe(0);
    }
    expect((await cli.lines(7)).filter((line) => line.includes('"message"'))).toHaveLength(2);
    expect(await cli.end('SIGINT')).toBe(0);
  });

  test.skipIf(process.platform === 'win32')('a Unix socket', async () => {
    const path = socketPath();
    const cli = new Cli(['listen', `unix://${path}`, '--echo', '--backend', backend]);
    await cli.lines(1);
    const { code, stdout } = await run(
      ['connect', `unix://${path}`, '--backend', backend, '--wait', '1000'],
      {
        input: 'through a file\n',
      },
    );
    expect(stdout).toContain('through a file');
    expect(code).toBe(0);
    expect(await cli.end('SIGTERM')).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  test('messages are printed with their sender, one safe line each', async () => {
    const { cli, url } = await listening(backend);
    await run(['connect', url, '--backend', backend, '--codec', 'buffer', '--wait', '0'], {
      input: Buffer.from('plain\n\x1b]0;title\x07 \xff\n', 'latin1'),
    });
    const lines = await cli.lines(3);
    expect(lines[1]).toMatch(/^127\.0\.0\.1:\d+: plain$/);
    expect(lines[2]).toMatch(/^127\.0\.0\.1:\d+: \\x1b\]0;title\\x07 \\xff$/);
  });

  test('--json prints connections, messages and their ends as events', async () => {
    const { cli, url } = await listening(backend, '--json', '--codec', 'json');
    await run(['connect', url, '--backend', backend, '--codec', 'json', '--wait', '0'], {
      input: '{"a":[1]}',
    });
    const [, ...lines] = await cli.lines(4);
    const [connection, message, close] = lines.map((line) => JSON.parse(line));
    expect(connection).toEqual({
      event: 'connection',
      connection: connection.connection,
      remote: expect.any(String),
    });
    expect(message).toEqual({ event: 'message', connection: connection.connection, message: { a: [1] } });
    expect(close).toMatchObject({ event: 'close', connection: connection.connection, clean: true });
  });

  test('--broadcast sends a message to all but its sender', async () => {
    const { url } = await listening(backend, '--broadcast');
    const listener = new Cli(['connect', url, '--backend', backend, '--json']);
    await listener.lines(1);
    const { stdout } = await run(['connect', url, '--backend', backend, '--wait', '200'], {
      input: 'hello\n',
    });
    expect(stdout).toBe('');
    const [, line] = await listener.lines(2);
    expect(JSON.parse(line)).toEqual({ event: 'message', message: 'hello' });
  });

  test('an echo to a peer that does not read its answers loses nothing', async () => {
    const { cli, url } = await listening(backend, '--echo');
    const total = 24 * 2 ** 20;
    const socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
    const message = frame(Buffer.alloc(2 ** 20, 1));
    for (let sent = 0; sent < total; sent += 2 ** 20) socket.write(message);
    // Long enough to fill every queue on the way.
    await new Promise((resolve) => setTimeout(resolve, 500));
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (received === (total / 2 ** 20) * message.length) socket.end();
    });
    await once(socket, 'close');
    expect(received).toBe((total / 2 ** 20) * message.length);
    expect(cli.stderr).toBe('');
  });

  test('the second signal does not wait for connections that do not end', async () => {
    const { cli, url } = await listening(backend, '--json');
    const socket = connectSocket({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {}).resume();
    socket.write(frame('here'));
    await cli.lines(3);
    const startedAt = performance.now();
    cli.process.kill('SIGTERM');
    await once(socket, 'end');
    expect(await cli.end('SIGTERM')).toBe(143);
    expect(performance.now() - startedAt).toBeLessThan(4500);
    socket.destroy();
  });

  test('SIGTERM ends it also while nobody reads its output', async () => {
    const { cli, url } = await listening(backend);
    cli.process.stdout.pause();
    const socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    const line = frame('x'.repeat(60_000));
    for (let index = 0; index < 100; index++) socket.write(line);
    await new Promise((resolve) => setTimeout(resolve, 500));
    // It ends, though its output is still held by the pipe: `close` would wait for that.
    const exited = once(cli.process, 'exit');
    cli.process.kill('SIGTERM');
    const [code] = await exited;
    expect(code).toBe(0);
  });
});

test('a missing addon leads to TypeScript with a warning of one line', async () => {
  const cli = new Cli(['listen', 'tcp://127.0.0.1:0', '--json'], {
    QWORMHOLE_NATIVE_PATH: '/nonexistent/addon.node',
  });
  expect(JSON.parse((await cli.lines(1))[0])).toMatchObject({ mode: 'ts', backend: 'ts' });
  expect(await cli.end()).toBe(0);
  expect(cli.stderr).toMatch(/^warning: \[native-server\] binding not found, falling back to TS: [^\n]+\n$/);
});
