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

  push(chunk: Buffer, begin = 0, end = chunk.length): void {
    this.#chunk = end - begin === chunk.length ? chunk : chunk.subarray(begin, end);
  }

  absorb(): number {
    return 0;
  }

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
