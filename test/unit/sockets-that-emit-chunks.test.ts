/** Where a runtime has no way to read into memory of our own, links live on the chunks that sockets emit. */
import { connect, createServer, type Socket } from 'node:net';
import { TsLink, type LinkClose } from 'qwormhole/internal';
import { expect, it } from 'vitest';
import { frame } from '../support/frames.js';
import { RawPeer } from '../support/raw-peer.js';
import { cleanUp } from '../support/scene.js';
import { next, sleep, until } from '../support/wait.js';

const limits = {
  maxMessage: 1 << 20,
  highWaterMark: 1 << 20,
  lowWaterMark: 1 << 18,
  maxQueued: 4 << 20,
  closeTimeoutMs: 1000,
  memoryBudget: 1 << 30,
};

async function scene() {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  cleanUp(() => server.close());
  await next(server, 'listening');
  const { port } = server.address() as { port: number };
  const peer = new RawPeer(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  cleanUp(() => peer.destroy());
  const [socket] = (await next(server, 'connection')) as [Socket];
  const link = new TsLink(socket, 'length-prefixed', limits);
  const seen: string[] = [];
  const closes: LinkClose[] = [];
  link.handler = {
    onMessage: (payload) => void seen.push(String(payload)),
    onDrain() {},
    onEmpty() {},
    onEnd: () => link.close(0, ''),
    onClose: (close) => void closes.push(close),
  };
  link.start();
  return { peer, link, seen, closes };
}

it('delivers messages however they are cut', async () => {
  const { peer, link, seen, closes } = await scene();
  link.resume();
  const texts = Array.from({ length: 300 }, (_, i) => `message ${i} ${'x'.repeat(i * 7)}`);
  const stream = Buffer.concat(texts.map(frame));
  for (let at = 0; at < stream.length; at += 1013) {
    peer.write(stream.subarray(at, at + 1013));
    if (at % 5 === 0) await sleep(1);
  }
  peer.end();
  await until(() => closes.length === 1, 'the close');
  expect(seen).toEqual(texts);
  expect(closes[0]).toEqual({ code: 0, reason: '', clean: true });
});

it('holds and delivers what comes while paused', async () => {
  const { peer, link, seen, closes } = await scene();
  peer.write(Buffer.concat([frame('a'), frame('b')]));
  peer.send('c');
  peer.end();
  await sleep(30);
  expect(seen).toEqual([]);
  link.handler.onMessage = (payload) => {
    seen.push(String(payload));
    if (seen.length === 1) link.pause();
  };
  link.resume();
  await until(() => seen.length === 1, 'the first');
  await sleep(20);
  expect([seen, closes]).toEqual([['a'], []]);
  link.resume();
  await until(() => closes.length === 1, 'the close');
  expect(seen).toEqual(['a', 'b', 'c']);
});
