/**
 * QWormhole as Autobahn's server: `node echo-server.mjs --backend native|ts`. Prints `{"listening":PORT}` and
 * echoes until its standard input ends.
 */
import process from 'node:process';

import { listen } from '../../dist/index.js';
import { checkBackend, forBackend, WIRE } from './testee.mjs';

const backend = forBackend();
const server = await listen('ws://127.0.0.1:0/', { ...WIRE, ...backend.options });
checkBackend(backend.name, server);
// A peer that breaks the rules is what the suite is about.
server.on('error', () => {});
server.on('message', (message, connection) => {
  connection.send(message);
});

console.log(JSON.stringify({ listening: Number(new URL(server.addresses[0]).port) }));
process.stdin.on('end', () => process.exit(0)).resume();
