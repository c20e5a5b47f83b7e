/**
 * Length-prefixed frames out of the chunks of one `node:net` socket, for the baselines on it.
 *
 * A message within one chunk is a view of the chunk: nothing is copied, and what the handler keeps
 * stays valid. A message that spans chunks is gathered into a buffer of its own as it arrives, each
 * byte copied once; there is no concatenation however many chunks it takes.
 */
import { MAX_MESSAGE } from './serve.mjs';

/** The class of Node's own buffers. A view made with it costs half of what `subarray` does. */
const FastBuffer = Buffer[Symbol.species];

const HEADER = 4;

export class FrameSplitter {
  #onMessage;
  /** The message being gathered, and how much of it is there. */
  #body = null;
  #gathered = 0;
  /** The bytes of a length prefix that a chunk's end cut in two, and how many are there. */
  #size = 0;
  #sizeBytes = 0;

  /** @param {(message: Buffer) => void} onMessage called for each message, in order */
  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  /**
   * Takes one chunk. Throws a RangeError when the peer announces more than a message may have.
   * @param {Buffer} chunk
   */
  push(chunk) {
    const { buffer, byteOffset, length } = chunk;
    let at = this.#body === null && this.#sizeBytes === 0 ? 0 : this.#resume(chunk);
    while (length - at >= HEADER) {
      const size = ((chunk[at] << 24) | (chunk[at + 1] << 16) | (chunk[at + 2] << 8) | chunk[at + 3]) >>> 0;
      const start = at + HEADER;
      const end = start + size;
      if (end > length) {
        this.#begin(size);
        this.#gather(chunk, start);
        return;
      }
      this.#onMessage(new FastBuffer(buffer, byteOffset + start, size));
      at = end;
    }
    this.#keepHeader(chunk, at);
  }

  /** Goes on with what the last chunk left unfinished; returns where the next frame begins. */
  #resume(chunk) {
    let at = 0;
    if (this.#body === null) {
      at = this.#keepHeader(chunk, 0);
      if (this.#sizeBytes < HEADER) return at;
      this.#sizeBytes = 0;
      this.#begin(this.#size >>> 0);
    }
    return this.#gather(chunk, at);
  }

  #keepHeader(chunk, from) {
    let at = from;
    while (at < chunk.length && this.#sizeBytes < HEADER) {
      this.#size = (this.#size << 8) | chunk[at++];
      this.#sizeBytes++;
    }
    return at;
  }

  #begin(size) {
    if (size > MAX_MESSAGE) throw new RangeError(`a message of ${size} bytes was announced`);
    this.#body = Buffer.allocUnsafe(size);
    this.#gathered = 0;
  }

  /** Copies what the chunk has of the message, and delivers it when it is whole. */
  #gather(chunk, from) {
    const body = this.#body;
    const end = Math.min(chunk.length, from + body.length - this.#gathered);
    chunk.copy(body, this.#gathered, from, end);
    this.#gathered += end - from;
    if (this.#gathered === body.length) {
      this.#body = null;
      this.#onMessage(body);
    }
    return end;
  }
}
