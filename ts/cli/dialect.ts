/**
 * What messages look like to a person and to a pipe, by codec: lines of input become messages, messages become
 * lines of output, JSON, or bytes.
 */
import { isUtf8 } from 'node:buffer';
import { CODEC_NAMES } from '../codec/builtin.js';
import type { Codec, CodecName } from '../codec/codec.js';
import type { Protocol } from '../link/link.js';
import { PROTOCOLS } from '../endpoint.js';
import { OPTION_TABLE } from '../options/table.js';
import type { Arguments, OptionSpec, OptionSpecs } from './arguments.js';
import { decodeVisibly, escapeJson, escapeText } from './escape.js';

/** One way to write messages. */
export interface Dialect {
  /** For the library. */
  readonly codec: CodecName | Codec;
  /** The message that a line of input stands for; throws an error for people. `undefined`: none. */
  parse(line: Buffer): unknown;
  /** One safe line. */
  show(message: unknown): string;
  /** The fields of a JSON line. */
  fields(message: unknown): Readonly<Record<string, unknown>>;
  /** As it came. */
  raw(message: unknown): string | Uint8Array;
}

/** The option that chooses a protocol. */
export const PROTOCOL_OPTION: OptionSpec = {
  value: PROTOCOLS.join('|'),
  help: 'how messages lie on the wire; default qwh',
};

/** What `PROTOCOL_OPTION` says. */
export function protocolOf(given: Arguments): Protocol {
  return given.choice('protocol', PROTOCOLS, OPTION_TABLE.protocol.default);
}

/** The options that choose a dialect. */
export const DIALECT_OPTIONS: OptionSpecs = {
  protocol: PROTOCOL_OPTION,
  codec: { value: CODEC_NAMES.join('|'), help: 'what messages are' },
};

/** What the options say. @param fallback The codec without an option, where the protocol does not name it. */
export function dialectOf(
  given: Arguments,
  fallback: CodecName,
  endpoint = '',
): { readonly protocol: Protocol; readonly dialect: Dialect } {
  const wished = protocolOf(given);
  // Where there are messages, raw is no stream: it is the same as length-prefixed.
  const protocol = wished === 'raw' && /^wss?:/i.test(endpoint) ? 'length-prefixed' : wished;
  // With qwh both ends name their codecs, so all commands begin with the same one.
  const name = given.choice('codec', CODEC_NAMES, protocol === 'qwh' ? 'buffer' : fallback);
  if (name === 'text' && protocol === 'raw') return { protocol, dialect: bytesDialect('buffer', false) };
  if (name === 'text') return { protocol, dialect: bytesDialect(LENIENT_TEXT, true) };
  return { protocol, dialect: name === 'buffer' ? bytesDialect(name, false) : valueDialect(name) };
}

/** Text on the wire, but what is not UTF-8 can be shown instead of being an error. */
const LENIENT_TEXT: Codec<string | Uint8Array> = {
  name: 'text',
  // A string goes as a text message where there are such.
  encode: (message) => (typeof message !== 'string' && isUtf8(message) ? String(message) : message),
  decode: (payload) => payload,
};

function bytesDialect(codec: CodecName | Codec, isText: boolean): Dialect {
  return {
    codec,
    parse(line) {
      if (isText && !isUtf8(line)) throw new Error('it is not UTF-8; --codec buffer sends any bytes');
      return line;
    },
    show: (message) => escapeText(decodeVisibly(bytesOf(message))),
    fields(message) {
      const bytes = bytesOf(message);
      return isUtf8(bytes) ? { message: bytes.toString() } : { base64: bytes.toString('base64') };
    },
    raw: (message) => message as Buffer | string,
  };
}

/** Text messages of WebSocket come as strings. */
export function bytesOf(message: unknown): Buffer {
  return typeof message === 'string' ? Buffer.from(message) : (message as Buffer);
}

function valueDialect(codec: CodecName): Dialect {
  return {
    codec,
    parse(line) {
      const text = line.toString().trim();
      return text === '' ? undefined : JSON.parse(text);
    },
    show: (message) => escapeJson(toJson(message)),
    fields: (message) => ({ message }),
    raw: toJson,
  };
}

/** An event as one line of JSON, safe to be seen as well. */
export function jsonLine(fields: Readonly<Record<string, unknown>>): string {
  return escapeJson(toJson(fields));
}

/** JSON for what the binary codecs give besides: bytes become base64, large integers strings, undefined null. */
function toJson(value: unknown): string {
  return JSON.stringify(value, replacer) ?? 'null';
}

function replacer(this: Record<string, unknown>, key: string, value: unknown): unknown {
  // Not `value`: a Buffer is an array of numbers by then.
  const original = this[key];
  if (original instanceof Uint8Array) return { base64: Buffer.from(original).toString('base64') };
  return typeof value === 'bigint' ? value.toString() : value;
}
