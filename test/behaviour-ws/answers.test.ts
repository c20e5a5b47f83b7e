/** What a client makes of answers that come in parts, and what reaches the server of its headers. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { call, cleanUp } from '../support/scene.js';
import { awake, failure, next, sleep } from '../support/wait.js';
import { openingResponse } from '../support/ws-frames.js';

const ONCE = { reconnect: false } as const;

/** A server that writes its answer as it likes, and the bytes of the last request. */
async function answering(answer: (request: string, socket: Socket) => unknown) {
  let request: Buffer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', (chunk: Buffer) => {
        request = chunk;
        void answer(chunk.toString('latin1'), socket);
      });
    cleanUp(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  cleanUp(() => server.close());
  await next(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/`, request: () => request };
}

it.each([
  ['at once', (parts: string[]) => [parts.join('')]],
  ['one by one', (parts: string[]) => parts],
])('interim answers that come %s are skipped', async (_how, packets) => {
  const { url } = await answering(async (request, socket) => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n';
    for (const packet of packets(['HTTP/1.1 100 Continue\r\n\r\n', hints, openingResponse(request)])) {
      socket.write(packet);
      await sleep(20);
    }
  });
  const client = await call(url, ONCE);
  expect(client.state).toBe('open');
});

it('a value of a header goes out as Latin-1', async () => {
  const { url, request } = await answering((text, socket) => socket.write(openingResponse(text)));
  await call(url, { ...ONCE, headers: { 'X-Name': 'caf\u00e9' } });
  expect(request().includes(Buffer.from('X-Name: caf\u00e9\r\n', 'latin1'))).toBe(true);
});

it('the body of a refusal may come behind its head', async () => {
  const { url } = await answering(async (_request, socket) => {
    socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n');
    for (const part of ['not', ' with', ' ']) {
      await sleep(20);
      socket.write(part);
    }
  });
  const error = await failure(() => call(url, ONCE));
  expect(error.details).toMatchObject({ status: 403, body: 'not with ' });
});

it('a body in chunks is put together', async () => {
  const { url } = await answering((_request, socket) =>
    socket.write(
      'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n5;a=b\r\n now!\r\n0\r\n\r\n',
    ),
  );
  const took = awake();
  const error = await failure(() => call(url, ONCE));
  expect(took()).toBeLessThan(900);
  expect(error.details).toMatchObject({ status: 403, body: 'not now!' });
});

it('a body that never ends is not waited for', async () => {
  const { url } = await answering((_request, socket) => socket.write('HTTP/1.1 503 No\r\n\r\nbusy'));
  const startedAt = performance.now();
  const error = await failure(() => call(url, ONCE));
  expect(performance.now() - startedAt).toBeLessThan(3000);
  expect(error.details).toMatchObject({ status: 503, body: 'busy' });
});

it('an extension of a chunk that never ends is not waited for', async () => {
  const { url } = await answering((_request, socket) => {
    socket.write('HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n5;');
    const more = (): boolean =>
      !socket.destroyed && socket.write('a'.repeat(1000), () => setTimeout(more, 1));
    more();
  });
  const startedAt = performance.now();
  const error = await failure(() => call(url, ONCE));
  expect(performance.now() - startedAt).toBeLessThan(3000);
  // Node's parser takes 16 KiB of it for an error.
  expect(['ERR_QW_UPGRADE_REFUSED', 'ERR_QW_HANDSHAKE']).toContain(error.code);
});

it('a body is not decoded, however often it says that it is coded', async () => {
  const codings = Array.from({ length: 50 }, () => 'gzip').join(', ');
  const { url } = await answering((_request, socket) =>
    socket.write(`HTTP/1.1 403 No\r\nContent-Encoding: ${codings}\r\nContent-Length: 5\r\n\r\nplain`),
  );
  const error = await failure(() => call(url, ONCE));
  expect(error.details).toMatchObject({ status: 403, body: 'plain' });
});
