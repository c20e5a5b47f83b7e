/**
 * The measuring core of `qwormhole bench` and of the benchmarks: keeps a window of messages on the way over each
 * of several connections to an endpoint that echoes, checks every reply, and says how many came and how fast.
 *
 * The loop is closed: a new message goes out when a reply comes in, so latency includes the time that a message
 * waits behind the others of its window.
 */
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QWormholeClient } from '../client.js';
import type { EndpointInput } from '../endpoint.js';
import { QWormholeError } from '../errors/error.js';
import { connect, type ConnectOptions } from '../factory.js';
import type { Backend, Mode } from '../link/link.js';
import { OPTION_TABLE } from '../options/table.js';
import { LoadConnection, type Tally } from './load-connection.js';

/** What is to be done. */
export interface LoadOptions {
  readonly endpoint: EndpointInput;
  /** Default: 1. */
  readonly connections?: number;
  /** Messages on the way per connection. Default: 100. */
  readonly window?: number;
  /** Bytes per message. Default: 64. */
  readonly size?: number;
  /** How long it is measured, ms. Default: 5000. */
  readonly durationMs?: number;
  /** How long it runs before, ms: compilers and congestion windows need a moment. Default: 1000. */
  readonly warmupMs?: number;
  /** Further options of the clients, such as `forceTs`. */
  readonly client?: ConnectOptions<'buffer'>;
  /** Its abort ends the measurement early; the figures are those until then. */
  readonly signal?: AbortSignal;
  /** Called about once a second. */
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** How it goes. */
export interface LoadProgress {
  readonly phase: 'warmup' | 'measure';
  /** Since the beginning of the phase, and all that it takes. */
  readonly seconds: number;
  readonly ofSeconds: number;
  /** Replies per second since the last report; 0 while warming up. */
  readonly messagesPerSecond: number;
  readonly errors: number;
}

/** What came of it. A message counts when its reply has come. */
export interface LoadFigures {
  readonly mode: Mode;
  readonly backend: Backend;
  readonly connections: number;
  readonly window: number;
  readonly size: number;
  readonly seconds: number;
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** Payload in each direction, millions of bytes per second. */
  readonly megabytesPerSecond: number;
  /** From send to reply; `null` where no reply came. */
  readonly latencyMs: Readonly<Record<'p50' | 'p75' | 'p90' | 'p99' | 'p999' | 'max', number | null>>;
  /** Wrong and missing replies, dropped messages and lost connections, also while warming up. */
  readonly errors: number;
  readonly firstError: string | undefined;
}

const DEFAULTS = { connections: 1, window: 100, size: 64, durationMs: 5_000, warmupMs: 1_000 };
const PROGRESS_MS = 1_000;
/** So many connect at a time: fewer than a listener's usual backlog. */
const CONNECT_AT_ONCE = 100;
/** How long the last replies are waited for, ms, and how long those of an endpoint that has never answered. */
const LAST_REPLIES_MS = 5_000;
const FIRST_REPLIES_MS = 500;
const NS_PER_MS = 1e6;

type Plan = Required<Pick<LoadOptions, keyof typeof DEFAULTS>> & LoadOptions;

export class Load {
  readonly #plan: Plan;
  readonly #tally: Tally = {
    latency: createHistogram(),
    replies: 0,
    isCounting: false,
    errors: 0,
    firstError: undefined,
  };
  readonly #connections: LoadConnection[] = [];
  #backend: { readonly mode: Mode; readonly backend: Backend } | undefined;

  constructor(options: LoadOptions) {
    this.#plan = { ...DEFAULTS, ...options };
  }

  /** Connects, runs and closes, once. Rejects when a connection cannot be made. */
  async run(): Promise<LoadFigures> {
    const { durationMs, warmupMs } = this.#plan;
    try {
      await this.#connect();
      for (const connection of this.#connections) connection.start();
      await this.#phase('warmup', warmupMs);
      this.#tally.isCounting = true;
      const seconds = await this.#phase('measure', durationMs);
      this.#tally.isCounting = false;
      await this.#lastReplies();
      return this.#figures(seconds);
    } finally {
      await Promise.all(this.#connections.map((connection) => connection.close()));
    }
  }

  async #connect(): Promise<void> {
    const { connections, window, size } = this.#plan;
    while (this.#connections.length < connections) {
      const count = Math.min(CONNECT_AT_ONCE, connections - this.#connections.length);
      const results = await Promise.allSettled(Array.from({ length: count }, () => this.#dial()));
      for (const result of results) {
        if (result.status === 'rejected') continue;
        this.#backend = { mode: result.value.mode, backend: result.value.backend };
        this.#connections.push(new LoadConnection(result.value, this.#tally, window, size));
      }
      const failed = results.find(({ status }) => status === 'rejected');
      // Those that stand are closed by `run`.
      if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
    }
  }

  #dial(): Promise<QWormholeClient<'buffer' | 'text'>> {
    const { endpoint, size, client, signal } = this.#plan;
    if (signal?.aborted) throw new QWormholeError('ERR_QW_ABORTED', undefined, { cause: signal.reason });
    const { highWaterMark, maxMessage } = OPTION_TABLE;
    return connect(endpoint, {
      maxMessage: Math.max(size, maxMessage.default),
      // What is sent before `backpressure` always fits.
      maxQueued: Math.max(OPTION_TABLE.maxQueued.default, highWaterMark.default + size),
      reconnect: false,
      ...client,
    });
  }

  /** Waits until a phase is over, early when there is nobody left; resolves with the seconds it took. */
  async #phase(phase: LoadProgress['phase'], ms: number): Promise<number> {
    const { signal, onProgress } = this.#plan;
    const { replies: repliesBefore } = this.#tally;
    const startedAt = performance.now();
    let last = { at: startedAt, replies: repliesBefore };
    for (let now = startedAt; now < startedAt + ms; now = performance.now()) {
      if (signal?.aborted || this.#connections.every(({ isOver }) => isOver)) break;
      const pause = Math.min(PROGRESS_MS, startedAt + ms - now);
      await sleep(pause, undefined, { signal }).catch(() => {});
      const at = performance.now();
      const { replies, errors } = this.#tally;
      const messagesPerSecond = Math.round(((replies - last.replies) / (at - last.at)) * 1000);
      const seconds = (at - startedAt) / 1000;
      onProgress?.({ phase, seconds, ofSeconds: ms / 1000, messagesPerSecond, errors });
      last = { at, replies };
    }
    return (performance.now() - startedAt) / 1000;
  }

  async #lastReplies(): Promise<void> {
    const patience = new AbortController();
    const all = Promise.all(this.#connections.map((connection) => connection.stop()));
    const hasAnswered = this.#tally.replies > 0 || this.#tally.errors > 0;
    const ms = hasAnswered ? LAST_REPLIES_MS : FIRST_REPLIES_MS;
    await Promise.race([all, sleep(ms, undefined, { signal: patience.signal }).catch(() => {})]);
    patience.abort();
    const missing = this.#connections.reduce((sum, { outstanding }) => sum + outstanding, 0);
    if (missing === 0) return;
    this.#tally.errors += missing;
    this.#tally.firstError ??= `${missing} messages were not answered: is it an echo endpoint?`;
  }

  #figures(seconds: number): LoadFigures {
    const { connections, window, size } = this.#plan;
    const { latency, replies, errors, firstError } = this.#tally;
    const perSecond = replies / seconds;
    const ms = (ns: number): number | null => (latency.count === 0 ? null : round(ns / NS_PER_MS, 4));
    return {
      ...this.#backend!,
      connections,
      window,
      size,
      seconds: round(seconds, 3),
      messages: replies,
      messagesPerSecond: Math.round(perSecond),
      megabytesPerSecond: round((perSecond * size) / 1e6, 3),
      latencyMs: {
        p50: ms(latency.percentile(50)),
        p75: ms(latency.percentile(75)),
        p90: ms(latency.percentile(90)),
        p99: ms(latency.percentile(99)),
        p999: ms(latency.percentile(99.9)),
        max: ms(latency.max),
      },
      errors,
      firstError,
    };
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
