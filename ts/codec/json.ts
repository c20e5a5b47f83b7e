/** JSON, by the engine's own functions. */
import { describe } from '../describe.js';
import type { Codec } from './codec.js';
import { textOf } from './utf8.js';

/**
 * Takes what `JSON.stringify` takes. A key `__proto__` that a peer sends becomes an ordinary own property,
 * as `JSON.parse` defines it: it changes no prototype.
 */
export const jsonCodec: Codec = {
  name: 'json',

  encode(message) {
    const text = JSON.stringify(message);
    if (text === undefined) throw new TypeError(`JSON has no form for ${describe(message)}`);
    return text;
  },

  decode(payload) {
    return JSON.parse(textOf(payload));
  },
};
