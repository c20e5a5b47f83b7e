//! A connection as the program holds it.

use std::{
    fmt,
    future::poll_fn,
    net::SocketAddr,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::task::coop;

use super::{
    handshake::HandshakeInfo,
    inbox::Batch,
    message::Message,
    protocol::Protocol,
    request::Request,
    sender::{SendError, Sender, Sent},
    shared::{Owner, Shared},
    tls::TlsInfo,
};
use crate::{driver::Ends, error::Result, link::Class, qwh::GoAway, ws::CloseFrame};

/// An ordered, bounded, two-way stream of whole messages.
///
/// - Sending: [`send`](Self::send) and [`send_with_class`](Self::send_with_class) never wait;
///   [`drained`](Self::drained) and [`flushed`](Self::flushed) do. [`sender`](Self::sender) gives a
///   half that other tasks and threads can send with.
/// - Receiving: [`recv`](Self::recv). Whoever does not call it stops the peer: received messages wait in
///   a bounded window, then the socket is no longer read.
/// - Ending: [`close`](Self::close), [`terminate`](Self::terminate), [`closed`](Self::closed).
///
/// Dropping a connection and all its senders closes it in the background, as `close` does. When only
/// senders are left, what the peer sends is thrown away.
pub struct Connection {
    sender: Sender,
    ends: Ends,
    batch: Batch,
    /// The fault that ended the connection was told.
    told: bool,
    request: Option<Box<Request>>,
}

impl Connection {
    pub(super) fn new(owner: Owner, ends: Ends, request: Option<Request>) -> Self {
        Self {
            sender: Sender::new(owner),
            ends,
            batch: Batch::default(),
            told: false,
            request: request.map(Box::new),
        }
    }

    /// The next message; `None` once the peer ended its side or the connection was closed here. With `qwh`, and on a
    /// WebSocket, the peer waits for our end then, for what may still be sent: close the connection or drop it, or that
    /// is done after [`Options::close_timeout`](crate::Options::close_timeout).
    ///
    /// A fault, such as a reset, is told once, after the messages that came before it; `None` follows.
    /// A message shares memory with those that were received with it: whoever keeps a small one for long
    /// should copy it.
    ///
    /// Nothing is lost when the future is dropped before it resolves.
    ///
    /// # Errors
    /// `TooBig` and `Truncated` when the peer breaks the protocol, `ConnectionLost` when the network
    /// does, `CloseTimeout` when a close was given up, `Internal` on a defect of this library.
    pub async fn recv(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// As [`recv`](Self::recv), and also tells whether it is text.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub async fn recv_message(&mut self) -> Option<Result<Message>> {
        poll_fn(|cx| self.poll_recv_message(cx)).await
    }

    /// As [`recv`](Self::recv), for hand-written futures and streams.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let message = ready!(self.poll_recv_message(cx));
        Poll::Ready(message.map(|message| message.map(Message::into_bytes)))
    }

    /// As [`recv_message`](Self::recv_message), for hand-written futures and streams.
    pub fn poll_recv_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message>>> {
        // A busy peer must not keep this task running while others wait.
        let turn = ready!(coop::poll_proceed(cx));
        let shared = &self.sender.owner().shared;
        let more = !self.batch.is_empty() || ready!(shared.inbox.poll_take(&mut self.batch, cx));
        let message = self.batch.pop(&shared.budget);
        turn.made_progress();
        Poll::Ready(match more {
            true => message.map(Ok),
            false => self.fault().map(Err),
        })
    }

    /// Queues a message of normal class. Never waits.
    ///
    /// # Errors
    /// [`SendError::Full`] and [`SendError::Budget`] when the message was dropped,
    /// [`SendError::TooBig`] when it is larger than any may be, or than the peer takes, [`SendError::Closed`] when the
    /// connection is over or closing. The error can be turned into an [`Error`](crate::Error) by `?`.
    pub fn send(&self, message: impl AsRef<[u8]>) -> std::result::Result<Sent, SendError> {
        self.sender.send(message)
    }

    /// Queues a message. High overtakes normal overtakes low, with `qwh` between pieces of 16 KiB, else between whole
    /// messages, as long as they wait here; what the kernel has taken is not overtaken.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_with_class(
        &self,
        message: impl AsRef<[u8]>,
        class: Class,
    ) -> std::result::Result<Sent, SendError> {
        self.sender.send_with_class(message, class)
    }

    /// As [`send`](Self::send), as a text message where text is told from bytes: on a WebSocket without `qwh`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text(&self, message: impl AsRef<str>) -> std::result::Result<Sent, SendError> {
        self.sender.send_text(message)
    }

    /// As [`send_with_class`](Self::send_with_class), as a text message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text_with_class(
        &self,
        message: impl AsRef<str>,
        class: Class,
    ) -> std::result::Result<Sent, SendError> {
        self.sender.send_text_with_class(message, class)
    }

    /// Waits until the queue fell to the low watermark. Whoever does so after each
    /// [`Sent::Backpressure`], and is the only one to send, never sees a message dropped.
    ///
    /// # Errors
    /// `Closed` when the connection ended first.
    pub async fn drained(&self) -> Result<()> {
        self.sender.drained().await
    }

    /// Waits until the kernel has taken everything that was sent. It does not say that the peer has.
    ///
    /// # Errors
    /// `Closed` when the connection ended first.
    pub async fn flushed(&self) -> Result<()> {
        self.sender.flushed().await
    }

    /// Payload bytes accepted and not yet taken by the kernel.
    pub fn buffered_amount(&self) -> usize {
        self.sender.buffered_amount()
    }

    /// Ends the connection in order: writes what is queued, ends our side, and waits for the peer to
    /// end its own. What the peer still sends is thrown away. Also done when the future is dropped.
    ///
    /// # Errors
    /// `CloseTimeout` when there was no progress for
    /// [`Options::close_timeout`](crate::Options::close_timeout), else as [`closed`](Self::closed).
    pub async fn close(&self) -> Result<()> {
        self.sender.close().await
    }

    /// As [`close`](Self::close), and the peer is told why: with `qwh` by a [`CloseCode`](crate::CloseCode)'s number,
    /// or one of the program's own, on a WebSocket by one of its own; otherwise nothing can say it. A reason is cut
    /// between characters at 256 bytes, on a WebSocket at 123.
    ///
    /// # Errors
    /// `OptionInvalid` without `qwh` for a code that no close frame may carry (1000 to 1014 less 1004 to 1006, and 3000
    /// to 4999, may), else as [`close`](Self::close).
    pub async fn close_with(&self, code: u16, reason: &str) -> Result<()> {
        self.sender.close_with(code, reason).await
    }

    /// Has the close that follows say when the peer should come back; with `qwh` only, otherwise nothing can say it.
    pub fn advise(&self, retry_after: Duration) {
        self.sender.advise(retry_after);
    }

    /// What the peer's close frame said, once the connection is over: `None` over TCP, if there was none, where we said
    /// farewell first, and where it said a GOAWAY.
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.shared().close_frame()
    }

    /// What the peer's GOAWAY said, once the connection is over: `None` without `qwh`, and where we said ours first.
    pub fn goaway(&self) -> Option<GoAway> {
        self.shared().goaway()
    }

    /// Waits until the connection is over, for whatever reason.
    ///
    /// # Errors
    /// The fault that ended it; `Closed` when it was terminated here.
    pub async fn closed(&self) -> Result<()> {
        self.sender.closed().await
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Resets the connection. What is queued is lost, and the peer sees a fault.
    pub fn terminate(&self) {
        self.sender.terminate();
    }

    /// Another hold on the sending half.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The peer's address; over a Unix socket, where nobody has one, `0.0.0.0:0`.
    pub fn remote_addr(&self) -> SocketAddr {
        self.ends.remote
    }

    /// Our address, likewise.
    pub fn local_addr(&self) -> SocketAddr {
        self.ends.local
    }

    /// What the TLS handshake decided; `None` without TLS.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.shared().tls()
    }

    /// Keying material of the TLS session (RFC 5705; RFC 8446, section 7.5), equal on both ends.
    ///
    /// # Errors
    /// `Closed` without TLS or when the connection is over, `OptionInvalid` for a length of 0 or too many
    /// bytes.
    pub fn export_keying_material(
        &self,
        label: &str,
        length: usize,
        context: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        let handle = &self.shared().handle;
        handle.export_keys(label.as_bytes(), length, context)
    }

    /// The subprotocol that both ends of a WebSocket agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        Some(self.shared().subprotocol()).filter(|name| !name.is_empty())
    }

    /// What is spoken: a server of [`Protocol::Qwh`] may have other peers too.
    pub fn protocol(&self) -> Protocol {
        self.shared().protocol()
    }

    /// What the handshake of `qwh` came to; `None` without.
    pub fn handshake(&self) -> Option<&HandshakeInfo> {
        self.shared().handshake()
    }

    /// What the client of a server's WebSocket asked for.
    pub fn request(&self) -> Option<&Request> {
        self.request.as_deref()
    }

    fn shared(&self) -> &Shared {
        &self.sender.owner().shared
    }

    /// The fault that ended the connection, once.
    fn fault(&mut self) -> Option<crate::Error> {
        let fault = self.shared().fault().filter(|_| !self.told);
        self.told |= fault.is_some();
        fault
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let shared = self.shared();
        let cost = self.batch.cost() + shared.inbox.desert();
        shared.budget.free(cost);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("remote_addr", &self.ends.remote)
            .field("local_addr", &self.ends.local)
            .field("sender", &self.sender)
            .finish_non_exhaustive()
    }
}
