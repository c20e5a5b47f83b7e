/** Block B: payloads made to break the codecs. */
import { attack } from './lib/run.js';
import { cbor, json, msgpack } from './rows/codecs.js';

attack(json, cbor, msgpack);
