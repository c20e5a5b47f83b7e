/**
 * A chat in rooms. Node serves the page and the WebSocket at /chat, on one port; terminals come over TCP:
 *
 *     node server.mjs [port] [endpoint]
 *     npx qwormhole connect tcp://127.0.0.1:9000 --codec json
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createQWormholeServer } from 'qwormhole';

const [port = '8080', endpoint = 'tcp://127.0.0.1:9000'] = process.argv.slice(2);
const LONGEST_NAME = 30;
const page = await readFile(new URL('page.html', import.meta.url));

const http = createServer((request, response) => {
  if (request.url !== '/') return response.writeHead(404).end();
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page);
});
http.listen(Number(port), '127.0.0.1');
await once(http, 'listening');

const { server } = createQWormholeServer({
  endpoints: endpoint,
  codec: 'json',
  subprotocols: ['chat.v1'],
  maxMessage: 4096,
  inboundRate: { messagesPerSecond: 10, burstMessages: 20 },
});
server.attach(http, { path: '/chat' });
await server.listen();
console.log(`Open http://127.0.0.1:${http.address().port}/`);
console.log(`Listening on ${server.addresses[0]}`);

const people = new WeakMap();

server.on('message', (message, connection) => {
  const { type, room, name, text } = Object(message);
  if (type === 'join' && isText(room) && isText(name)) join(connection, room, name.slice(0, LONGEST_NAME));
  else if (type === 'say' && isText(text)) say(connection, text);
  else connection.send({ type: 'error', text: 'join a room by its name, and yours; then say something' });
});
server.on('clientClosed', leave);

function join(connection, room, name) {
  leave(connection);
  people.set(connection, { room, name });
  connection.subscribe(room);
  server.publish(room, { type: 'joined', name, people: server.getSubscriberCount(room) });
}

function say(connection, text) {
  const { room, name } = people.get(connection) ?? {};
  if (room === undefined) connection.send({ type: 'error', text: 'join a room first' });
  else server.publish(room, { type: 'said', name, text });
}

function leave(connection) {
  const { room, name } = people.get(connection) ?? {};
  if (room === undefined) return;
  people.delete(connection);
  connection.unsubscribe(room);
  server.publish(room, { type: 'left', name, people: server.getSubscriberCount(room) });
}

function isText(value) {
  return typeof value === 'string' && value !== '';
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    await server.shutdown();
    http.close();
    http.closeAllConnections();
  });
