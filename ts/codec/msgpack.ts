/** MessagePack. */
import type { Codec } from './codec.js';
import { decodeMsgpack } from './msgpack-decode.js';
import { encodeMsgpack } from './msgpack-encode.js';

/**
 * Takes plain data, bytes, dates, bigints of 64 bits and Maps with string keys; bytes arrive as `Buffer`,
 * maps as objects, integers beyond 2^53 as bigints.
 */
export const msgpackCodec: Codec = { name: 'msgpack', encode: encodeMsgpack, decode: decodeMsgpack };
