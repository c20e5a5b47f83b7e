//! The constants of the protocol: what no peer may exceed, whatever is configured.

/// The version of the protocol that is spoken here.
pub const VERSION: u8 = 1;

/// The first bytes of a preamble and of its answer.
pub const MAGIC: [u8; 4] = *b"QWH1";

/// Bytes of a preamble before its extension.
pub const PREAMBLE: usize = 14;

/// Most bytes of a preamble's extension: a route, later a ticket.
pub const MAX_PREAMBLE_EXTENSION: usize = 1024;

/// Bytes of the answer to a preamble.
pub const ANSWER: usize = 8;

/// Most bytes of a record: its length is a `u16`, so that no peer can ask for a large buffer.
pub const MAX_RECORD: usize = 65_535;

/// Most bytes of a HELLO: 4 KiB of `meta`, 4 KiB of everything else.
pub const MAX_HELLO: usize = 8 * 1024;

/// Most bytes of the JSON in `meta`.
pub const MAX_META: usize = 4 * 1024;

/// Deepest nesting of the JSON in `meta`, its outermost object counted.
pub const MAX_META_DEPTH: usize = 8;

/// Most extensions of a HELLO.
pub const MAX_EXTENSIONS: usize = 16;

/// Most bytes of all extensions of a HELLO together.
pub const MAX_EXTENSION_BYTES: usize = 4 * 1024;

/// Most bytes of a codec's name.
pub const MAX_CODEC: usize = 32;

/// Most bytes of a route.
pub const MAX_ROUTE: usize = 255;

/// Most bytes of the reason in a GOAWAY.
pub const MAX_REASON: usize = 256;

/// Most bytes of the extension in a message's head.
pub const MAX_MESSAGE_EXTENSION: usize = 8 * 1024;

/// Payload of a fragment of ours. Also what a peer may count on: a message needs no more fragments than
/// one for each 16 KiB of it.
pub const FRAGMENT: usize = 16 * 1024;

/// A record of ours is sealed once it has this many bytes.
pub const FULL_RECORD: usize = 16 * 1024;

/// A class that waits goes next after this many fragments of higher ones: it gets one of every 16.
pub const PASSED_OVER: u8 = 15;
