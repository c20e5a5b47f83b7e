/** A child process that speaks JSON, a line each. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type Line = Record<string, unknown>;

export class Child {
  readonly process: ChildProcessWithoutNullStreams;
  stderr = '';
  readonly #lines: AsyncIterator<string>;

  /**
   * @param script A file of this folder.
   * @param runner A command that runs the command behind it.
   */
  constructor(
    script: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
    runner: readonly string[] = [],
  ) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const [command, ...rest] = [...runner, process.execPath, path, ...args];
    this.process = spawn(command, rest, { env: { ...process.env, ...env } });
    this.process.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  /** Its next line. */
  async line(): Promise<Line> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error(`The child said nothing more; its standard error: ${this.stderr}`);
    return JSON.parse(value) as Line;
  }

  /** Its next line about `event`. */
  async event(event: string): Promise<Line> {
    for (;;) {
      const line = await this.line();
      if (line.event === event) return line;
    }
  }

  say(line: string): void {
    this.process.stdin.write(`${line}\n`);
  }

  /** Waits for its end: the exit code and the signal. */
  async ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const { exitCode, signalCode } = this.process;
    if (exitCode === null && signalCode === null) await once(this.process, 'exit');
    return { code: this.process.exitCode, signal: this.process.signalCode };
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }
}
