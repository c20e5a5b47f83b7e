/** Messages that are kept, for a while or not at all, while garbage is collected all the time: none may change. */
import { connect, listen } from '../../dist/index.js';
import { backendOptions } from '../lib/child.mjs';

const SAMPLES = 40;
/** Kept at a time: more than one slab of them, so that slabs are kept and replaced. */
const KEPT = 2000;
const SIZES = [1, 100, 3000, 70_000];

export async function run({ backend, minutes }, sample) {
  const options = { ...backendOptions(backend, 'qwh'), memoryBudget: 2 ** 30 };
  const server = await listen('tcp://127.0.0.1:0', options);
  server.on('message', (message, connection) => void connection.send(message));
  const client = await connect(server.addresses[0], options);
  const kept = [];
  let number = 0;
  client.on('message', (message) => {
    if (message[0] % 3 !== 0) kept.push({ message, byte: message[0] });
    if (kept.length >= KEPT) check(kept.splice(0, KEPT / 2));
  });
  const seconds = Math.max(30, Number(minutes) * 6);
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const until = Math.min(performance.now() + (seconds / SAMPLES) * 1000, end);
    while (performance.now() < until) {
      for (const size of SIZES) client.send(Buffer.alloc(size, (number += 1)));
      await client.flushed();
      if (number % 16 === 0) globalThis.gc({ type: 'minor' });
      if (number % 256 === 0) globalThis.gc();
    }
    check(kept.splice(0));
    await sample(`${number} messages`);
  }
  await client.close();
  await server.close();
}

function check(kept) {
  for (const { message, byte } of kept)
    if (message.some((each) => each !== byte)) throw new Error('a message that was kept has changed');
}
