/** A server of three methods. */
import { setTimeout } from 'node:timers/promises';
import { listen } from 'qwormhole';
import { answer } from './calls.mjs';

const [endpoint = 'tcp://127.0.0.1:9000'] = process.argv.slice(2);

// Nobody needs more than so many calls under way: beyond, a client is not read.
const server = await listen(endpoint, { codec: 'json', concurrency: 100 });
console.log(`Listening on ${server.addresses[0]}`);

answer(server, {
  add: (a, b) => a + b,
  async later(text, ms) {
    await setTimeout(ms);
    return text;
  },
  fail() {
    throw new Error('this one always fails');
  },
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.shutdown());
