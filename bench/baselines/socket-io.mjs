/** An echo server on socket.io, over its WebSocket transport: `node socket-io.mjs [--port 0]`. */
import { createServer } from 'node:http';

import { Server } from 'socket.io';

import { announce, MAX_MESSAGE, portFromArguments } from './serve.mjs';

const http = createServer();
const server = new Server(http, {
  transports: ['websocket'],
  maxHttpBufferSize: MAX_MESSAGE,
  perMessageDeflate: false,
});
server.on('connection', (socket) => {
  socket.on('message', (message) => socket.emit('message', message));
});
http.listen(portFromArguments(), '127.0.0.1', () => announce(http.address().port));
