/**
 * A server in a process of its own. Prints `{ addresses, mode }`, and a line of JSON for each event. It echoes, or with
 * the option `size` counts messages of so many bytes, all of them the same byte, and those that are not. On its
 * standard input `sleep <ms>` blocks its JavaScript, `count` asks for the counts. Arguments: the endpoint, and options
 * as JSON.
 */
import { createInterface } from 'node:readline';
import { listen } from '../../dist/index.js';

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const [endpoint, json] = process.argv.slice(2);
const { size, ...options } = JSON.parse(json);
const server = await listen(endpoint, options);
let whole = 0;
let wrong = 0;
server.on('message', (message, connection) => {
  if (size === undefined) connection.send(message);
  else if (message.length === size && message.equals(Buffer.alloc(size, message[0]))) whole += 1;
  else wrong += 1;
});
server.on('error', ({ code }) => say({ event: 'error', code }));
server.on('connection', (connection) => connection.on('close', (code) => say({ event: 'closed', code })));
say({ addresses: server.addresses, mode: server.mode });

for await (const line of createInterface({ input: process.stdin })) {
  const [word, ms] = line.split(' ');
  if (word === 'count') say({ event: 'count', whole, wrong });
  if (word !== 'sleep') continue;
  say({ event: 'asleep' });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
  say({ event: 'awake' });
}
await server.close();
