/**
 * Clients that lose their connections and come back. Each has one message going round; what is recorded is how long it
 * had no reply, from the last one before its loss to the first one after.
 */
import { Load } from './loads.mjs';

export class RecoveryLoad extends Load {
  #lanes;

  constructor(clients, shape) {
    super(clients, shape);
    const lane = { number: 0, heardAt: 0, isWaiting: false, isAway: false, losses: 0 };
    this.#lanes = clients.map((client) => ({ ...lane, client }));
    for (const each of this.#lanes) this.#follow(each);
  }

  /** A loss is no fault; giving up is. */
  watch(client) {
    client.on('error', () => {});
    client.on('close', (code, reason) => this.fail(new Error(`a client gave up: ${code} ${reason}`)));
    client.on('handlerError', (error) => this.fail(error));
  }

  /** Clients that had no connection and have been answered since. */
  get returned() {
    return this.#lanes.filter(({ losses, isAway }) => losses > 0 && !isAway).length;
  }

  begin() {
    for (const lane of this.#lanes) this.#send(lane);
  }

  end() {
    if (this.#lanes.every(({ isWaiting, isAway }) => !isWaiting && !isAway)) this.done();
  }

  missing() {
    return `${this.#lanes.filter(({ isAway }) => isAway).length} clients are away`;
  }

  #follow(lane) {
    lane.client.on('disconnect', () => {
      lane.isAway = true;
      lane.losses += 1;
    });
    lane.client.on('ready', () => this.#send(lane));
    lane.client.on('message', (message) => this.#receive(lane, message));
  }

  #send(lane) {
    lane.isWaiting = true;
    lane.client.send(this.payloads.message(lane.number));
  }

  #receive(lane, message) {
    this.payloads.check(message, lane.number);
    const now = performance.now();
    if (lane.isAway) this.latency.record(now - lane.heardAt);
    Object.assign(lane, { isAway: false, isWaiting: false, heardAt: now });
    lane.number += 1;
    this.checked += 1;
    if (this.isRunning) this.#send(lane);
    else this.end();
  }
}
