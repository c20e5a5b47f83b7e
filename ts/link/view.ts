/** Views of received bytes, made by the cheapest constructor that Node has. */

/** Node's own subclass of `Uint8Array`: `Buffer.from` and `subarray` end in it, at two to three times the cost. */
type BufferConstructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => Buffer;

function fastConstructor(): BufferConstructor {
  const species: unknown = (Buffer as unknown as Record<symbol, unknown>)[Symbol.species];
  try {
    const probe = new (species as BufferConstructor)(new ArrayBuffer(2), 1, 1);
    if (Buffer.isBuffer(probe) && probe.byteOffset === 1 && probe.length === 1)
      return species as BufferConstructor;
  } catch {
    // A runtime without this detail of Node: the documented way does.
  }
  return function view(buffer: ArrayBufferLike, byteOffset: number, length: number) {
    return Buffer.from(buffer, byteOffset, length);
  } as unknown as BufferConstructor;
}

/** `new View(arrayBuffer, byteOffset, length)` is a `Buffer` that shares the memory. */
export const View: BufferConstructor = fastConstructor();

const { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength')!;

/**
 * The size of some bytes. The getter by itself, because V8 inlines it so, but not where it has to find it
 * through the prototype of `Buffer`.
 */
export function byteLength(bytes: Uint8Array): number {
  return get!.call(bytes) as number;
}
