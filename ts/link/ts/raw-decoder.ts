/** The raw protocol's decoder: each chunk is a message, as it came. */
const NOTHING = Buffer.alloc(0);

export class RawDecoder {
  readonly oversized = -1;
  #chunk: Buffer = NOTHING;

  get held(): number {
    return this.#chunk.length;
  }

  get hasUnparsed(): boolean {
    return this.#chunk.length !== 0;
  }

  push(chunk: Buffer): void {
    this.#chunk = chunk;
  }

  /** Every chunk is legal. */
  check(): void {}

  next(): Buffer | undefined {
    const chunk = this.#chunk;
    if (chunk.length === 0) return undefined;
    this.#chunk = NOTHING;
    return chunk;
  }

  clear(): void {
    this.#chunk = NOTHING;
  }
}
