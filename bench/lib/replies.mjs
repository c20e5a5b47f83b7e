/** The server's side of each scenario: what it does with a message. */
import { Payloads } from './payloads.mjs';

/** @param {(error: Error) => void} fail told when a message is wrong or cannot be passed on */
export const REPLIES = { echo, ping: echo, stream, fanout };

function echo(server, _size, fail) {
  server.on('message', (message, connection) => {
    if (connection.send(message) === 'dropped') fail(new Error('a reply was dropped'));
  });
}

/** Counts and checks; an empty message asks for the count. */
function stream(server, size, fail) {
  const payloads = new Payloads(size);
  const counts = new WeakMap();
  server.on('message', (message, connection) => {
    const count = counts.get(connection) ?? 0;
    if (message.length === 0) return reply(connection, count);
    try {
      payloads.check(message, count);
    } catch (error) {
      fail(error);
    }
    counts.set(connection, count + 1);
  });
}

function reply(connection, count) {
  const answer = Buffer.alloc(8);
  answer.writeDoubleBE(count);
  connection.send(answer);
}

function fanout(server, _size, fail) {
  server.on('message', (message, publisher) => {
    const { dropped } = server.broadcast(message, { except: publisher });
    if (dropped > 0) fail(new Error(`${dropped} deliveries were dropped`));
  });
}
