/** How long a link stands whose peer has left, and whose end waits behind what nobody takes. */

/** Whether somebody listens by now is looked at again after this time at the earliest, ms. */
const LOOK_AGAIN_MS = 1000;

/** A link that holds messages of a peer that has left. */
export interface Forsaken {
  /** Somebody wants the messages, now or after a pause. */
  readonly isHeard: boolean;
  /** It is to drop what it holds and to end. */
  giveUp(): void;
}

export class Patience {
  readonly #link: Forsaken;
  #timer: NodeJS.Timeout | undefined;

  /** Gives up after `timeoutMs`, unless somebody listens: a pause may be as long as its owner likes. */
  constructor(link: Forsaken, timeoutMs: number) {
    this.#link = link;
    this.#wait(timeoutMs);
  }

  /** The link is over, or nothing is held any more. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #wait(timeoutMs: number): void {
    const expire = (): void => {
      if (this.#link.isHeard) this.#wait(Math.max(timeoutMs, LOOK_AGAIN_MS));
      else this.#link.giveUp();
    };
    this.#timer = setTimeout(expire, timeoutMs).unref();
  }
}
