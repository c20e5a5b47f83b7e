/** Copies a message into memory of its own: not a piece of the pool that Node cuts small buffers from. */
export function copyOf(message: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(message.length);
  copy.set(message);
  return copy;
}
