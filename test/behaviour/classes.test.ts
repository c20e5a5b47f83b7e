/** High overtakes normal overtakes low, between whole messages, and within a class the order is kept. */
import { expect, it } from 'vitest';
import { clog } from '../support/clog.js';
import { rawPair } from '../support/scene.js';
import { sleep } from '../support/wait.js';

/** Queued behind a full kernel, bytes. */
const FULL = 2 * 1024 * 1024;

type Class = 'high' | 'normal' | 'low';

it('overtakes what is queued', async () => {
  const { connection, peer } = await rawPair();
  peer.socket.pause();
  // Fills the kernel and then the queue, so that overtaking has something to overtake.
  const filler = Buffer.alloc(32 * 1024, 0xee);
  await clog(connection, FULL, () => connection.send(filler, { class: 'low' }));
  const classes: Class[] = ['low', 'normal', 'high', 'normal', 'low', 'high', 'normal', 'high', 'low'];
  classes.forEach((name, i) => connection.send(`${name} ${i}`, { class: name }));
  // Handed over before the kernel takes anything: who writes may be another thread.
  connection.flush();
  await sleep(100);
  peer.socket.resume();
  await connection.flushed();
  const closed = connection.close();
  await peer.ended();
  peer.end();
  await closed;
  const { messages } = peer;
  const order = messages
    .map((message, at) => ({ at, text: String(message) }))
    .filter(({ text }) => text.length < 20);
  expect(order.map(({ text }) => text)).toEqual(
    'high 2,high 5,high 7,normal 1,normal 3,normal 6,low 0,low 4,low 8'.split(','),
  );
  const lastFiller = messages.length - 4;
  expect(order[0].at).toBeLessThan(lastFiller - 10);
  for (const message of messages)
    if (message.length === filler.length) expect(message.equals(filler)).toBe(true);
});

it('keeps the order within a class whatever the sizes', async () => {
  const { connection, peer } = await rawPair();
  const sent: Buffer[] = [];
  for (let i = 0; i < 500; i += 1) {
    const message = Buffer.alloc(i % 25 === 0 ? 40_000 : 10 + (i % 90), i);
    sent.push(message);
    if (connection.send(message) === 'backpressure') await connection.drained();
  }
  const closed = connection.close();
  await peer.ended();
  peer.end();
  await closed;
  expect(Buffer.concat(peer.messages).equals(Buffer.concat(sent))).toBe(true);
});

it('refuses a class that does not exist', async () => {
  const { connection } = await rawPair();
  expect(() => connection.send('x', { class: 'urgent' as never })).toThrow(
    expect.objectContaining({ code: 'ERR_QW_OPTION_INVALID' }),
  );
});
