/** The examples of the Rust crate as child processes: peers that are not Node. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const BUILD = ['build', '--quiet', '--no-default-features', '--examples', '--message-format=json'];

/** What cargo says of something that it has built. */
interface Artifact {
  readonly target?: { readonly name: string };
  readonly executable?: string | null;
}

/** The programs by their names. They are built first, which can take minutes. */
export function buildExamples(): ReadonlyMap<string, string> {
  const { status, stdout } = spawnSync('cargo', BUILD, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the examples do not build: ${stdout}`);
  const artifacts = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Artifact);
  return new Map(
    artifacts.flatMap(({ target, executable }) => (target && executable ? [[target.name, executable]] : [])),
  );
}

export class RustExample {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args);
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** What it has said of what went wrong. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Its next line. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error(`It said nothing more; its standard error: ${this.#stderr}`);
    return value;
  }

  /** Its exit code, once it has said all. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'close');
    return this.#child.exitCode;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
