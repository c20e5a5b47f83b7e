/** Events of the I/O side as words: the twin of `src/exchange/descriptor.rs`. */

/** Words of one event: slot, generation and kind, offset, length, listener, aux. */
export const EVENT_WORDS = 6;

/** Kind and generation share a word. */
export const KIND_BITS = 8;
export const KIND_MASK = 0xff;

/** Set in the code of a GOAWAY. */
export const GOAWAY = 1 << 16;

/** What happened. */
export const EventKind = {
  /** `length` bytes at `offset` of the current slab. */
  message: 1,
  /** From here on offsets are in the slab `aux`. */
  slab: 2,
  /** A message of `length` bytes waits as parcel `aux`. */
  assembled: 3,
  /** A connection is up; parcel `aux` has its addresses and what both ends agreed upon. */
  opened: 4,
  /** The threshold that was asked for is reached. */
  released: 5,
  /** The peer ended its side. */
  ended: 6,
  /**
   * The connection is over; `offset` is 1 if cleanly, `length` the peer's close code if it sent a close frame, or
   * `GOAWAY` and its code, and then `listener` when to come back, ms; parcel `aux`, unless it is 0, has its reason, or else the error.
   */
  closed: 7,
  /** `listener` failed to accept for now; parcel `aux` has the error. */
  listenerFailed: 8,
  /** The port of `listener` is free again. */
  listenerClosed: 9,
  /** The I/O side broke; parcel `aux` says why. */
  failed: 10,
  /** As `message`, of text, which is valid UTF-8. */
  text: 11,
  /** As `assembled`, of text. */
  assembledText: 12,
  /** A client of `listener` asks to open a WebSocket; parcel `aux` has its request. */
  asked: 13,
  /** TLS: a client of `listener` asks for a name that no identity is for; parcel `aux` has its address and the name. */
  greeted: 14,
  /** TLS: a handshake is done and waits for the verdict on the peer; parcel `aux` is as that of `opened`. */
  secured: 15,
  /** TLS: a handshake with a client of `listener` failed; parcel `aux` has its address and the error. */
  insecure: 16,
  /** QWH/1: the peer has said who it is and waits for the verdict; parcel `aux` has what it said. */
  met: 17,
  /** QWH/1: a handshake with a client of `listener` failed; parcel `aux` has its address and the error. */
  unmet: 18,
} as const;
