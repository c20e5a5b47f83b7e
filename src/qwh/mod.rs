//! QWH/1, the protocol between two endpoints of QWormhole, without its sockets.
//!
//! Nothing here reads, waits or looks at a clock: bytes, verdicts and time come in, messages and bytes go
//! out. `docs/wire-format.md` is the text that this follows; `ts/qwh/` is its twin, and
//! `test/vectors/qwh/` holds both to it.
//!
//! ```text
//!                preamble · HELLO ──► ┌───────────┐ ──► the peer's HELLO, for the verdict
//!                                     │ Handshake │ ◄── accept · refuse · time out
//!              answer · HELLO · READY │           │ ──► ready, or the code that ends it
//!                                 ◄── └───────────┘
//!  ─────────────────────────────────────────────────────────────────────────────────
//!  bytes ──► records ──► Parser ──► messages, in place or put together    (receiving)
//!  messages by class ──► Scheduler ──► Encoder ──► records                (sending)
//! ```

pub mod caps;
mod decoder;
mod encoder;
mod events;
mod extension;
mod fault;
mod frame;
mod goaway;
mod handshake;
mod head;
mod hello;
pub mod limits;
mod meta;
mod negotiation;
mod parser;
mod preamble;
mod reassembly;
mod scheduler;
mod tlv;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use events::{Carrier, Event, Failure, Origin, Peer, Ready, Settings, Side};
pub use extension::Extension;
pub use fault::Fault;
pub use frame::{Header, Kind};
pub use goaway::GoAway;
pub use handshake::Handshake;
pub use hello::{Hello, PeerLimits, Session};
pub use meta::check as check_meta;
pub use negotiation::{Agreement, negotiate};
pub use preamble::{Answer, Preamble, Security, Versions};
pub use scheduler::{Fragment, Scheduler};
