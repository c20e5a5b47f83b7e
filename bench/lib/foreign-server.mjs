/** A server that is nobody's child in JavaScript, asked as `Peer` is: its script announces itself and serves. */
import { usageOf } from './cpu.mjs';
import { ServerProcess } from './server.mjs';

export class ForeignServer {
  #scheme;
  #process;
  /** Nothing ever says that it is over: its clients notice. */
  ended = new Promise(() => {});

  /** @param {import('./contestants.mjs').Contestant} contestant @param {string} scheme @param {number} [core] */
  constructor(contestant, scheme, core) {
    this.#scheme = scheme;
    this.#process = ServerProcess.start(contestant, core);
  }

  async ready() {
    await this.#process;
  }

  async ask(method) {
    const { port, pid } = await this.#process;
    if (method === 'start') return `${this.#scheme}://127.0.0.1:${port}`;
    return method === 'usage' ? usageOf(pid) : undefined;
  }

  kill() {
    this.#process.then(
      (server) => server.stop(),
      () => {},
    );
  }
}
