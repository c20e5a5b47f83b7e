/** The bits of a HELLO's capabilities. `docs/capabilities.md` says what a peer does without each. */
export const CAPS = Object.freeze({
  /** Messages are acknowledged. */
  acked: 1n << 0n,
  /** A session survives its connection. */
  resume: 1n << 1n,
  /** Keys are renewed in the session. */
  rekey: 1n << 2n,
  /** Keys are renewed with a new key exchange. */
  ratchet: 1n << 3n,
  /** Tickets for a shorter handshake. */
  ticket: 1n << 4n,
  /** Subscriptions of clients. */
  pubsub: 1n << 5n,
  /** Trace contexts with messages. */
  trace: 1n << 6n,
  /** Compressed payloads. */
  compression: 1n << 7n,
  /** Streams and credit windows. */
  flow: 1n << 8n,
});

/** The first of the bits that are the application's; the last is 63. */
export const FIRST_CAP_OF_APPLICATION = 32;

/** What this version can do of the above: nothing yet that needs a flag. */
export const IMPLEMENTED_CAPS = 0n;
