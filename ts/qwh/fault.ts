/** A broken rule, and the code that ends the connection for it. */
import { CloseCode } from '../close-codes.js';

/** What the peer did wrong. The message is sent to it as the reason, so it never quotes what the peer sent. */
export class Fault extends Error {
  /** The code that goes into the reject or GOAWAY. */
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.name = 'Fault';
    this.code = code;
  }
}

/** A broken rule of records, frames or TLVs. */
export function protocolFault(reason: string): Fault {
  return new Fault(CloseCode.protocol, reason);
}

/** Bytes that are no preamble, or none of this protocol. */
export function preambleFault(reason: string): Fault {
  return new Fault(CloseCode.bad_preamble, reason);
}
