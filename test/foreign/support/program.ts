/** A foreign program: started, heard, and ended for certain. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cleanUp } from '../../support/scene.js';

/** The programs' directory. */
export const peers = fileURLToPath(new URL('../peers/', import.meta.url));

export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #said = '';

  /** It ends with the test at the latest. */
  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    this.#ended = once(this.#child, 'close').catch((error: Error) => (this.#said += error.message));
    cleanUp(async () => {
      this.#child.kill('SIGKILL');
      await this.#ended;
    });
  }

  /** The next line that it prints, parsed; what it complained of, when it ends instead. */
  async line(): Promise<any> {
    const lines = createInterface({ input: this.#child.stdout! });
    const ended = this.#ended.then(() => Promise.reject(new Error(`it ended: ${this.#said}`)));
    try {
      const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
      return JSON.parse(line);
    } finally {
      lines.close();
      ended.catch(() => {});
    }
  }
}
