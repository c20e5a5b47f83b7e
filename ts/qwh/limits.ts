/** The constants of the protocol: what no peer may exceed, whatever is configured. Sizes are bytes. */

/** The version of the protocol that is spoken here. */
export const VERSION = 1;

/** The first bytes of a preamble and of its answer: `QWH1`. */
export const MAGIC: readonly number[] = [0x51, 0x57, 0x48, 0x31];

/** A preamble before its extension. */
export const PREAMBLE = 14;

/** Most of a preamble's extension: a route, later a ticket. */
export const MAX_PREAMBLE_EXTENSION = 1024;

/** The answer to a preamble. */
export const ANSWER = 8;

/** Most of a record: its length is a `u16`, so that no peer can ask for a large buffer. */
export const MAX_RECORD = 65_535;

/** Most of a HELLO: 4 KiB of `meta`, 4 KiB of everything else. */
export const MAX_HELLO = 8 * 1024;

/** Most of the JSON in `meta`. */
export const MAX_META = 4 * 1024;

/** Deepest nesting of the JSON in `meta`, its outermost object counted. */
export const MAX_META_DEPTH = 8;

/** Most extensions of a HELLO. */
export const MAX_EXTENSIONS = 16;

/** Most of all extensions of a HELLO together. */
export const MAX_EXTENSION_BYTES = 4 * 1024;

/** Most of a codec's name. */
export const MAX_CODEC = 32;

/** Most of a route. */
export const MAX_ROUTE = 255;

/** Most of the reason in a GOAWAY. */
export const MAX_REASON = 256;

/** Most of the extension in a message's head. */
export const MAX_MESSAGE_EXTENSION = 8 * 1024;

/**
 * Payload of a fragment of ours. Also what a peer may count on: a message needs no more fragments than one for
 * each 16 KiB of it.
 */
export const FRAGMENT = 16 * 1024;

/** A record of ours is sealed once it has this many bytes. */
export const FULL_RECORD = 16 * 1024;

/** A class that waits goes next after this many fragments of higher ones: it gets one of every 16. */
export const PASSED_OVER = 15;
