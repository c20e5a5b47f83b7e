/**
 * What messages are where they come from: the codec `buffer` gives bytes over TCP, and over WebSocket bytes or,
 * for text messages, strings. The types follow the endpoint as far as it is known when the program is written.
 */
import type { CodecOption } from './codec.js';

/** Carriers that are streams of bytes. */
type Stream = 'tcp' | 'tls' | 'unix' | 'pipe';

/** Whether endpoints may be WebSockets: only those that are written out are known not to be. */
type MayBeWebSocket<E> = E extends readonly (infer Each)[]
  ? MayBeWebSocket<Each>
  : E extends string
    ? string extends E
      ? true
      : Lowercase<E> extends `${Stream}:${string}`
        ? false
        : true
    : E extends { readonly scheme: Stream }
      ? false
      : true;

/** The codec `C` at the endpoints `E`: `'buffer' | 'text'` stands for messages that are bytes or strings. */
export type CodecAt<E, C extends CodecOption> = C extends 'buffer'
  ? true extends MayBeWebSocket<E>
    ? 'buffer' | 'text'
    : 'buffer'
  : C;
