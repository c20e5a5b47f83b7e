/**
 * How one link ends: what either side has said of that by now, and who waits for it. Made when the first of it
 * happens: there may be very many links, and nothing of this is known of most.
 */
import { QWormholeError } from '../../errors/error.js';
import { faultClose } from '../fault.js';
import type { LinkClose } from '../link.js';
import type { Patience } from '../patience.js';
import { fromWebSocketCode } from '../websocket-codes.js';

/** What the peer's close frame or GOAWAY said. */
export interface Farewell {
  /** WebSocket's own number; of a GOAWAY ours. */
  readonly code: number;
  readonly reason: string;
  /** Of a GOAWAY: when to come back, ms; 0 is no advice. */
  readonly retryAfterMs?: number;
}

/** How a link ended on the I/O side. */
export interface Closed {
  readonly clean: boolean;
  readonly error: QWormholeError | undefined;
  readonly farewell: Farewell | undefined;
}

export class Ending {
  /** How it ends, once our side decided it. */
  ours: LinkClose | undefined;
  /** What comes until the peer's own last word is delivered although we have said ours. */
  takesRest = false;
  /** The peer will send no more, and its owner does not know yet. */
  hasPeerEnded = false;
  /** How it ended on the I/O side: told when everything before it is delivered. */
  closed: Closed | undefined;
  /** Runs while the end waits behind what is held. */
  patience: Patience | undefined;
  /** Hears that the link is over. */
  onOver: (() => void) | undefined;

  /** Nobody wants what comes any more. */
  get isVoid(): boolean {
    return this.ours !== undefined && !this.takesRest;
  }

  /** Of two reasons the first is told; the fault that spoils an end in order comes with it. */
  closeOf({ clean, error, farewell }: Closed, isWritten: boolean): LinkClose {
    const { ours } = this;
    if (ours === undefined && farewell !== undefined) {
      const { code, reason, retryAfterMs } = farewell;
      const isClean = clean && isWritten;
      if (retryAfterMs === undefined) return { code: fromWebSocketCode(code), reason, clean: isClean };
      return { code, reason, clean: isClean, ...(retryAfterMs > 0 && { retryAfterMs }) };
    }
    if (ours === undefined) return error === undefined ? cut() : faultClose(error);
    return { ...ours, clean: ours.clean && clean && isWritten, error: ours.error ?? error };
  }
}

/** An end that nobody gave a reason for. */
function cut(): LinkClose {
  return faultClose(new QWormholeError('ERR_QW_CONNECTION_LOST'));
}
