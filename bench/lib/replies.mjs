/** The server's side of each load: what it does with a message. */
import { Payloads } from './payloads.mjs';

export class Replies {
  /** Deliveries that were dropped, which only those to a slow one may be. */
  dropped = 0;
  hasSlow = false;
  #server;
  #fail;

  /**
   * @param {import('../../dist/index.js').QWormholeServer} server
   * @param {import('./scenarios.mjs').JsLoad} shape
   * @param {(error: Error) => void} fail told when a message is wrong or cannot be passed on
   */
  constructor(server, { load, size }, fail) {
    this.#server = server;
    this.#fail = fail;
    if (load === 'stream') this.#stream(size);
    else if (load === 'fanout') this.#fanout();
    else this.#echo();
  }

  #echo() {
    this.#server.on('message', (message, connection) => {
      if (connection.send(message) === 'dropped') this.#fail(new Error('a reply was dropped'));
    });
  }

  /** Counts and checks; an empty message asks for the count. */
  #stream(size) {
    const payloads = new Payloads(size);
    const counts = new WeakMap();
    this.#server.on('message', (message, connection) => {
      const count = counts.get(connection) ?? 0;
      if (message.length === 0) return answer(connection, count);
      try {
        payloads.check(message, count);
      } catch (error) {
        this.#fail(error);
      }
      counts.set(connection, count + 1);
    });
  }

  #fanout() {
    this.#server.on('message', (message, publisher) => {
      const { dropped } = this.#server.broadcast(message, { except: publisher });
      this.dropped += dropped;
      if (dropped > Number(this.hasSlow)) this.#fail(new Error(`${dropped} deliveries were dropped`));
    });
  }
}

function answer(connection, count) {
  const reply = Buffer.alloc(8);
  reply.writeDoubleBE(count);
  connection.send(reply);
}
