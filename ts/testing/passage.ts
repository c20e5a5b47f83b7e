/** One way through the proxy, of one connection. */
import type { Socket } from 'node:net';
import { Damage } from './damage.js';
import { Delay } from './delay.js';
import type { Faults } from './faults.js';

/** Bytes that may be on their way: beyond, the sender is not read. Enough for 8 Gbit/s with a millisecond. */
const MOST_UNDER_WAY = 1024 * 1024;

/** What arrives: bytes, or the end of the stream. */
interface Arrival {
  readonly at: number;
  readonly bytes: Buffer | undefined;
}

export class Passage {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: () => Faults;
  readonly #reset: () => void;
  readonly #damage: Damage;
  readonly #delay: Delay;
  readonly #underWay: Arrival[] = [];
  #bytesUnderWay = 0;
  #taken = 0;
  /** Something was lost: what comes behind it cannot arrive either. */
  #isBroken = false;
  #hasEnded = false;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;

  /** @param reset Resets both sides of the connection. */
  constructor(from: Socket, to: Socket, seed: number, faults: () => Faults, reset: () => void) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    this.#reset = reset;
    this.#damage = new Damage(seed);
    this.#delay = new Delay(seed);
    from.setNoDelay();
    from.on('data', (chunk: Buffer) => this.#onData(chunk));
    from.on('end', () => this.#onEnd());
    from.on('error', () => this.#onError());
    to.on('drain', () => this.#deliver());
  }

  /** The faults are others now. */
  update(): void {
    if (this.#faults().drop === true) this.#lose();
    this.#gauge();
    this.#deliver();
  }

  /** Tells the receiver that the sender has ended, behind what is under way. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#send(undefined, 0);
    this.#deliver();
  }

  close(): void {
    this.#rest();
    this.#underWay.length = 0;
  }

  #onData(chunk: Buffer): void {
    const faults = this.#faults();
    if (faults.drop === true) this.#isBroken = true;
    if (this.#isBroken || this.#hasEnded) return;
    const { endAfterBytes = Infinity, resetAfterBytes = Infinity } = faults;
    const left = Math.max(Math.min(endAfterBytes, resetAfterBytes) - this.#taken, 0);
    const bytes = chunk.subarray(0, left);
    this.#taken += bytes.length;
    for (const piece of this.#damage.apply(bytes, faults)) this.#send(piece, piece.length);
    this.#deliver();
    if (this.#taken >= resetAfterBytes) this.#reset();
    else if (this.#taken >= endAfterBytes) this.end();
    this.#gauge();
  }

  #onEnd(): void {
    if (this.#faults().drop === true) this.#isBroken = true;
    if (!this.#isBroken) this.end();
  }

  /** The sender has reset the connection. */
  #onError(): void {
    if (this.#faults().drop === true) this.#isBroken = true;
    if (!this.#isBroken) this.#reset();
  }

  #send(bytes: Buffer | undefined, length: number): void {
    const at = this.#delay.arrival(performance.now(), length, this.#faults());
    this.#underWay.push({ at, bytes });
    this.#bytesUnderWay += length;
  }

  #lose(): void {
    if (this.#underWay.length > 0) this.#isBroken = true;
    this.#underWay.length = 0;
    this.#bytesUnderWay = 0;
  }

  /** Reads the sender, or lets it wait. */
  #gauge(): void {
    if (this.#faults().stall === true || this.#bytesUnderWay > MOST_UNDER_WAY) this.#from.pause();
    else this.#from.resume();
  }

  /** Writes what has arrived, as far as the receiver takes it. */
  #deliver(): void {
    this.#rest();
    const before = this.#bytesUnderWay;
    while (this.#underWay.length > 0 && this.#turn === undefined && this.#takes()) {
      const waitMs = this.#underWay[0].at - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#deliver(), Math.ceil(waitMs));
        break;
      }
      this.#arrive(this.#underWay.shift()!);
      // Pieces that are written together are read together.
      if (this.#faults().split !== undefined) this.#turn = setImmediate(() => this.#deliver());
    }
    if (before !== this.#bytesUnderWay) this.#gauge();
  }

  #takes(): boolean {
    return this.#faults().stall !== true && !this.#to.writableNeedDrain;
  }

  #rest(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  #arrive({ bytes }: Arrival): void {
    if (bytes === undefined) return void this.#to.end();
    this.#bytesUnderWay -= bytes.length;
    this.#to.write(bytes);
  }
}
