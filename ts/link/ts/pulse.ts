/**
 * The watch over a link's peer: its clock and its timer.
 *
 * The timer is set for when something may be due, and not touched by what comes in between: a link that is busy
 * costs one look at the clock for each chunk and one timer for each interval.
 */
import type { Socket } from 'node:net';
import { QWormholeError } from '../../errors/error.js';
import { Liveness, type Heartbeat } from '../liveness.js';

/** Node's own timers go no further, ms. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** What speaks to the peer. */
export interface Signer {
  /** Asks the peer for a sign of life, or shows ours. */
  sign(isPing: boolean): void;
}

/** Hears that the peer is dead. */
export type OnDead = (error: QWormholeError) => void;

export class Pulse {
  readonly #signer: Signer;
  readonly #onDead: OnDead;
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #liveness: Liveness;
  #isReading = true;
  /** When the timer fires. */
  #armedFor = Infinity;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  /** Bytes that the kernel did not take, when last looked. */
  #blocked = 0;

  /** Nothing where nobody is watched and nobody watches. */
  static start(
    signer: Signer,
    onDead: OnDead,
    socket: Socket,
    heartbeat: Heartbeat | undefined,
    peerTimeoutMs?: number,
  ): Pulse | undefined {
    if (heartbeat === undefined && peerTimeoutMs === undefined) return undefined;
    return new Pulse(signer, onDead, socket, heartbeat, peerTimeoutMs);
  }

  private constructor(
    signer: Signer,
    onDead: OnDead,
    socket: Socket,
    heartbeat: Heartbeat | undefined,
    peerTimeoutMs: number | undefined,
  ) {
    this.#signer = signer;
    this.#onDead = onDead;
    this.#socket = socket;
    this.#timeoutMs = heartbeat?.timeoutMs ?? 0;
    this.#liveness = new Liveness(heartbeat, peerTimeoutMs, performance.now());
    this.#arm();
  }

  /** Something came. */
  heard(): void {
    this.#liveness.heard(performance.now());
  }

  /** Whether what comes is read. */
  setReading(isReading: boolean): void {
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    this.#liveness.setReading(isReading, performance.now());
    if (!this.#isOver && this.#liveness.due < this.#armedFor) this.#arm();
  }

  /** Nobody is watched any more. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const { due } = this.#liveness;
    this.#armedFor = due;
    this.#timer = undefined;
    if (due === Infinity) return;
    const delay = Math.min(Math.max(Math.ceil(due - performance.now()), 1), MAX_DELAY_MS);
    this.#timer = setTimeout(this.#onTime, delay).unref();
  }

  readonly #onTime = (): void => {
    if (this.#isOver) return;
    const now = performance.now();
    if (now >= this.#liveness.due) this.#lookAtKernel(now);
    const act = this.#liveness.onTime(now);
    // What waits in the kernel while this thread is busy is read before it comes to that.
    if (act === 'look') setImmediate(this.#onTime);
    else if (act === 'dead') this.#giveUp();
    else {
      if (act !== undefined) this.#signer.sign(act === 'ping');
      this.#arm();
    }
  };

  /** Only a kernel that hears of its peer has room again. */
  #lookAtKernel(now: number): void {
    const blocked = unsentBy(this.#socket);
    if (this.#blocked > 0 && blocked !== this.#blocked) this.#liveness.heard(now);
    this.#blocked = blocked;
  }

  #giveUp(): void {
    this.stop();
    const timeoutMs = this.#timeoutMs;
    const message = `The peer gave no sign of life for ${timeoutMs} ms`;
    this.#onDead(new QWormholeError('ERR_QW_HEARTBEAT_TIMEOUT', message, { details: { timeoutMs } }));
  }
}

/** Bytes that libuv has and the kernel does not take. The count that `node:net` itself keeps its idle timer by. */
function unsentBy(socket: Socket): number {
  const { _handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return _handle?.writeQueueSize ?? 0;
}
