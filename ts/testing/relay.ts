/** One connection through the proxy: two sockets, and a passage each way. */
import { connect, type Socket } from 'node:net';
import { resetSocket } from '../link/ts/reset.js';
import type { Faults, Way } from './faults.js';
import { Passage } from './passage.js';

/** Where the server is. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export class Relay {
  readonly #sockets: readonly Socket[];
  readonly #passages: Readonly<Record<Way, Passage>>;
  #open = 2;

  /**
   * @param seed What its faults follow from.
   * @param onClose It is gone.
   */
  constructor(client: Socket, place: Place, seed: number, faults: Record<Way, Faults>, onClose: () => void) {
    const server = connect({ ...place, allowHalfOpen: true });
    this.#sockets = [client, server];
    const reset = (): void => this.reset();
    this.#passages = {
      up: new Passage(client, server, seed, () => faults.up, reset),
      down: new Passage(server, client, ~seed, () => faults.down, reset),
    };
    for (const socket of this.#sockets)
      socket.on('close', () => {
        this.#open -= 1;
        if (this.#open > 0) return;
        this.#closePassages();
        onClose();
      });
    this.update();
  }

  update(): void {
    this.#passages.up.update();
    this.#passages.down.update();
  }

  end(way: Way): void {
    this.#passages[way].end();
  }

  reset(): void {
    this.#closePassages();
    for (const socket of this.#sockets) resetSocket(socket);
  }

  destroy(): void {
    this.#closePassages();
    for (const socket of this.#sockets) socket.destroy();
  }

  #closePassages(): void {
    this.#passages.up.close();
    this.#passages.down.close();
  }
}
