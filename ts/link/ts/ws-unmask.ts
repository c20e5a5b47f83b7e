/**
 * Unmasking by words of what the package `ws` reads itself: fragments of large messages, mostly. Without native
 * helpers it does so byte by byte.
 *
 * It is done where the package is about to: what it would unmask is put back unmasked. That is the inside of
 * the package: where a name of it is missing, it goes on as it does.
 */
/* oxlint-disable no-underscore-dangle -- they are the names of the package. */
import { keyAt, Maskable } from './ws-mask.js';
import type { LinkedWebSocket } from './ws-package.js';

/** From this many bytes on a view of words pays. */
const WORTH = 64;

type Callback = (error?: Error) => void;

/** The package's parser of one connection. */
interface Receiver {
  _masked: boolean;
  readonly _mask: Uint8Array;
  /** Of the frame. */
  readonly _payloadLength: number;
  /** What has come and was not parsed yet, in pieces, and its length. */
  readonly _buffers: Uint8Array[];
  _bufferedBytes: number;
  /** Takes the next bytes in one piece. */
  consume(length: number): Uint8Array;
  /** Takes the payload of the frame, if it is whole. */
  getData(callback: Callback): void;
}

/** Has the messages of `ws` unmasked faster. To be called before any came. */
export function unmaskByWords(ws: LinkedWebSocket): void {
  const { _receiver: receiver } = ws as { readonly _receiver?: Partial<Receiver> };
  if (isKnown(receiver)) receiver.getData = getData;
}

function isKnown(receiver: Partial<Receiver> | undefined): receiver is Receiver {
  return (
    typeof receiver?.getData === 'function' &&
    typeof receiver.consume === 'function' &&
    typeof receiver._masked === 'boolean' &&
    typeof receiver._payloadLength === 'number' &&
    typeof receiver._bufferedBytes === 'number' &&
    '_mask' in receiver &&
    Array.isArray(receiver._buffers)
  );
}

function getData(this: Receiver, callback: Callback): void {
  const length = this._payloadLength;
  if (this._masked && length >= WORTH && this._bufferedBytes >= length) {
    const payload = this.consume(length);
    new Maskable(payload).mask(0, length, keyAt(this._mask, 0));
    this._buffers.unshift(payload);
    this._bufferedBytes += length;
    // It is set anew by the head of each frame.
    this._masked = false;
  }
  (Object.getPrototypeOf(this) as Receiver).getData.call(this, callback);
}
