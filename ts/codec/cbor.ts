/** CBOR. */
import { decodeCbor } from './cbor-decode.js';
import { encodeCbor } from './cbor-encode.js';
import type { Codec } from './codec.js';

/**
 * Takes plain data, bytes, dates, bigints of 64 bits and Maps with string keys; bytes arrive as `Buffer`,
 * maps as objects, integers beyond 2^53 as bigints.
 */
export const cborCodec: Codec = { name: 'cbor', encode: encodeCbor, decode: decodeCbor };
