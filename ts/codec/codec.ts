/**
 * Codecs: what a message is in JavaScript, and which bytes carry it. A codec sees one payload at a
 * time and no connection, so one object serves all.
 */

/** Translates between messages and payloads. Both functions may throw: the connection goes on. */
export interface Codec<T = any> {
  /** Shown in errors; both ends must mean the same by it. */
  readonly name: string;
  /** The payload of a message; a string goes out as UTF-8. */
  encode(message: T): string | Uint8Array;
  /** The message of a payload. The buffer may share memory with others; a view that is kept keeps it. */
  decode(payload: Buffer): T;
}

/** The codecs that come with the library. */
export type CodecName = 'buffer' | 'text' | 'json' | 'cbor' | 'msgpack';

/** What the option `codec` takes. */
export type CodecOption = CodecName | Codec;

/** What the codec `buffer` takes for bytes; a string stands for its UTF-8. */
export type BufferInput = string | ArrayBufferView | ArrayBufferLike;

/**
 * A contract: what one end receives and what it sends, where the program says so, as in
 * `listen<{ in: A; out: B }>`. A claim about the peer, which no codec checks by itself.
 */
export interface Messages {
  readonly in: any;
  readonly out: any;
}

/** Codecs that messages of any type can go through. */
export type ContractCodec = 'json' | 'cbor' | 'msgpack' | Codec;

/** What gives the messages of a server, a client or a connection their types: its codec, or a contract. */
export type MessageTypes = CodecOption | Messages;

/**
 * What arrives, by codec or contract. The self-describing codecs give `any`, as `JSON.parse` does: what a peer
 * sends has no type until it is checked.
 */
export type CodecMessage<C extends MessageTypes> = C extends Messages
  ? C['in']
  : C extends 'buffer'
    ? Buffer
    : C extends 'text'
      ? string
      : C extends Codec<infer T>
        ? T
        : any;

/** What `send` takes, by codec or contract. */
export type CodecInput<C extends MessageTypes> = C extends Messages
  ? C['out']
  : C extends 'buffer'
    ? BufferInput
    : C extends Codec<infer T>
      ? T
      : C extends 'text'
        ? string
        : any;
