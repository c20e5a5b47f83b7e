/**
 * A client that waits for a verdict: that it leaves is noticed, and what it sends meanwhile is kept. Node does
 * not notice the end of a socket behind bytes that nobody reads.
 */
import type { Socket } from 'node:net';

/** From here on no more is read, bytes: of a client that sends so much its leaving is noticed afterwards. */
const MAX_EARLY = 16 * 1024;

export class Early {
  readonly #socket: Socket;
  readonly #onEnd: () => void;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  /** @param onEnd The client has ended its side. */
  constructor(socket: Socket, onEnd: () => void) {
    this.#socket = socket;
    this.#onEnd = onEnd;
    socket.on('data', this.#onData).on('end', onEnd);
  }

  /** Ends it, and leaves the socket paused. */
  stop(): void {
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).pause();
  }

  /** All that was received. */
  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= MAX_EARLY) this.#socket.pause();
  };
}
