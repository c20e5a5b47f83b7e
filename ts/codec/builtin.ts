/** From the option `codec` to a codec. */
import { describe } from '../describe.js';
import { QWormholeError } from '../errors/error.js';
import { nearest } from '../nearest.js';
import { bufferCodec } from './buffer.js';
import { cborCodec } from './cbor.js';
import type { Codec, CodecName, CodecOption } from './codec.js';
import { guarded } from './guard.js';
import { jsonCodec } from './json.js';
import { msgpackCodec } from './msgpack.js';
import { textCodec } from './text.js';

const BUILTIN: Readonly<Record<CodecName, Codec>> = Object.freeze({
  buffer: guarded(bufferCodec),
  text: guarded(textCodec),
  json: guarded(jsonCodec),
  cbor: guarded(cborCodec),
  msgpack: guarded(msgpackCodec),
});

/** The names of the codecs that come with the library. */
export const CODEC_NAMES = Object.freeze(Object.keys(BUILTIN)) as readonly CodecName[];

/** Peers tell each other a codec's name in one byte of length and at most this many bytes. */
const MAX_NAME_BYTES = 32;

/**
 * The codec that an option stands for, throwing only `ERR_QW_ENCODE` and `ERR_QW_DECODE`.
 * Throws `ERR_QW_OPTION_INVALID` for an unknown name or an object that is no codec.
 */
export function codecFor(option: CodecOption): Codec {
  if (typeof option === 'string' && Object.hasOwn(BUILTIN, option)) return BUILTIN[option];
  const fault = typeof option === 'string' ? unknownName(option) : faultOf(option);
  if (fault === undefined) return guarded(option as Codec);
  throw new QWormholeError('ERR_QW_OPTION_INVALID', `Option codec ${fault}`, {
    details: { option: 'codec' },
  });
}

/** Whether a codec makes sense of chunks as they come, as protocol raw on a stream delivers them. */
export function isRawCodec(codec: Codec): boolean {
  return codec === BUILTIN.buffer || codec === BUILTIN.text;
}

function unknownName(name: string): string {
  const meant = nearest(name, CODEC_NAMES);
  return `is ${describe(name)}, which is none of ${CODEC_NAMES.join(', ')}${meant ? `; did you mean ${meant}?` : ''}`;
}

function faultOf(option: unknown): string | undefined {
  if (typeof option !== 'object' || option === null)
    return `must be a name or an object, not ${describe(option)}`;
  const { name, encode, decode } = option as Partial<Codec>;
  if (typeof name !== 'string' || name === '' || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    return `has a name that is not a string of 1 to ${MAX_NAME_BYTES} bytes: ${describe(name)}`;
  }
  if (typeof encode !== 'function') return `${describe(name)} has no function encode`;
  if (typeof decode !== 'function') return `${describe(name)} has no function decode`;
  return undefined;
}
