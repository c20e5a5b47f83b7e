/** A DEALER of zeromq.js. */
import { EventEmitter } from 'node:events';
import { Dealer } from 'zeromq';

class Client extends EventEmitter {
  #dealer;
  #waiting = [];
  #isSending = false;

  constructor(dealer) {
    super();
    this.#dealer = dealer;
    void this.#receive().catch((error) => this.emit('error', error));
  }

  /** It sends one at a time and keeps what it is given: a copy, since ours is used again. */
  send(message) {
    this.#waiting.push(Buffer.from(message));
    if (!this.#isSending) void this.#sendAll().catch((error) => this.emit('error', error));
  }

  close() {
    this.#dealer.close();
  }

  async #sendAll() {
    this.#isSending = true;
    for (let next; (next = this.#waiting.shift()) !== undefined;) await this.#dealer.send(next);
    this.#isSending = false;
  }

  async #receive() {
    for await (const [message] of this.#dealer) this.emit('message', message);
  }
}

export function connect(address) {
  const dealer = new Dealer({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 0 });
  dealer.connect(address);
  return new Client(dealer);
}
