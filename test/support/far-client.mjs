/**
 * A client in a process of its own. Prints a line of JSON for each `connect` and `disconnect`. With the option `size` it
 * sends messages of so many bytes, each of one byte, as long as it is connected. Arguments: the endpoint, and options
 * as JSON.
 */
import { createQWormholeClient } from '../../dist/index.js';

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const [endpoints, json] = process.argv.slice(2);
const { size, ...options } = JSON.parse(json);
const { client } = createQWormholeClient({ endpoints, ...options });
client.on('message', () => {});
client.on('error', ({ code }) => say({ event: 'error', code }));
client.on('connect', () => say({ event: 'connect', mode: client.mode }));
client.on('disconnect', (code) => say({ event: 'disconnect', code }));
await client.connect();

let number = 0;
const send = () => {
  if (client.state === 'open') client.send(Buffer.alloc(size, (number += 1)));
};
if (size !== undefined) setInterval(send, 10);
