//! WebSocket (RFC 6455) with permessage-deflate (RFC 7692), without its sockets.
//!
//! Nothing here reads, waits or looks at a clock: bytes and time come in, messages and bytes go out.
//!
//! ```text
//!           request ◄── RequestReader        ClientHandshake ──► request
//!  server   answer  ──► response::upgrade    ClientHandshake ◄── answer   client
//!  ─────────────────────────────────────────────────────────────────────────────
//!  bytes ──► Header ──► unmask ──► inflate ──► UTF-8 ──► messages    (receiving)
//!  message ──► Deflater ──► Header ──► mask ──► bytes                (sending)
//! ```

mod body;
pub mod client;
mod close;
mod control;
mod decoder;
mod deflate;
mod encoder;
pub mod extensions;
mod frame;
pub mod headers;
mod mask;
mod message;
mod parser;
pub mod request;
pub mod response;
mod utf8;

pub use close::{CloseFrame, MAX_REASON, close_code, may_be_sent, payload as close_payload};
pub use decoder::Decoder;
pub use deflate::{Deflater, Inflater, MAX_WINDOW, MIN_WINDOW, Params, Side};
pub(crate) use encoder::push_message;
pub use encoder::{Compression, Encoder};
pub use frame::{Header, MAX_CONTROL, MAX_HEADER, Opcode, Role, write_frame};
pub use headers::HeadLimits;
pub use mask::{Key, apply as mask, new_key};
pub use utf8::{Utf8, validate as validate_utf8};

#[cfg(test)]
mod tests;
