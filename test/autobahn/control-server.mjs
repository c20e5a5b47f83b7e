/** The `ws` package as Autobahn's server: what the suite says of it shows that the suite itself works. */
import process from 'node:process';

import { WebSocketServer } from 'ws';

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  maxPayload: 32 << 20,
  maxFragments: 131_072,
  perMessageDeflate: { threshold: 0 },
});
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
});
server.on('listening', () => console.log(JSON.stringify({ listening: server.address().port })));
process.stdin.on('end', () => process.exit(0)).resume();
