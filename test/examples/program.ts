/** The programs of `examples/`, as their readers run them: by node, with the built package, on one backend. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cleanUp } from '../support/scene.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isNever = ['0', 'disable', 'force-ts'].includes(process.env.QWORMHOLE_NATIVE ?? '');
const withNative = !isNever && existsSync(`${root}/native/binding.cjs`);

/** What `QWORMHOLE_NATIVE` is set to: everything runs once with each. */
export const backends = withNative ? ['force-ts', 'force'] : ['force-ts'];

export const isTs = (backend: string): boolean => backend === 'force-ts';

export class Program {
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;
  #output = '';
  #complaint = '';

  /** Starts `file` of `examples/`. It ends with the test, if not before. */
  constructor(backend: string, file: string, ...args: string[]) {
    if (!existsSync(`${root}/dist/index.js`)) throw new Error('the package is not built: npm run build');
    this.#name = file;
    const env = { ...process.env, QWORMHOLE_NATIVE: backend, NODE_OPTIONS: '' };
    this.#child = spawn(process.execPath, [`${root}/examples/${file}`, ...args], { env });
    this.#ended = once(this.#child, 'close');
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#complaint += chunk.toString()));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    cleanUp(async () => {
      this.#child.kill('SIGKILL');
      await this.#ended;
    });
  }

  /** What it has said on its error output. */
  get complaint(): string {
    return this.#complaint;
  }

  /** The next line that matches, with its groups; those before it are passed over. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done === true)
        throw new Error(`${this.#name} ended without ${pattern}\n${this.#output}${this.#complaint}`);
      this.#output += `${value}\n`;
      const found = pattern.exec(value);
      if (found !== null) return found;
    }
  }

  /** Where it says that it listens. */
  async address(): Promise<string> {
    const [, address] = await this.line(/^Listening on (\S+)$/);
    return address;
  }

  /** Waits for its end, and gives what it has said on the way. Fails unless all was well. */
  async output(): Promise<string> {
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done === true) break;
      this.#output += `${value}\n`;
    }
    await this.#ended;
    if (this.#child.exitCode !== 0)
      throw new Error(`${this.#name} failed\n${this.#output}${this.#complaint}`);
    return this.#output;
  }

  /** Its exit code, once it is over. */
  async exitCode(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  /** Asks it to end, as a supervisor would, and waits until it has. Fails unless all was well. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.output();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
