import { expect, test } from 'vitest';
import { Cli, listening, onEachBackend, run, until } from './cli.js';
import { peer, saying } from './peer.js';
import { frame } from '../support/frames.js';
import { freePort } from '../support/ports.js';

const HOSTILE = Buffer.concat([
  Buffer.from('\x1b[2J\x1b]0;owned\x07\r\n\b\x7f tab\t'),
  Buffer.from('\u0085\u009b31m \u202egnp.exe\u202c \u2066x\u2069 \u2028 \u{e0041} \ufeff'),
  Buffer.from([0x00, 0xff, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf0, 0x9f]),
]);
const ESCAPED =
  '\\x1b[2J\\x1b]0;owned\\x07\\r\\n\\x08\\x7f tab\t' +
  '\\x85\\x9b31m \\u{202e}gnp.exe\\u{202c} \\u{2066}x\\u{2069} \\u{2028} \\u{e0041} \\u{feff}' +
  '\\x00\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xf0\\x9f';

onEachBackend((backend) => {
  /** The echoes here answer within a few milliseconds, unless the machine stands still. */
  const on = ['--backend', backend, '--wait', '1000'];
  /** For peers that are plain sockets. */
  const plainly = [...on, '--protocol', 'length-prefixed'];

  test('lines come back from an echo, the last one also without its end', async () => {
    const { url } = await listening(backend, '--echo');
    const input = 'one\ntwo\r\n\nGrüße 👩‍💻\nlast';
    const { code, stdout, stderr } = await run(['connect', url, ...on], { input });
    expect(stdout).toBe('one\ntwo\n\nGrüße 👩‍💻\nlast\n');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('much input comes back whole and in order', async () => {
    const { url } = await listening(backend, '--echo');
    const input = Array.from({ length: 40_000 }, (_, index) => `${index} ${'x'.repeat(index % 500)}\n`).join(
      '',
    );
    const { code, stdout } = await run(['connect', url, ...on], { input });
    expect(code).toBe(0);
    expect(stdout === input).toBe(true);
  });

  test.each([
    ['json', '{"a":[1,null,"ü"]}'],
    ['cbor', '[1.5,"two",{"three":3}]'],
    ['msgpack', '"text"'],
  ])('the codec %s takes and gives JSON', async (codec, value) => {
    const { url } = await listening(backend, '--echo', '--codec', codec);
    const { code, stdout, stderr } = await run(['connect', url, ...on, '--codec', codec], {
      input: `${value}\n\nnonsense\n`,
    });
    expect(stdout).toBe(`${value}\n`);
    expect(stderr).toMatch(/^line 3 was not sent: /);
    expect(code).toBe(1);
  });

  test('hostile bytes are shown escaped, whatever the codec', async () => {
    const { url } = await peer(saying(HOSTILE));
    for (const codec of ['text', 'buffer']) {
      const { stdout } = await run(['connect', url, ...plainly, '--codec', codec]);
      expect(stdout).toBe(`${ESCAPED}\n`);
    }
  });

  test('hostile JSON is shown as JSON that says the same', async () => {
    const { url } = await peer(saying('{"k\u202e":"\u009b1m\u2028"}'));
    const { stdout } = await run(['connect', url, ...plainly, '--codec', 'json']);
    expect(stdout).toBe('{"k\\u202e":"\\u009b1m\\u2028"}\n');
  });

  test('--raw-output prints the bytes as they came', async () => {
    const text = '\x1b[31mred\u202e';
    const { url } = await peer(saying(text, text));
    const { stdout } = await run(['connect', url, ...plainly, '--raw-output']);
    expect(stdout).toBe(`${text}\n${text}\n`);
  });

  test('--json prints events; bytes that are no text are base64', async () => {
    const { url } = await peer(saying('plain \x1b', Buffer.from([0xff, 0x00])));
    const { code, stdout } = await run(['connect', url, ...plainly, '--json']);
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        event: 'connect',
        remoteAddress: '127.0.0.1',
        remotePort: Number(new URL(url).port),
        mode: backend,
        backend: backend === 'ts' ? 'ts' : 'rust',
      },
      { event: 'message', message: 'plain \x1b' },
      { event: 'message', base64: '/wA=' },
      { event: 'close', code: 0, reason: '', clean: true },
    ]);
  });

  test('protocol raw passes chunks on, and a character that was cut in two is whole again', async () => {
    const { url } = await peer((socket) => {
      socket.once('data', async (chunk) => {
        const text = Buffer.from(`got ${chunk.toString()}ä\x1b[2J\r\nend`);
        for (const byte of text) {
          socket.write(Buffer.of(byte));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        socket.end();
      });
    });
    const { code, stdout } = await run(['connect', url, ...on, '--protocol', 'raw'], { input: 'a\nb' });
    expect(stdout).toBe('got a\nbä\\x1b[2J\nend');
    expect(code).toBe(0);
  });

  test('replies are waited for until the peer has been quiet for a while', async () => {
    const { url } = await peer((socket) => {
      let left = 4;
      socket.on('end', () => socket.end()).resume();
      const timer = setInterval(() => {
        if (!socket.writable || left-- === 0) return clearInterval(timer);
        socket.write(frame(`reply ${left}`));
      }, 700);
    });
    const { code, stdout } = await run(['connect', url, ...plainly, '--wait', '2000ms'], { input: 'x\n' });
    expect(stdout).toBe('reply 3\nreply 2\nreply 1\nreply 0\n');
    expect(code).toBe(0);
  });

  test('a peer that ends after our last line ends the program', async () => {
    const { url } = await peer((socket) => {
      socket.once('data', () => socket.end(frame('bye')));
    });
    const startedAt = performance.now();
    const outcome = await run(['connect', url, ...plainly, '--wait', '60s'], { input: 'x\n' });
    expect(outcome).toEqual({ code: 0, stdout: 'bye\n', stderr: '' });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('without reconnecting, the loss of the connection is the end, with exit code 1', async () => {
    const { url } = await peer((socket) => void setTimeout(() => socket.resetAndDestroy(), 100));
    const cli = new Cli(['connect', url, ...plainly, '--no-reconnect']);
    expect(await cli.ended).toBe(1);
    expect(cli.stderr).toMatch(/^ERR_QW_CONNECTION_LOST: /);
  });

  test('lines that come while the server is away are sent when it is back', async () => {
    const received: string[] = [];
    const collect = (socket: import('node:net').Socket): void => {
      socket.on('data', (chunk) => received.push(chunk.toString('latin1')));
      socket.on('end', () => socket.end());
    };
    let away: Promise<unknown> = Promise.resolve();
    const first = await peer(
      (socket) => {
        collect(socket);
        socket.once('data', () => {
          // Before anybody can come back.
          away = new Promise((resolve) => first.server.close(resolve));
          socket.resetAndDestroy();
        });
      },
      await freePort(),
    );
    const cli = new Cli(['connect', first.url, ...plainly]);
    cli.process.stdin.write('first\n');
    await cli.noted('The connection is lost');
    await away;
    cli.process.stdin.write('second\nthird\n');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await peer(collect, first.port);
    cli.process.stdin.end('fourth\n');
    await cli.ended;
    expect(received.join('')).toBe(
      ['first', 'second', 'third', 'fourth'].map((line) => frame(line).toString('latin1')).join(''),
    );
  });

  test('input is read no faster than the peer takes it', async () => {
    let isReading = false;
    let received = 0;
    const { url } = await peer((socket) => {
      socket.on('end', () => socket.end());
      void until(() => isReading).then(() => socket.on('data', (chunk) => (received += chunk.length)));
    });
    const cli = new Cli(['connect', url, ...plainly]);
    const line = `${'x'.repeat(999)}\n`.repeat(1000);
    let written = 0;
    for (let index = 0; index < 40; index++) cli.process.stdin.write(line, () => (written += line.length));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(written).toBeLessThan(30e6);
    isReading = true;
    cli.process.stdin.end();
    expect(await cli.ended).toBe(0);
    expect(received).toBe(40_000 * (999 + 4));
  });

  test('messages are read no faster than the output is, and none is lost', async () => {
    const count = 30_000;
    const { url } = await peer((socket) => {
      const message = frame('m'.repeat(999));
      for (let index = 0; index < count; index++) socket.write(message);
      socket.end();
    });
    const cli = new Cli(['connect', url, ...plainly, '--no-reconnect', '--wait', '0']);
    cli.process.stdout.pause();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    cli.process.stdout.resume();
    await cli.ended;
    expect(cli.stdout.length).toBe(count * 1000);
  });

  test('what is typed at one end appears at the other, without options and with a codec', async () => {
    for (const codec of [[], ['--codec', 'json']]) {
      const { cli, url } = await listening(backend, '--json', ...codec);
      const { code } = await run(['connect', url, ...on, ...codec], { input: '"hello"\n' });
      expect(code).toBe(0);
      expect(JSON.parse((await cli.lines(3))[2])).toMatchObject({
        event: 'message',
        message: codec.length === 0 ? '"hello"' : 'hello',
      });
    }
  });

  test('a codec that the other end has not is told at both ends', async () => {
    const { cli, url } = await listening(backend);
    const { code, stderr } = await run(['connect', url, ...on, '--codec', 'json']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERR_QW_HANDSHAKE_REFUSED: .*code 23/);
    await cli.noted('the codecs differ');
  });

  test('-v prints what the handshake says', async () => {
    const { url } = await listening(backend, '--echo');
    const { stderr } = await run(['connect', url, ...on, '-v']);
    const kind = backend === 'ts' ? '{"native":false,"backend":"ts"}' : '{"native":true,"backend":"rust"}';
    expect(stderr).toMatch(/^ {2}version +1\n {2}sid +[0-9a-f]{32}\n {2}caps +0x0{16}\n {2}codec +buffer\n/);
    expect(stderr).toContain(kind);
    expect(stderr).toMatch(/\n {2}nv +\{"hash":"[0-9a-f]{16}"/);
    const { stdout } = await run(['connect', url, ...on, '--verbose', '--json']);
    expect(JSON.parse(stdout.split('\n', 1)[0])).toMatchObject({
      handshake: { version: 1, codec: 'buffer' },
    });
    const plain = await run(['connect', url, ...plainly, '-v']);
    expect(plain.stderr).toBe('There is no handshake: the peer says nothing of itself.\n');
  });

  test('SIGINT ends it in order', async () => {
    const { cli: server, url } = await listening(backend, '--json');
    const cli = new Cli(['connect', url, ...plainly]);
    cli.process.stdin.write('x\n');
    await server.lines(3);
    expect(await cli.end('SIGINT')).toBe(0);
    const lines = await server.lines(4);
    expect(JSON.parse(lines[3])).toMatchObject({ event: 'close', clean: true });
  });
});

test('a line that no message can carry is an error, not a smaller message', async () => {
  const { url } = await peer(saying());
  const { code, stderr } = await run(['connect', url, '--backend', 'ts', '--protocol', 'length-prefixed'], {
    input: Buffer.alloc(5 * 2 ** 20, 'x'),
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ERR_QW_TOO_BIG: /);
});

test('--connect-timeout bounds the attempt', async () => {
  // An address of the documentation range: packets to it vanish, or there is no route at all.
  const startedAt = performance.now();
  const args = ['connect', 'tcp://192.0.2.1:9', '--backend', 'ts', '--connect-timeout', '300'];
  const { code, stderr } = await run(args);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ERR_QW_CONNECT_(TIMEOUT|FAILED|REFUSED): /);
  expect(performance.now() - startedAt).toBeLessThan(8000);
});
