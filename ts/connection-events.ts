/** What a connection tells its user: its state, and its events. */
import type { CodecMessage, CodecOption, MessageTypes } from './codec/codec.js';
import type { QWormholeError } from './errors/error.js';
import type { DropRun } from './policy/drop-log.js';

/** Where a connection is in its life. Only a client is ever `idle` or `reconnecting`. */
export type ConnectionState = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closing' | 'closed';

/** Events of a connection. */
export interface ConnectionEvents<C extends MessageTypes = CodecOption> {
  /** A message, decoded. Nothing is read before the first listener is there, nor while the last one is gone. */
  message: [message: CodecMessage<C>];
  /** `send` has answered `backpressure`, and will until `drain`. */
  backpressure: [bufferedAmount: number];
  /** After `backpressure`: the queue fell to the low watermark. */
  drain: [];
  /** Messages were not accepted, or were and had to make room: one event per run of them, at least once a second. */
  dropped: [run: DropRun];
  /** The end, once: why, and whether both sides ended in order with nothing lost. */
  close: [code: number, reason: string, clean: boolean];
  /** A payload that does not decode (the connection goes on), or the fault that ends the connection. */
  error: [error: QWormholeError];
}
