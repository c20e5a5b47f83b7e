/** A worker of a cluster: an HTTP server that is attached to; says its port, and then the mode of each connection. */
import { createServer } from 'node:http';
import { createQWormholeServer } from '../../dist/index.js';

const http = createServer();
const { server } = createQWormholeServer({ endpoints: [] });
server.attach(http);
server.on('connection', ({ mode }) => process.send({ mode, own: server.mode }));
http.listen(0, '127.0.0.1', () => process.send({ port: http.address().port }));
