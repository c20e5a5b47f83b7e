/** The attacker's hold on the program that is attacked. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('target.mjs', import.meta.url));

/** What the target is built on. */
export type Backend = 'ts' | 'native' | 'inline';

const ENVIRONMENTS: Readonly<Record<Backend, Record<string, string>>> = {
  ts: { QWORMHOLE_NATIVE: 'force-ts' },
  native: { QWORMHOLE_NATIVE: 'force', QWORMHOLE_IO: 'threads' },
  inline: { QWORMHOLE_NATIVE: 'force', QWORMHOLE_IO: 'inline' },
};

/**
 * Memory is compared before and after: the young generation stays small, so that what its growth takes is not taken for
 * a leak, and the allocator gives back what is freed, buffers of sockets (64 KiB) at once.
 */
const NODE_OPTIONS = ['--expose-gc', '--max-semi-space-size=1'];
const ALLOCATOR = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_MMAP_THRESHOLD_: '32768',
  MALLOC_MMAP_MAX_: '1000000',
};

/** What makes a program of ours take this backend. */
export const environmentOf = (backend: Backend): Record<string, string> => ENVIRONMENTS[backend];

/** What takes longer hangs, ms. */
const PATIENCE_MS = 20_000;

/** One connection, as its own end knows it. */
export interface Account {
  /** The other end's. */
  readonly port: number;
  readonly closes: readonly { readonly code: number; readonly reason: string; readonly clean: boolean }[];
  readonly errors: readonly string[];
  /** Texts, or lengths where they are long. */
  readonly messages: readonly string[];
  readonly count: number;
  readonly state: string;
}

/** A server or a client. */
export interface Report {
  readonly accounts: readonly Account[];
  /** Codes of `handshakeError` and `tlsClientError`. */
  readonly refusals: readonly string[];
  readonly errors: readonly string[];
  readonly handlerErrors: readonly string[];
  /** Of a client's attempt: `open`, or the code of the error. */
  readonly outcome: string;
  readonly details?: Readonly<Record<string, any>>;
  readonly acts: Readonly<Record<string, any>>;
  readonly stats: Readonly<Record<string, any>>;
}

/** What a process holds. */
export interface Holdings {
  readonly rss: number;
  readonly descriptors: number;
  /** Kinds of what keeps the event loop, or would: handles, requests, timers. */
  readonly resources: readonly string[];
}

/** In words. */
export interface Said {
  /** Log records and warnings of Node, with all that is in them. */
  readonly logs: readonly string[];
  /** What errors say, character by character. */
  readonly texts: readonly string[];
}
const NOTHING_SAID: Said = { logs: [], texts: [] };

interface Answer {
  readonly number: number;
  readonly result?: unknown;
  readonly fault?: string;
}

export class Target {
  readonly backend: Backend;
  readonly process: ChildProcess;
  /** Standard output and error. */
  output = '';
  #last = 0;
  #said = NOTHING_SAID;
  readonly #waiting = new Map<number, { resolve(value: any): void; reject(error: Error): void }>();

  private constructor(backend: Backend, process: ChildProcess) {
    this.backend = backend;
    this.process = process;
    for (const stream of [process.stdout!, process.stderr!])
      stream.on('data', (bytes: Buffer) => (this.output += bytes.toString()));
    process.on('message', (answer: Answer) => this.#onAnswer(answer));
    process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`The target died (${signal ?? code}): ${this.output}`));
    });
  }

  /** @param descriptors How many it may have open. */
  static async start(backend: Backend, { descriptors = 0 } = {}): Promise<Target> {
    const program = [process.execPath, ...NODE_OPTIONS, PROGRAM];
    const limited = ['/bin/sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', ...program];
    const [command, ...args] = descriptors === 0 ? program : limited;
    const child = spawn(command, args, {
      env: { ...process.env, NODE_OPTIONS: '', ...ALLOCATOR, ...environmentOf(backend) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    const target = new Target(backend, child);
    await Promise.race([once(child, 'message'), target.#dies()]);
    return target;
  }

  /** Rejects when it does. */
  async #dies(): Promise<never> {
    await once(this.process, 'exit');
    throw new Error(`The target died: ${this.output}`);
  }

  get isAlive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  serve(
    endpoints: readonly (string | object)[],
    options: object,
  ): Promise<{ subject: number; addresses: string[] }> {
    return this.call('serve', endpoints, options);
  }

  dial(endpoint: string, options: object): Promise<{ subject: number }> {
    return this.call('dial', endpoint, options);
  }

  report(subject: number): Promise<Report> {
    return this.call('report', subject);
  }

  act<Result = any>(subject: number, name: string, ...args: unknown[]): Promise<Result> {
    return this.call('act', subject, name, ...args);
  }

  close(subject: number): Promise<void> {
    return this.call('close', subject);
  }

  /** All that it has said since `unsaid`, however often it is asked, and every fault that nobody caught. */
  async said(): Promise<Said & { readonly uncaught: readonly string[] }> {
    const { logs, texts, uncaught } = await this.call<Said & { uncaught: string[] }>('said');
    // Kept here: at the target it would be weighed as what the attack has left behind.
    this.#said = { logs: [...this.#said.logs, ...logs], texts: [...this.#said.texts, ...texts] };
    return { ...this.#said, uncaught };
  }

  /** What it has said is of no matter any more. */
  async unsaid(): Promise<void> {
    await this.said();
    this.#said = NOTHING_SAID;
  }

  holds(): Promise<Holdings> {
    return this.call('holds');
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  private call<Result>(name: string, ...args: unknown[]): Promise<Result> {
    if (!this.isAlive) return Promise.reject(new Error(`The target is dead: ${this.output}`));
    return new Promise((resolve, reject) => {
      const number = (this.#last += 1);
      const timer = setTimeout(() => reject(new Error(`The target did not answer to ${name}`)), PATIENCE_MS);
      const settled = (): void => clearTimeout(timer);
      this.#waiting.set(number, {
        resolve: (value) => (settled(), resolve(value)),
        reject: (error) => (settled(), reject(error)),
      });
      this.process.send({ number, name, args });
    });
  }

  #onAnswer({ number, result, fault }: Answer): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (fault === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(fault));
  }
}
