//! Messages between processes: whole, in order, bounded in memory, over TCP, WebSocket and Unix sockets, with TLS or
//! without.
//!
//! A stream socket gives bytes; a program wants messages, wants to know when it sends faster than the
//! other side reads, and wants that to cost neither memory without bound nor a task that hangs. That
//! is what is here, and no more: [`listen`] and [`connect`] give [`Connection`]s, which send and
//! receive messages of any size up to a limit.
//!
//! ```
//! use qwormhole::{Options, connect, listen};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> qwormhole::Result<()> {
//! let server = listen("tcp://127.0.0.1:0", Options::default()).await?;
//! let connecting = connect(server.address(), Options::default());
//! // The two shake hands.
//! let (client, connection) = tokio::join!(connecting, server.accept());
//! let (client, mut connection) = (client?, connection?);
//!
//! client.send("hello")?;
//! let message = connection.recv().await.transpose()?;
//! assert_eq!(message.as_deref(), Some(&b"hello"[..]));
//!
//! drop(connection);
//! client.close().await
//! # }
//! ```
//!
//! # How it works
//!
//! ```text
//!              send ──► three queues, bounded ──► records ──► ┌────────┐
//!  your tasks           high · normal · low                   │ socket │ ◄──► the peer, in
//!              recv ◄── a window, bounded ◄── whole messages ◄─└────────┘      Rust or Node
//!                                              a task per connection, on your runtime
//! ```
//!
//! - **Sending never waits.** [`Connection::send`] queues and tells the truth at once:
//!   [`Sent::Sent`], [`Sent::Backpressure`] at the high watermark, or an error that says that the
//!   message was dropped. [`drained`](Connection::drained) and [`flushed`](Connection::flushed) wait.
//! - **Receiving is pulled.** Whoever does not call [`Connection::recv`] stops the peer: a bounded window
//!   fills, then the socket is no longer read, then the peer's own queue says backpressure.
//! - **Ends are told apart.** A peer that finished is `None`, a fault is an error with a stable
//!   [`Code`], and [`Connection::close`] says whether everything arrived in order.
//! - **It is your runtime.** Connections are tasks on the tokio runtime that calls [`listen`] or
//!   [`connect`]; it needs I/O and time enabled. Nothing here starts a thread, but for the resolver's.
//!
//! A sender that minds its peer:
//!
//! ```
//! use qwormhole::{Connection, Result, Sent};
//!
//! async fn send_all(connection: &Connection, messages: &[Vec<u8>]) -> Result<()> {
//!     for message in messages {
//!         if connection.send(message)? == Sent::Backpressure {
//!             connection.drained().await?;
//!         }
//!     }
//!     connection.flushed().await
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! #     let server = qwormhole::listen("tcp://127.0.0.1:0", Default::default()).await?;
//! #     let connecting = qwormhole::connect(server.address(), Default::default());
//! #     let (client, connection) = tokio::join!(connecting, server.accept());
//! #     let (client, mut connection) = (client?, connection?);
//! #     let messages = vec![vec![7; 100_000]; 100];
//! #     let receive = async {
//! #         for _ in 0..100 {
//! #             assert_eq!(connection.recv().await.transpose()?.map(|m| m.len()), Some(100_000));
//! #         }
//! #         Ok::<_, qwormhole::Error>(())
//! #     };
//! #     tokio::try_join!(send_all(&client, &messages), receive)?;
//! #     Ok(())
//! # }
//! ```
//!
//! # On the wire
//!
//! [`Protocol::Qwh`], the default as in Node, begins with a handshake in which each end says who it is and accepts the
//! other: [`QwhOptions`] have what this end says and [`Verify`], its verdict; [`Connection::handshake`] has what
//! came of it. Then come messages in pieces, so that urgent ones overtake the rest of large ones, signs of life, and a
//! last word: [`Connection::close_with`] tells the peer why, [`Connection::goaway`] what it said. A server of it also
//! takes peers that speak as follows, unless it is told not to.
//!
//! With [`Protocol::LengthPrefixed`] a message is its length as a big-endian `u32` and then its bytes: any program in any
//! language can take part in five lines. With [`Protocol::Raw`] the bytes go as they are, and are received in the pieces
//! in which they come. A WebSocket (`ws://host:port/path`, RFC 6455) has messages of its own with both, text and binary:
//! whoever needs to know which calls [`Connection::recv_message`] and [`Connection::send_text`]. [`WebSocketOptions`] say
//! who may connect.
//!
//! # What it refuses
//!
//! - To announce memory for what it has not received: a header that claims a gigabyte costs four bytes.
//! - To read a message above [`Options::max_message`]: the connection ends with [`Code::TooBig`].
//! - To deliver part of a message: a stream that ends inside one is [`Code::Truncated`].
//! - To ignore an option: what the platform cannot do is [`Code::OptionUnsupported`].
//! - To reconnect, or to number messages. A connection that breaks loses
//!   what was on its way; whoever must know that a message arrived has the peer say so.
//!
//! # Below the API
//!
//! [`link`] is one connection without its socket, a state machine that is fed bytes and readiness, for
//! programs with an event loop of their own. [`frame`] is its wire form, [`error`] the table of codes
//! that this crate shares with the Node package of the same name. [`qwh`] is QWH/1, the protocol with a
//! handshake, in the same manner.
//!
//! # Features
//!
//! - `addon` (default): the Node-API addon. A Rust program turns it off with
//!   `default-features = false`; the API is the same.

/// The programs of the guide, run as the examples of this page are.
#[cfg(doctest)]
#[doc = include_str!("../docs/rust.md")]
mod guide {}

mod allowance;
mod api;
mod close_code;
// The I/O thread and what goes with it serve the addon alone.
#[cfg_attr(
    not(feature = "addon"),
    allow(dead_code, unused_imports, reason = "the addon's part")
)]
mod driver;
pub mod error;
#[cfg(any(feature = "addon", feature = "fuzzing", test))]
#[cfg_attr(
    not(feature = "addon"),
    allow(
        dead_code,
        unused_imports,
        reason = "the addon's part, tested without it"
    )
)]
mod exchange;
pub mod frame;
pub mod link;
pub mod qwh;
mod socket;
mod sync;
// The Rust API asks for less than the addon does.
#[cfg_attr(
    not(feature = "addon"),
    allow(dead_code, reason = "the addon's part, tested without it")
)]
mod tls;
#[allow(
    dead_code,
    unused_imports,
    reason = "some of it serves the addon or tests alone"
)]
mod ws;

#[cfg(feature = "addon")]
mod ffi;
#[cfg(any(feature = "fuzzing", test))]
#[cfg_attr(
    not(feature = "fuzzing"),
    allow(unreachable_pub, dead_code, reason = "public for the targets")
)]
pub mod fuzzing;

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod instructions;
#[cfg(all(test, feature = "model"))]
mod model;

pub use api::{
    Authorize, Connection, Deflate, HandshakeInfo, HandshakePeer, Message, Options, Origins,
    Protocol, QwhOptions, Refusal, Request, SendError, Sender, Sent, Server, TlsIdentity, TlsInfo,
    TlsOptions, Verdict, Verify, WebSocketOptions, connect, listen, listen_all,
};
pub use bytes::Bytes;
pub use close_code::CloseCode;
pub use error::{Answer, Code, Error, Result};
pub use link::{Class, Heartbeat, Rate, Rates};
pub use socket::SocketOptions;
pub use tls::Fingerprint;
pub use ws::CloseFrame;
