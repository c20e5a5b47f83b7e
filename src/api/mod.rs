//! The API of Rust programs: servers, clients and their connections on the program's own runtime.
//!
//! ```text
//!   Connection, Sender ──► Outbound queue ──► socket ──► Inbound ──► Inbox ──► Connection::recv
//!        (yours)           (under a lock)     (the link's task)    (bounded)       (yours)
//! ```
//!
//! The link core and its task are those that the addon uses. What is here is what a consumer brings:
//! memory to read into, bounds, and how an end is told.

mod budget;
mod client;
mod connection;
mod door;
mod endpoint;
mod handshake;
mod inbox;
mod memory;
mod message;
mod meter;
mod options;
mod origin;
mod protocol;
mod qwh;
mod request;
mod sender;
mod server;
mod shared;
mod sink;
mod site;
mod socket_path;
mod start;
mod tls;
mod verify;
mod websocket;

pub use client::connect;
pub use connection::Connection;
pub use handshake::{HandshakeInfo, HandshakePeer};
pub use message::Message;
pub use options::Options;
pub use origin::Origins;
pub use protocol::Protocol;
pub use qwh::QwhOptions;
pub use request::{Authorize, Request, Verdict};
pub use sender::{SendError, Sender, Sent};
pub use server::{Server, listen, listen_all};
pub use tls::{TlsIdentity, TlsInfo, TlsOptions};
pub use verify::{Refusal, Verify};
pub use websocket::{Deflate, WebSocketOptions};

#[cfg(test)]
mod tests;
