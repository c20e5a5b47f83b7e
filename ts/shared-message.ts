/** Messages that go to many connections. */
import type { Codec } from './codec/codec.js';
import { tooBig } from './errors/error.js';
import type { SharedMessage } from './link/link.js';
import { isTextOf, sizeOf } from './sending.js';

/**
 * Encodes a message once. Its bytes are its own: the caller may reuse those given.
 * @throws QWormholeError as `send` does.
 */
export function shareMessage(
  codec: Codec,
  message: unknown,
  maxMessage: number,
  text: boolean | undefined,
): SharedMessage {
  const encoded = codec.encode(message);
  const size = sizeOf(encoded);
  if (size > maxMessage) throw tooBig(size, maxMessage);
  const isText = isTextOf(encoded, text);
  const payload =
    typeof encoded === 'string' ? Buffer.from(encoded) : Uint8Array.prototype.slice.call(encoded);
  return { payload, size, isText };
}
