/**
 * An echo server in a process of its own. Prints `{ addresses, mode }` as its first line and one line of
 * JSON per event; `inject` on its standard input makes its I/O thread panic. Argument: options as JSON.
 */
import { createInterface } from 'node:readline';
import { listen } from '../../dist/index.js';
import { injectNativeFailure } from '../../dist/internal.js';

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const options = JSON.parse(process.argv[2] ?? '{}');
const server = await listen('tcp://127.0.0.1:0', options);
server.on('message', (message, connection) => connection.send(message));
server.on('error', ({ code }) => say({ event: 'error', code, mode: server.mode }));
server.on('close', () => say({ event: 'close' }));
say({ addresses: server.addresses, mode: server.mode });

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'inject') injectNativeFailure();
  if (line === 'mode') say({ event: 'mode', mode: server.mode, addresses: server.addresses });
}
await server.close();
