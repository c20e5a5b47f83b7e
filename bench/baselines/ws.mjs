/**
 * The server most people write with the `ws` package: `node ws.mjs [--work echo|fanout] [--tls] [--deflate] [--plain]
 * [--port 0]`.
 *
 * Without compression but with `--deflate`; with bufferutil where its built file loads, unless it is to be `plain`. `fanout`: a client that sends the text
 * `subscribe` gets every binary message that any client sends.
 */
import { createServer } from 'node:https';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { announce, MAX_MESSAGE, portFromArguments, tlsFromArguments, workFromArguments } from './serve.mjs';

// The package looks at it once, when it is loaded.
if (process.argv.includes('--plain')) process.env.WS_NO_BUFFER_UTIL = '1';
const { WebSocketServer } = await import('ws');

const subscribers = new Set();

const onConnection = {
  echo(socket) {
    socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
  },

  fanout(socket) {
    socket.on('close', () => subscribers.delete(socket));
    socket.on('message', (message, isBinary) => {
      if (isBinary) {
        for (const subscriber of subscribers) subscriber.send(message);
      } else {
        subscribers.add(socket);
        socket.send('subscribed');
      }
    });
  },
}[workFromArguments()];

const { deflate } = parseArgs({
  options: { deflate: { type: 'boolean', default: false } },
  strict: false,
}).values;
const DEFLATE = { serverNoContextTakeover: true, clientNoContextTakeover: true };
const tls = await tlsFromArguments();
const address = { host: '127.0.0.1', port: portFromArguments() };
const https = tls && createServer({ ...tls, ecdhCurve: 'X25519', noDelay: true });
const server = new WebSocketServer({
  ...(https === undefined ? address : { server: https }),
  perMessageDeflate: deflate && DEFLATE,
  maxPayload: MAX_MESSAGE,
});
https?.listen(address);
server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  onConnection(socket);
});
server.on('listening', () => announce(server.address().port));
server.on('error', (error) => {
  console.error(`ws: ${error.message}`);
  process.exit(1);
});
