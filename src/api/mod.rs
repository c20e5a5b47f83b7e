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
mod endpoint;
mod inbox;
mod memory;
mod meter;
mod options;
mod sender;
mod server;
mod shared;
mod sink;
mod tls;

pub use client::connect;
pub use connection::Connection;
pub use options::Options;
pub use sender::{SendError, Sender, Sent};
pub use server::{Server, listen};
pub use tls::{TlsIdentity, TlsInfo, TlsOptions};

#[cfg(test)]
mod tests;
