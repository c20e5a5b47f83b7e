/** Standard output: it may be slow, and its reader may be gone. */

/** A reader that is gone is no fault of ours: `| head` ends like this. */
const GONE = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

export class Output {
  readonly #stream: NodeJS.WritableStream;
  #isBroken = false;
  #draining: Promise<void> | undefined;

  /** @param onBroken Nothing more can be written: the reader is gone, or there is an error. */
  constructor(stream: NodeJS.WritableStream, onBroken: (error: Error | undefined) => void) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#isBroken) return;
      this.#isBroken = true;
      stream.emit('drain');
      onBroken(GONE.has(error.code ?? '') ? undefined : error);
    });
  }

  /** False: better wait for `drained` before more. */
  write(data: string | Uint8Array): boolean {
    return this.#isBroken || this.#stream.write(data);
  }

  line(text: string): boolean {
    return this.write(`${text}\n`);
  }

  /** After a `false`: resolves when more can be written, or when it makes no difference any more. */
  drained(): Promise<void> {
    if (this.#isBroken) return Promise.resolve();
    // One for all who wait: there may be as many as connections.
    this.#draining ??= new Promise((resolve) => {
      this.#stream.once('drain', () => {
        this.#draining = undefined;
        resolve();
      });
    });
    return this.#draining;
  }
}
