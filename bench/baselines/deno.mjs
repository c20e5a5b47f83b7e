/**
 * Deno's WebSocket server: `deno run --allow-all deno.mjs [--work echo|fanout] [--port 0]`. It has no publish of its
 * own: `fanout` sends to each, as everybody writes it.
 */
import { announce, portFromArguments, workFromArguments } from './serve.mjs';

const subscribers = new Set();

const onMessage = {
  echo(socket, data) {
    socket.send(data);
  },

  fanout(socket, data) {
    if (typeof data === 'string') {
      subscribers.add(socket);
      socket.send('subscribed');
    } else {
      for (const subscriber of subscribers) subscriber.send(data);
    }
  },
}[workFromArguments()];

function serve(request) {
  const { socket, response } = globalThis.Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('message', ({ data }) => onMessage(socket, data));
  socket.addEventListener('close', () => subscribers.delete(socket));
  return response;
}

globalThis.Deno.serve(
  { hostname: '127.0.0.1', port: portFromArguments(), onListen: ({ port }) => announce(port) },
  serve,
);
