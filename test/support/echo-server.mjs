/**
 * An echo server in a process of its own. Prints `{ addresses, mode }` as its first line and one line of
 * JSON per event; on its standard input `inject` makes its I/O panic, `block 500` keeps JavaScript busy for so many ms.
 * Arguments: options as JSON, and where to listen.
 */
import { createInterface } from 'node:readline';
import { listen } from '../../dist/index.js';
import { injectNativeFailure } from '../../dist/internal.js';

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const options = JSON.parse(process.argv[2] ?? '{}');
const server = await listen(process.argv[3] ?? 'tcp://127.0.0.1:0', options);
server.on('message', (message, connection) => connection.send(message));
server.on('error', ({ code }) => say({ event: 'error', code, mode: server.mode }));
server.on('close', () => say({ event: 'close' }));
say({ addresses: server.addresses, mode: server.mode, io: server.io });

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'inject') injectNativeFailure();
  if (line.startsWith('block ')) {
    const until = performance.now() + Number(line.slice(6));
    while (performance.now() < until);
    say({ event: 'unblocked', connections: server.getConnectionCount() });
  }
  if (line === 'mode') say({ event: 'mode', mode: server.mode, io: server.io, addresses: server.addresses });
}
await server.close();
