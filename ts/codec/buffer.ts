/** Bytes as they are. */
import { types } from 'node:util';
import { describe } from '../describe.js';
import type { BufferInput, Codec } from './codec.js';

/** Takes bytes of any kind and strings; gives a `Buffer`. */
export const bufferCodec: Codec<BufferInput> = {
  name: 'buffer',

  encode(message) {
    if (typeof message === 'string' || types.isUint8Array(message)) return message;
    if (ArrayBuffer.isView(message)) {
      return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
    }
    if (types.isAnyArrayBuffer(message)) return new Uint8Array(message);
    throw new TypeError(`bytes or a string are needed, not ${describe(message)}`);
  },

  decode(payload) {
    return payload;
  },
};
