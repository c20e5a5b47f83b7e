/** One server process under test: started, pinned, waited for, and ended for certain. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Generous: a cold start of Node with an addon takes well under a second. */
const START_MS = 10_000;

/** How long an orderly end may take. */
const STOP_MS = 2_000;

export class ServerProcess {
  #child;
  #exited;

  /** Where it listens, on loopback. */
  port;
  /** Its own process id: with `taskset` the same as the child's. */
  pid;

  /**
   * Starts `command` and waits for its line `{"listening":PORT,"pid":PID}`. Throws what the server
   * last said when it ends or stays silent instead.
   * @param {{ command: string[], env?: Record<string, string> }} contestant program and arguments
   * @param {number | undefined} core where to pin it
   */
  static async start({ command, env }, core) {
    const pinned = core === undefined ? command : ['taskset', '-c', String(core), ...command];
    const server = new ServerProcess(pinned, env);
    await server.#listening();
    return server;
  }

  constructor([program, ...args], env = {}) {
    const stdio = ['pipe', 'pipe', 'pipe'];
    this.#child = spawn(program, args, { stdio, env: { ...process.env, ...env } });
    this.#exited = once(this.#child, 'close').catch((error) => [error.message]);
  }

  /** Asks it to end, then makes it. */
  async stop() {
    // Both ways out at once; a server that died has closed its end already.
    this.#child.stdin.on('error', () => {}).end();
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  async #listening() {
    let said = '';
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-4096)));
    const lines = createInterface({ input: this.#child.stdout });
    const timeout = AbortSignal.timeout(START_MS);
    try {
      const line = once(lines, 'line', { signal: timeout }).then(([text]) => text);
      const ended = this.#exited.then(([code]) => Promise.reject(new Error(`it ended with ${code}`)));
      const { listening, pid } = JSON.parse(await Promise.race([line, ended]));
      this.port = listening;
      this.pid = pid;
    } catch (error) {
      await this.stop();
      throw new Error(complaint(said) ?? error.message, { cause: error });
    }
  }
}

/** The line of a server's error output that says what is wrong, if one does. */
function complaint(said) {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  // What Node prints of an uncaught error starts with a place in a file and a line of its source.
  const isReason = (line) => /^(\w*Error\b|[\w-]+: )/.test(line);
  return lines.find(isReason) ?? lines.at(-1);
}
