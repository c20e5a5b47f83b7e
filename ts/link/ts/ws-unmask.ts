/**
 * Unmasking by words. The package `ws`, without native helpers, does it byte by byte, which for large messages
 * costs more than everything else that happens to them.
 *
 * It is done where the package is about to: what it would unmask is put back unmasked. That is the inside of
 * the package: where a name of it is missing, it goes on as it does.
 */
/* oxlint-disable no-underscore-dangle -- they are the names of the package. */
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
    unmask(payload, this._mask);
    this._buffers.unshift(payload);
    this._bufferedBytes += length;
    // It is set anew by the head of each frame.
    this._masked = false;
  }
  (Object.getPrototypeOf(this) as Receiver).getData.call(this, callback);
}

/** The key as bytes and as a word, whatever the order of bytes of the machine. */
const keyBytes = new Uint8Array(4);
const keyWord = new Int32Array(keyBytes.buffer);

/** Unmasks `bytes` in place (RFC 6455, section 5.3). */
export function unmask(bytes: Uint8Array, mask: Uint8Array): void {
  const { length, byteOffset } = bytes;
  const front = Math.min(-byteOffset & 3, length);
  for (let at = 0; at < front; at += 1) bytes[at] ^= mask[at & 3];
  if (front === length) return;
  for (let at = 0; at < 4; at += 1) keyBytes[at] = mask[(front + at) & 3];
  const word = keyWord[0];
  const words = new Int32Array(bytes.buffer, byteOffset + front, (length - front) >> 2);
  for (let at = 0; at < words.length; at += 1) words[at] ^= word;
  for (let at = front + 4 * words.length; at < length; at += 1) bytes[at] ^= mask[at & 3];
}
