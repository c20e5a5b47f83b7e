/**
 * The server that is scanned: `node server.mjs FOLDER` with `localhost.crt` and `.key` in the folder, on the backend
 * that QWORMHOLE_NATIVE forces. Prints `{"listening":PORT}` and echoes until its standard input ends.
 */
import { join } from 'node:path';
import process from 'node:process';

import { listen } from '../../dist/index.js';

const folder = process.argv[2];
const server = await listen('tls://127.0.0.1:0', {
  protocol: 'raw',
  codec: 'buffer',
  tls: { certPath: join(folder, 'localhost.crt'), keyPath: join(folder, 'localhost.key') },
});
// What a scanner sends is meant to fail.
server.on('error', () => {});
server.on('message', (message, connection) => {
  connection.send(message);
});

console.log(JSON.stringify({ listening: Number(new URL(server.addresses[0]).port) }));
process.stdin.on('end', () => process.exit(0)).resume();
