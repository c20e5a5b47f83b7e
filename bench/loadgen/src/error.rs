//! Why a run ended without a figure. Anything the server did wrong is an error, never a footnote.

use std::io;

/// What went wrong, worded for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line cannot be understood.
    #[error("{reason}")]
    Usage { reason: String },

    /// The server could not be reached.
    #[error("cannot connect to {address}: {source}")]
    Connect { address: String, source: io::Error },

    /// The operating system refused the processor asked for.
    #[error("cannot pin to processor {processor}: {source}")]
    Pin { processor: usize, source: io::Error },

    /// The server's process could not be observed.
    #[error("cannot read the processor time of process {pid}: {source}")]
    Observe { pid: u32, source: io::Error },

    /// A WebSocket server refused the connection, or answered what a client must not accept.
    #[error("connection {connection}: no WebSocket: {reason}")]
    Refused { connection: u32, reason: String },

    /// The server's bytes are not what the wire allows.
    #[error("connection {connection}: the server sent {violation}")]
    Protocol {
        connection: u32,
        violation: &'static str,
    },

    /// A message has the wrong length.
    #[error("connection {connection}: a message announces {announced} bytes where {due} are due")]
    Length {
        connection: u32,
        announced: usize,
        due: usize,
    },

    /// A message differs from what was sent.
    #[error("connection {connection}: message {sequence} is not what was sent")]
    Corrupt { connection: u32, sequence: u32 },

    /// The server sent more than it was asked for.
    #[error("connection {connection}: the server sent more than the messages due")]
    Surplus { connection: u32 },

    /// The server ended a connection that was still in use.
    #[error("connection {connection}: closed by the server")]
    Closed { connection: u32 },

    /// The server kept silent where an answer was due.
    #[error("connection {connection}: no answer for {seconds} s")]
    Unanswered { connection: u32, seconds: u64 },

    /// The server did not take a subscription.
    #[error("connection {connection}: the server did not confirm its subscription")]
    Unsubscribed { connection: u32 },

    /// Messages were still missing long after the last one was sent.
    #[error("{missing} messages never arrived")]
    Missing { missing: usize },

    /// The measured interval saw no message at all.
    #[error("no message arrived in the measured interval")]
    Silent,

    /// Any other failure of a system call.
    #[error(transparent)]
    Io(#[from] io::Error),
}
