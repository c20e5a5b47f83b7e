/** Text as UTF-8. */
import { describe } from '../describe.js';
import type { Codec } from './codec.js';
import { textOf } from './utf8.js';

/** Takes strings and gives strings. A lone surrogate goes out as U+FFFD, as everywhere in Node. */
export const textCodec: Codec<string> = {
  name: 'text',

  encode(message) {
    if (typeof message === 'string') return message;
    throw new TypeError(`a string is needed, not ${describe(message)}`);
  },

  decode: textOf,
};
