/** A bench process as seen by its parent: started, asked, and ended for certain. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How long a process may take to be ready, ms: a cold start of Node with an addon takes well under a second. */
const START_MS = 10_000;

/** How much of what a process says on its error output is kept, characters. */
const KEPT = 4096;

const alive = new Set();

// Whatever ends this process ends them: nothing here may outlive its bench.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => process.exit(code));
}

export class Peer {
  #child;
  #said = '';
  #requests = new Map();
  #ids = 0;
  #onProgress;
  #end;
  /** Resolves with the reason once the process is over. */
  ended = new Promise((resolve) => (this.#end = resolve));

  /**
   * Starts `<role>-child.mjs`; `ready` says when it can be asked.
   * @param {'server' | 'client'} role
   * @param {number} [core] where to pin it
   * @param {(progress: any) => void} [onProgress]
   * @param {Record<string, string>} [env]
   */
  constructor(role, core, onProgress, env = {}) {
    const file = fileURLToPath(new URL(`${role}-child.mjs`, import.meta.url));
    // taskset replaces itself by Node, which finds the channel to us where fork has left it.
    const pinned =
      core === undefined ? {} : { execPath: 'taskset', execArgv: ['-c', String(core), process.execPath] };
    this.#child = fork(file, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
      ...pinned,
    });
    this.#onProgress = onProgress;
    alive.add(this.#child);
    this.#child.stderr
      .setEncoding('utf8')
      .on('data', (text) => (this.#said = (this.#said + text).slice(-KEPT)));
    this.#child.on('message', (message) => this.#hear(message));
    this.#child.on('error', (error) => this.#over(error.message));
    this.#child.on('close', (code, signal) => this.#over(`the ${role} ended with ${signal ?? code}`));
  }

  /** Resolves when it can be asked. */
  ready(limitMs = START_MS) {
    return this.#answer('ready', limitMs);
  }

  /** Has it do something; rejects with what it says is wrong, or when it takes too long. */
  ask(method, params = {}, limitMs = START_MS) {
    const id = ++this.#ids;
    if (this.#child.connected) this.#child.send({ id, method, params });
    return this.#answer(id, limitMs, method);
  }

  /** Ends it, however it is. */
  kill() {
    this.#child.kill('SIGKILL');
  }

  #answer(id, limitMs, method = 'starting') {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${method} took more than ${limitMs / 1000} s`)),
        limitMs,
      );
      const settle = (outcome) => {
        clearTimeout(timer);
        this.#requests.delete(id);
        if (outcome.error === undefined) resolve(outcome.result);
        else reject(new Error(outcome.error));
      };
      this.#requests.set(id, settle);
      if (!alive.has(this.#child)) settle({ error: this.#complaint('it has ended') });
    });
  }

  #hear(message) {
    if (message.ready) this.#requests.get('ready')?.({});
    else if ('progress' in message) this.#onProgress?.(message.progress);
    else this.#requests.get(message.id)?.(message);
  }

  #over(why) {
    alive.delete(this.#child);
    this.#end(this.#complaint(why));
    for (const settle of this.#requests.values()) settle({ error: this.#complaint(why) });
  }

  /** The line of its error output that says what is wrong, if one does. */
  #complaint(why) {
    const lines = this.#said.split('\n').filter((line) => line.trim() !== '');
    return lines.find((line) => /^\w*Error\b/.test(line)) ?? why;
  }
}
