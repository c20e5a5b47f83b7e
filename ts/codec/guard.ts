/** Puts any codec behind one rule of errors: whatever it does, callers see only our two codes. */
import { types } from 'node:util';
import { describe } from '../describe.js';
import { QWormholeError } from '../errors/error.js';
import type { Codec } from './codec.js';

/** The same codec, throwing nothing but `ERR_QW_ENCODE` and `ERR_QW_DECODE`. */
export function guarded(codec: Codec): Codec {
  const { name } = codec;
  return Object.freeze({
    name,

    encode(message: unknown): string | Uint8Array {
      let payload: unknown;
      try {
        payload = codec.encode(message);
      } catch (cause) {
        throw encodeError(name, reasonOf(cause), cause);
      }
      if (typeof payload === 'string' || types.isUint8Array(payload)) return payload;
      throw encodeError(name, `encode() gave ${describe(payload)}, neither a string nor a Uint8Array`);
    },

    decode(payload: Buffer): unknown {
      try {
        return codec.decode(payload);
      } catch (cause) {
        throw decodeError(name, payload.length, cause);
      }
    },
  });
}

function encodeError(codec: string, why: string, cause?: unknown): QWormholeError {
  const message = `The codec ${codec} cannot encode the message: ${why}`;
  return new QWormholeError('ERR_QW_ENCODE', message, { cause, details: { codec } });
}

/** The cause's own message stays in the cause: engines quote the payload in it. */
function decodeError(codec: string, bytes: number, cause: unknown): QWormholeError {
  const message = `A payload of ${bytes} bytes does not decode with the codec ${codec}`;
  return new QWormholeError('ERR_QW_DECODE', message, { cause, details: { bytes, codec } });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : describe(cause);
}
