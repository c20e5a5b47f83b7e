//! A client's request to open a WebSocket, and what the application says to it.

use std::{fmt, net::SocketAddr, sync::Arc};

use crate::ws::request::RequestHead;

/// What a client sent to open a WebSocket.
#[derive(Clone, Debug)]
pub struct Request {
    head: RequestHead,
    remote: SocketAddr,
}

impl Request {
    pub(super) fn new(head: RequestHead, remote: SocketAddr) -> Self {
        Self { head, remote }
    }

    /// The path as sent, without the query; percent-encoded.
    pub fn path(&self) -> &str {
        match self.split().0 {
            "" => "/",
            path => path,
        }
    }

    /// What follows the question mark, as sent; empty for none.
    pub fn query(&self) -> &str {
        self.split().1
    }

    /// The first value of a header, if it is text; names are compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .headers
            .all(name)
            .next()
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// All headers as sent, in their order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head.headers.iter()
    }

    /// Where the page comes from; programs other than browsers send none.
    pub fn origin(&self) -> Option<&str> {
        self.header("origin")
    }

    /// The subprotocols that the client offers, best first.
    pub fn subprotocols(&self) -> &[String] {
        &self.head.protocols
    }

    /// The client's address.
    pub fn remote_addr(&self) -> SocketAddr {
        self.remote
    }

    fn split(&self) -> (&str, &str) {
        self.head
            .target
            .split_once('?')
            .unwrap_or((&self.head.target, ""))
    }
}

/// What [`Authorize`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The client may come in.
    Accept,
    /// It may not, and an HTTP status from 400 to 599 says so. A page in a browser cannot read it.
    Refuse {
        /// The status; 500 is sent for one that is out of range.
        status: u16,
        /// A few words: at most 16 KiB. Status 500 is sent in place of a longer one.
        body: String,
    },
    /// It may not, and the connection is opened to be closed with this code, which a page can read.
    Close {
        /// The code; 1008 is sent for one that no close frame may carry.
        code: u16,
        /// At most 123 bytes of it are sent.
        reason: String,
    },
}

/// Decides who may open a WebSocket. It is called on the runtime that serves the connections and must
/// not block; a panic refuses the client with status 500.
///
/// ```
/// use qwormhole::{Authorize, Verdict};
///
/// let authorize = Authorize::new(|request| match request.header("authorization") {
///     Some("Bearer secret") => Verdict::Accept,
///     _ => Verdict::Refuse { status: 401, body: "who are you?".into() },
/// });
/// # let _ = authorize;
/// ```
#[derive(Clone)]
pub struct Authorize(Arc<dyn Fn(&Request) -> Verdict + Send + Sync>);

impl Authorize {
    /// From a function.
    pub fn new(decide: impl Fn(&Request) -> Verdict + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    pub(super) fn decide(&self, request: &Request) -> Verdict {
        (self.0)(request)
    }
}

impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorize(..)")
    }
}
