/** A stream that ends inside a message: the part is not delivered, and the end is told as a fault. */
import { CloseCode } from 'qwormhole';
import { expect, it } from 'vitest';
import { frame } from '../support/frames.js';
import { onNetwork, rawPair, rawServed, takeSlowly } from '../support/scene.js';
import { next, until } from '../support/wait.js';

const whole = frame('cut me anywhere');
/** More than a loop holds. */
const MANY = Array.from({ length: 300 }, (_, i) => String(i));

it.each(Array.from({ length: whole.length - 1 }, (_, i) => i + 1))('after %d bytes', async (cut) => {
  const { server, peer, connection } = await rawPair();
  const seen: string[] = [];
  server.on('message', (message) => seen.push(String(message)));
  const closed = next(connection, 'close');
  peer.write(Buffer.concat([frame('before'), whole.subarray(0, cut)]));
  peer.end();
  const [code, , clean] = await closed;
  expect([code, clean]).toEqual([CloseCode.protocol, false]);
  expect(seen).toEqual(['before']);
  expect(server.errors.map((error) => error.code)).toEqual(['ERR_QW_TRUNCATED']);
  expect(server.errors[0].details).toEqual({ held: cut });
});

it('counts the header and all of a large one too', async () => {
  const { server, peer, connection } = await rawPair();
  server.on('message', () => {});
  const closed = next(connection, 'close');
  peer.write(frame(Buffer.alloc(300_000)).subarray(0, 100_000));
  peer.end();
  await closed;
  expect(server.errors[0].details).toEqual({ held: 100_000 });
});

it('at a client too', async () => {
  const { client, peer } = await rawServed({ reconnect: false });
  client.on('message', () => {});
  const closed = next(client, 'close');
  peer.write(whole.subarray(0, 7));
  peer.end();
  expect((await closed)[2]).toBe(false);
  expect(client.errors.map(({ code }) => code)).toEqual(['ERR_QW_TRUNCATED']);
});

onNetwork('by a reset: the part is not delivered either', async () => {
  const { server, peer, connection } = await rawPair();
  let seen = 0;
  server.on('message', () => (seen += 1));
  const closed = next(connection, 'close');
  peer.write(whole.subarray(0, 7));
  await new Promise(setImmediate);
  peer.reset();
  expect((await closed)[2]).toBe(false);
  expect(seen).toBe(0);
});

it.each(['paused', 'slow loop'])('after messages that wait: %s', async (how) => {
  const { server, peer, connection } = await rawPair({ codec: 'text' });
  const seen = takeSlowly(connection, how === 'paused');
  const closed = next(connection, 'close');
  peer.write(Buffer.concat([...MANY.map(frame), whole.subarray(0, 7)]));
  peer.end();
  expect((await closed)[0]).toBe(CloseCode.protocol);
  await until(() => seen.length === MANY.length, 'what came before');
  expect(seen).toEqual(MANY);
  expect(server.errors.map(({ code }) => code)).toEqual(['ERR_QW_TRUNCATED']);
});
