//! The bits of a HELLO's capabilities. `docs/capabilities.md` says what a peer does without each.

/// Messages are acknowledged.
pub const ACKED: u64 = 1;
/// A session survives its connection.
pub const RESUME: u64 = 1 << 1;
/// Keys are renewed in the session.
pub const REKEY: u64 = 1 << 2;
/// Keys are renewed with a new key exchange.
pub const RATCHET: u64 = 1 << 3;
/// Tickets for a shorter handshake.
pub const TICKET: u64 = 1 << 4;
/// Subscriptions of clients.
pub const PUBSUB: u64 = 1 << 5;
/// Trace contexts with messages.
pub const TRACE: u64 = 1 << 6;
/// Compressed payloads.
pub const COMPRESSION: u64 = 1 << 7;
/// Streams and credit windows.
pub const FLOW: u64 = 1 << 8;

/// The first of the bits that are the application's; the last is 63.
pub const FIRST_OF_APPLICATION: u32 = 32;

/// What this version can do of the above: nothing yet that needs a flag.
pub const IMPLEMENTED: u64 = 0;
