/** The built program, run as users run it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect } from 'vitest';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const PROGRAM = at('dist/cli/main.js');
if (!existsSync(PROGRAM)) throw new Error('dist/ is not built: run npx tsc -p tsconfig.build.json');

const wish = process.env.QWORMHOLE_NATIVE ?? '';
/** Whether the native backend is there to be tested, as the other suites see it. */
export const hasNative = !['0', 'disable', 'force-ts'].includes(wish) && existsSync(at('native/binding.cjs'));

/** The suite on the TypeScript backend and, where it is built, on the native one. */
export function onEachBackend(suite: (backend: 'ts' | 'native') => void): void {
  describe('--backend ts', () => suite('ts'));
  describe.skipIf(!hasNative)('--backend native', () => suite('native'));
}

/** Variables that are set for a run; the caller's own switches never are. */
export type Environment = Readonly<Record<string, string>>;

const running = new Set<Cli>();
afterEach(() => {
  for (const cli of running) cli.process.kill('SIGKILL');
  running.clear();
});

/** One run of the program; killed after the test if it still runs. */
export class Cli {
  readonly process: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';
  hasEnded = false;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;

  constructor(args: readonly string[], env: Environment = {}) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(QWORMHOLE_|NODE_OPTIONS$|VITEST)/.test(name),
    );
    this.process = spawn(process.execPath, [PROGRAM, ...args], {
      env: { ...Object.fromEntries(inherited), ...env },
    });
    this.process.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // What a program does not read before it ends is no fault of the test.
    this.process.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        this.hasEnded = true;
        resolve(code ?? signal!);
      });
    });
    running.add(this);
  }

  /** Waits until the output has so many lines, and returns them. */
  async lines(count: number): Promise<string[]> {
    await until(() => this.stdout.split('\n').length > count, this);
    return this.stdout.split('\n').slice(0, count);
  }

  /** Waits until this text was written to standard error. */
  async noted(text: string): Promise<void> {
    await until(() => this.stderr.includes(text), this);
  }

  /** The exit code after the signal. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.process.kill(signal);
    return this.ended;
  }
}

/** What one run wrote, and how it ended. */
export interface Outcome {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end with this input. */
export async function run(
  args: readonly string[],
  { input = '', env }: { readonly input?: string | Buffer; readonly env?: Environment } = {},
): Promise<Outcome> {
  const cli = new Cli(args, env);
  cli.process.stdin.end(input);
  const code = await cli.ended;
  return { code, stdout: cli.stdout, stderr: cli.stderr };
}

/** A listener on a free port, and its address. */
export async function listening(
  backend: 'ts' | 'native',
  ...options: string[]
): Promise<{ cli: Cli; url: string }> {
  const cli = new Cli(['listen', 'tcp://127.0.0.1:0', '--backend', backend, ...options]);
  const [first] = await cli.lines(1);
  const [url] = /tcp:\/\/[\d.]+:\d+/.exec(first) ?? [];
  expect(url, cli.stderr).toBeDefined();
  return { cli, url: url! };
}

/** Waits until something is so. */
export async function until(isSo: () => boolean, cli?: Cli): Promise<void> {
  const giveUpAt = performance.now() + 10_000;
  while (!isSo()) {
    if (cli?.hasEnded || performance.now() > giveUpAt) {
      throw new Error(`waited in vain; stdout: ${cli?.stdout.slice(0, 2000)} stderr: ${cli?.stderr}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
