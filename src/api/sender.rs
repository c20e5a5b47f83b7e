//! Sending: never waits, and says what became of each message.

use std::{fmt, sync::Arc, time::Duration};

use super::{options::invalid, protocol::Protocol, shared::Owner, verify::millis};
use crate::{
    error::{Code, Error, Result},
    link::Class,
    ws::{CloseFrame, may_be_sent},
};

/// A message was accepted, and this is how full the queue is with it.
///
/// Accepted means queued: it is written in order, unless the connection breaks or is terminated first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The queue is below the high watermark.
    Sent,
    /// The queue is at or above the high watermark: stop until
    /// [`drained`](crate::Connection::drained) resolves. Who goes on comes to the hard cap, where
    /// messages are dropped.
    Backpressure,
}

/// A message was not accepted; nothing of it is or will be on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Dropped: it would have taken the queue above the hard cap.
    #[error(
        "dropped: {queued} bytes are queued already, and {cap} may be; drained() tells when to go on"
    )]
    Full {
        /// Payload bytes queued.
        queued: usize,
        /// [`Options::max_queued`](crate::Options::max_queued).
        cap: usize,
    },
    /// Dropped: the connections of this server hold as much memory as they may.
    #[error("dropped: the memory budget is used up; raise memory_budget, or send less")]
    Budget,
    /// The message is larger than any may be, or than the peer takes.
    #[error("a message of {length} bytes is larger than the limit of {limit} bytes")]
    TooBig {
        /// Its payload's bytes.
        length: usize,
        /// [`Options::max_message`](crate::Options::max_message), or the peer's if that is less.
        limit: usize,
    },
    /// The connection is over, or our side of it was told to end.
    #[error("the connection is closed")]
    Closed,
}

impl From<SendError> for Error {
    fn from(refused: SendError) -> Self {
        let code = match refused {
            SendError::Full { .. } | SendError::Budget => Code::Resources,
            SendError::TooBig { .. } => Code::TooBig,
            SendError::Closed => Code::Closed,
        };
        Self::new(code, refused.to_string())
    }
}

/// The sending half of a [`Connection`](crate::Connection), for as many tasks and threads as want it.
///
/// A connection is closed when it and all its senders are dropped.
#[derive(Clone)]
pub struct Sender {
    owner: Arc<Owner>,
}

impl Sender {
    pub(super) fn new(owner: Owner) -> Self {
        Self {
            owner: Arc::new(owner),
        }
    }

    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// As [`Connection::send`](crate::Connection::send).
    ///
    /// # Errors
    /// As there.
    pub fn send(&self, message: impl AsRef<[u8]>) -> std::result::Result<Sent, SendError> {
        self.send_with_class(message, Class::Normal)
    }

    /// As [`Connection::send_with_class`](crate::Connection::send_with_class).
    ///
    /// # Errors
    /// As there.
    pub fn send_with_class(
        &self,
        message: impl AsRef<[u8]>,
        class: Class,
    ) -> std::result::Result<Sent, SendError> {
        self.owner.shared.send(message.as_ref(), false, class)
    }

    /// As [`Connection::send_text`](crate::Connection::send_text).
    ///
    /// # Errors
    /// As there.
    pub fn send_text(&self, message: impl AsRef<str>) -> std::result::Result<Sent, SendError> {
        self.send_text_with_class(message, Class::Normal)
    }

    /// As [`Connection::send_text_with_class`](crate::Connection::send_text_with_class).
    ///
    /// # Errors
    /// As there.
    pub fn send_text_with_class(
        &self,
        message: impl AsRef<str>,
        class: Class,
    ) -> std::result::Result<Sent, SendError> {
        self.owner
            .shared
            .send(message.as_ref().as_bytes(), true, class)
    }

    /// As [`Connection::drained`](crate::Connection::drained).
    ///
    /// # Errors
    /// As there.
    pub async fn drained(&self) -> Result<()> {
        let shared = &self.owner.shared;
        shared.drained(shared.limits.low).await
    }

    /// As [`Connection::flushed`](crate::Connection::flushed).
    ///
    /// # Errors
    /// As there.
    pub async fn flushed(&self) -> Result<()> {
        self.owner.shared.drained(0).await
    }

    /// As [`Connection::buffered_amount`](crate::Connection::buffered_amount).
    pub fn buffered_amount(&self) -> usize {
        self.owner.shared.meter.queued().bytes
    }

    /// As [`Connection::close`](crate::Connection::close).
    ///
    /// # Errors
    /// As there.
    pub async fn close(&self) -> Result<()> {
        self.owner.shared.close();
        self.closed().await
    }

    /// As [`Connection::close_with`](crate::Connection::close_with).
    ///
    /// # Errors
    /// As there.
    pub async fn close_with(&self, code: u16, reason: &str) -> Result<()> {
        let shared = &self.owner.shared;
        if shared.protocol() != Protocol::Qwh && !may_be_sent(code) {
            return Err(invalid(format!("the close code {code} must not be sent")));
        }
        shared.handle.close(CloseFrame {
            code: Some(code),
            reason: reason.to_owned(),
        });
        self.closed().await
    }

    /// As [`Connection::advise`](crate::Connection::advise).
    pub fn advise(&self, retry_after: Duration) {
        self.owner.shared.handle.advise(millis(Some(retry_after)));
    }

    /// As [`Connection::closed`](crate::Connection::closed).
    ///
    /// # Errors
    /// As there.
    pub async fn closed(&self) -> Result<()> {
        self.owner.shared.closed().await
    }

    /// As [`Connection::terminate`](crate::Connection::terminate).
    pub fn terminate(&self) {
        self.owner.shared.handle.terminate();
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.owner.shared.is_over()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("buffered_amount", &self.buffered_amount())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
