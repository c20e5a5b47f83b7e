/**
 * The WebSocket server of Bun, which is uWebSockets' engine: `bun bun.mjs [--work echo|fanout] [--port 0]`.
 *
 * Without compression and without pings. `fanout` is Bun's own publish and subscribe: a client that sends the
 * text `subscribe` gets every binary message that any client sends.
 */
import { announce, MAX_MESSAGE, portFromArguments, workFromArguments } from './serve.mjs';

const TOPIC = 'bench';

/** As much as any scenario has under way on one connection, many times over: nothing is dropped. */
const BACKPRESSURE = 64 << 20;

const onMessage = {
  echo(socket, message) {
    socket.send(message);
  },

  fanout(socket, message) {
    if (typeof message === 'string') {
      socket.subscribe(TOPIC);
      socket.send('subscribed');
    } else {
      server.publish(TOPIC, message);
    }
  },
}[workFromArguments()];

const server = globalThis.Bun.serve({
  hostname: '127.0.0.1',
  port: portFromArguments(),
  fetch(request) {
    if (!server.upgrade(request)) return new Response('a WebSocket is expected', { status: 426 });
  },
  websocket: {
    message: onMessage,
    perMessageDeflate: false,
    maxPayloadLength: MAX_MESSAGE,
    backpressureLimit: BACKPRESSURE,
    sendPings: false,
    idleTimeout: 0,
  },
});
announce(server.port);
