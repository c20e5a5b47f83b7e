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

    /// A reply has the wrong length.
    #[error(
        "connection {connection}: reply {sequence} announces {announced} bytes, {sent} were sent"
    )]
    Length {
        connection: u32,
        sequence: u32,
        announced: usize,
        sent: usize,
    },

    /// A reply differs from its message.
    #[error("connection {connection}: reply {sequence} is not what was sent")]
    Corrupt { connection: u32, sequence: u32 },

    /// The server sent more than it was asked for.
    #[error("connection {connection}: the server sent bytes beyond the last reply due")]
    Surplus { connection: u32 },

    /// The server ended a connection that still had replies due.
    #[error("connection {connection}: closed by the server with {outstanding} replies due")]
    Closed { connection: u32, outstanding: usize },

    /// Replies were still missing long after the last message.
    #[error("{missing} replies never arrived")]
    Missing { missing: usize },

    /// The measured interval saw no reply at all.
    #[error("no reply arrived in the measured interval")]
    Silent,

    /// Any other failure of a system call.
    #[error(transparent)]
    Io(#[from] io::Error),
}
