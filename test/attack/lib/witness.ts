/** A well-behaved peer beside the attack: it says something, waits for the echo, and says something again. */
import { until } from '../../support/wait.js';
import type { Attacker } from './attacker.js';
import type { Dialect } from './dialects.js';

/** Between an echo and the next word: it is there to be disturbed, not to disturb. */
const PAUSE_MS = 2;
/** No echo for so long is no progress, ms. */
const PATIENCE_MS = 10_000;
/** Attacks that take so long leave room for echoes, some fifty: a busy machine may stand still for less, ms. */
const ROOM_MS = 1000;
/** Of the first one the word may have been said before. */
const FEWEST = 2;

export class Witness {
  readonly latencies: number[] = [];
  readonly #peer: Attacker;
  readonly #dialect: Dialect;
  readonly #encode: (text: string) => Uint8Array | string;
  #sentAt = 0;
  #attack = { since: 0, echoes: 0 };
  #isOver = false;

  /** @param encode By the codec that the target speaks. */
  constructor(peer: Attacker, dialect: Dialect, encode: (text: string) => Uint8Array | string) {
    this.#peer = peer;
    this.#dialect = dialect;
    this.#encode = encode;
  }

  async begin(): Promise<void> {
    await this.#dialect.open(this.#peer);
    this.#forget();
    this.#peer.onData = () => this.#onData();
    this.#say();
    await this.progress();
  }

  /** Waits for an echo of what is said from now on. */
  async progress(): Promise<void> {
    const enough = this.latencies.length + 2;
    await until(() => this.latencies.length >= enough || this.#peer.isClosed, 'the witness', PATIENCE_MS);
    if (this.#peer.isClosed) throw new Error(`The witness was cut off:\n${this.#peer.timeline}`);
  }

  /** The attacks of a row begin. */
  attacked(): void {
    this.#attack = { since: performance.now(), echoes: this.latencies.length };
  }

  /** They are over: there were echoes meanwhile, where they took long enough to tell. */
  wasHeard(): void {
    const ms = performance.now() - this.#attack.since;
    const echoes = this.latencies.length - this.#attack.echoes;
    if (ms > ROOM_MS && echoes < FEWEST)
      throw new Error(`the witness heard ${echoes} echoes in ${ms.toFixed(0)} ms of attacks`);
  }

  end(): void {
    this.#isOver = true;
    this.#peer.destroy();
  }

  #say(): void {
    if (this.#isOver) return;
    this.#sentAt = performance.now();
    const word = this.#encode(`witness ${this.latencies.length}`);
    void this.#peer.write(this.#dialect.pack(this.#peer, word));
  }

  #onData(): void {
    if (this.#dialect.payloads(this.#peer).length === 0) return;
    this.latencies.push(performance.now() - this.#sentAt);
    this.#forget();
    setTimeout(() => this.#say(), PAUSE_MS);
  }

  /** One word is under way at a time: with its echo nothing is left that matters. */
  #forget(): void {
    this.#peer.received = Buffer.alloc(0);
    this.#peer.begin = 0;
  }
}
