/**
 * The client's side of each scenario. A load has its connections for its whole life and is run several
 * times: `run` resolves when the time is over and everything that was under way has been checked.
 */
import { Histogram } from './histogram.mjs';
import { Payloads } from './payloads.mjs';

/** How long what is under way may take after the time is over, ms. */
const PATIENCE = 10_000;

/** What all loads have in common: the clock, the count, the faults. */
export class Load {
  /** Messages sent and known to have arrived as they were. */
  checked = 0;
  latency = new Histogram();
  /** How often `send` has said that it is enough. */
  pressed = 0;
  isRunning = false;
  #settle;
  #fault;

  constructor(clients, { size, window }) {
    this.clients = clients;
    this.window = window;
    this.payloads = new Payloads(size);
    for (const client of clients) this.watch(client);
  }

  /** Whatever happens to a client but messages is a fault. */
  watch(client) {
    client.on('error', (error) => this.fail(error));
    client.on('close', (code, reason) => this.fail(new Error(`connection closed: ${code} ${reason}`)));
    client.on('dropped', ({ reason, count }) => this.fail(new Error(`${count} messages dropped: ${reason}`)));
    // Else the exception would be thrown where nobody can connect it with this load.
    client.on('handlerError', (error) => this.fail(error));
  }

  /** Runs for a time; resolves with messages, milliseconds and latencies. */
  async run(ms) {
    if (this.#fault) throw this.#fault;
    this.latency = new Histogram();
    const before = this.checked;
    const began = performance.now();
    await this.#settled(ms);
    return {
      messages: this.checked - before,
      elapsedMs: performance.now() - began,
      latencyUs: this.latency.summary(),
    };
  }

  /** Of several faults the first explains the others. */
  fail(error) {
    this.isRunning = false;
    this.#fault ??= error;
    this.#settle?.reject(this.#fault);
  }

  /** Everything that was under way is there. */
  done() {
    this.#settle?.resolve();
  }

  async #settled(ms) {
    const timers = [];
    const settled = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    timers.push(setTimeout(() => this.#end(), ms));
    timers.push(
      setTimeout(() => this.fail(new Error(`not all messages arrived: ${this.missing()}`)), ms + PATIENCE),
    );
    try {
      this.isRunning = true;
      this.begin();
      await settled;
    } finally {
      timers.forEach(clearTimeout);
      this.#settle = undefined;
    }
  }

  #end() {
    this.isRunning = false;
    this.end();
  }
}

/** Every message comes back; each connection has a window of them under way. */
export class EchoLoad extends Load {
  #lanes;

  constructor(clients, shape) {
    super(clients, shape);
    this.#lanes = clients.map((client) => ({
      client,
      sent: 0,
      received: 0,
      sentAt: new Float64Array(shape.window),
    }));
    for (const lane of this.#lanes) lane.client.on('message', (message) => this.#receive(lane, message));
  }

  begin() {
    for (const lane of this.#lanes) for (let n = 0; n < this.window; n++) this.#send(lane);
  }

  end() {
    if (this.#lanes.every(({ sent, received }) => sent === received)) this.done();
  }

  missing() {
    return `${this.#lanes.reduce((sum, { sent, received }) => sum + sent - received, 0)} replies`;
  }

  #send(lane) {
    lane.sentAt[lane.sent % this.window] = performance.now();
    if (lane.client.send(this.payloads.message(lane.sent)) === 'backpressure') this.pressed += 1;
    lane.sent += 1;
  }

  #receive(lane, message) {
    // An exception within a foreign emitter would be an end without words.
    try {
      this.payloads.check(message, lane.received);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.latency.record(performance.now() - lane.sentAt[lane.received % this.window]);
    lane.received += 1;
    this.checked += 1;
    if (this.isRunning) this.#send(lane);
    else this.end();
  }
}

/** One way. The server checks; an empty message asks it how many it has, and that must be all. */
export class StreamLoad extends Load {
  #lanes;

  constructor(clients, shape) {
    super(clients, shape);
    this.#lanes = clients.map((client) => ({ client, sent: 0, confirmed: 0 }));
    for (const lane of this.#lanes) {
      lane.client.on('drain', () => this.#pump(lane));
      lane.client.on('message', (count) => this.#confirm(lane, count.readDoubleBE(0)));
    }
  }

  begin() {
    for (const lane of this.#lanes) this.#pump(lane);
  }

  end() {
    for (const { client } of this.#lanes) client.send('');
  }

  missing() {
    return `${this.#lanes.reduce((sum, { sent, confirmed }) => sum + sent - confirmed, 0)} messages`;
  }

  #pump(lane) {
    while (this.isRunning) {
      const result = lane.client.send(this.payloads.message(lane.sent));
      if (result === 'dropped') return;
      lane.sent += 1;
      if (result !== 'backpressure') continue;
      this.pressed += 1;
      return;
    }
  }

  #confirm(lane, count) {
    if (count !== lane.sent) throw new Error(`the server has ${count} messages of ${lane.sent}`);
    this.checked += count - lane.confirmed;
    lane.confirmed = count;
    if (this.#lanes.every(({ sent, confirmed }) => sent === confirmed)) this.done();
  }
}

/** The first connection publishes, all others get it. A delivery counts as a message. */
export class FanoutLoad extends Load {
  #published = 0;
  #whole = 0;
  #receivers;
  #deliveries;
  #sentAt;

  constructor(clients, shape) {
    super(clients, shape);
    this.#deliveries = new Uint32Array(shape.window);
    this.#sentAt = new Float64Array(shape.window);
    this.#receivers = clients.slice(1).map((client) => ({ client, received: 0 }));
    for (const receiver of this.#receivers) {
      receiver.client.on('message', (message) => this.#receive(receiver, message));
    }
  }

  begin() {
    for (let n = 0; n < this.window; n++) this.#publish();
  }

  end() {
    if (this.#published === this.#whole) this.done();
  }

  missing() {
    return `${this.#published - this.#whole} messages at some of ${this.#receivers.length} receivers`;
  }

  #publish() {
    const at = this.#published % this.window;
    this.#deliveries[at] = 0;
    this.#sentAt[at] = performance.now();
    this.clients[0].send(this.payloads.message(this.#published));
    this.#published += 1;
  }

  #receive(receiver, message) {
    this.payloads.check(message, receiver.received);
    const at = receiver.received % this.window;
    receiver.received += 1;
    this.latency.record(performance.now() - this.#sentAt[at]);
    this.checked += 1;
    this.#deliveries[at] += 1;
    if (this.#deliveries[at] < this.#receivers.length) return;
    this.#whole += 1;
    if (this.isRunning) this.#publish();
    else this.end();
  }
}

/** The load of a scenario. */
export const LOADS = { echo: EchoLoad, stream: StreamLoad, fanout: FanoutLoad };
