//! The options of WebSockets.

use std::{sync::Arc, time::Duration};

use super::{
    endpoint::Endpoint,
    options::{Options, invalid, within, within_millis},
    origin::Origins,
    request::Authorize,
};
use crate::{
    driver::{Call, Meeting, Opening, SUBPROTOCOL, UnderWay},
    error::Result,
    link::ReceiveLimits,
    ws::{
        Compression, HeadLimits, Params,
        headers::{check_field, is_token},
    },
};

/// What only WebSockets have, in [`Options::websocket`]: endpoints `ws://host:port/path`.
///
/// ```
/// use qwormhole::{Options, WebSocketOptions};
///
/// let options = Options {
///     websocket: WebSocketOptions {
///         subprotocols: vec!["chat.v2".into(), "chat.v1".into()],
///         ..WebSocketOptions::default()
///     },
///     ..Options::default()
/// };
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct WebSocketOptions {
    /// Subprotocols, best first: of a server those it speaks, of which the first that a client offers is
    /// chosen; of a client those it offers. Default none.
    pub subprotocols: Vec<String>,
    /// Compresses messages where the peer can (permessage-deflate). Default `None`: costs time, and memory
    /// for each connection.
    pub deflate: Option<Deflate>,
    /// Further headers of the request, names and values; values are sent as Latin-1. Clients only. Default none.
    pub headers: Vec<(String, String)>,
    /// Whose pages may connect. Servers only. Default [`Origins::SameHost`].
    pub origins: Origins,
    /// Refuses clients that send no origin. Servers only. Default false.
    pub require_origin: bool,
    /// Has the last word on who may connect. Servers only. Default: everybody may.
    pub authorize: Option<Authorize>,
    /// Time for an opening handshake, from the TCP connection on. Servers only; clients have
    /// [`Options::connect_timeout`]. Default 10 s.
    pub handshake_timeout: Duration,
    /// Opening handshakes under way at a time; connections beyond are reset. Servers only. Default 1,024.
    pub max_pending_handshakes: usize,
    /// Largest head of an opening handshake in bytes. Default 16 KiB.
    pub max_header_bytes: usize,
    /// Most headers of it. Default 100.
    pub max_headers: usize,
    /// Most frames of one message, the empty ones too. Default 16,384.
    pub max_fragments: usize,
    /// Pings and pongs that a peer may send at once. Default 64.
    pub control_burst: u32,
    /// Pings and pongs that it may send each second from then on. Default 32.
    pub control_per_second: u32,
}

/// How messages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// Shorter messages go uncompressed. Default 1,024 bytes.
    pub threshold: usize,
    /// Effort: 1 is fast, 9 is small. Default 6.
    pub level: u32,
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            threshold: 1024,
            level: 6,
        }
    }
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        let limits = ReceiveLimits::default();
        let head = HeadLimits::default();
        Self {
            subprotocols: Vec::new(),
            deflate: None,
            headers: Vec::new(),
            origins: Origins::default(),
            require_origin: false,
            authorize: None,
            handshake_timeout: Duration::from_secs(10),
            max_pending_handshakes: 1024,
            max_header_bytes: head.bytes,
            max_headers: head.headers,
            max_fragments: limits.max_fragments,
            control_burst: limits.control_burst,
            control_per_second: limits.control_per_second,
        }
    }
}

impl WebSocketOptions {
    pub(super) fn check(&self) -> Result<()> {
        const MOST: usize = 1 << 20;
        within(
            "websocket.max_pending_handshakes",
            self.max_pending_handshakes,
            1..=MOST,
        )?;
        within(
            "websocket.max_header_bytes",
            self.max_header_bytes,
            1024..=MOST,
        )?;
        within("websocket.max_headers", self.max_headers, 8..=10_000)?;
        within("websocket.max_fragments", self.max_fragments, 1..=MOST)?;
        within("websocket.control_burst", self.control_burst, 1..=1 << 20)?;
        within(
            "websocket.control_per_second",
            self.control_per_second,
            1..=1 << 20,
        )?;
        within_millis("websocket.handshake_timeout", self.handshake_timeout, 1)?;
        if let Some(deflate) = &self.deflate {
            within(
                "websocket.deflate.threshold",
                deflate.threshold,
                0..=1 << 30,
            )?;
            within("websocket.deflate.level", deflate.level, 0..=9)?;
        }
        for (name, value) in &self.headers {
            check_field(name, value)?;
            if name.eq_ignore_ascii_case("host") {
                return Err(invalid(
                    "websocket.headers has Host, which the endpoint sets",
                ));
            }
        }
        match self
            .subprotocols
            .iter()
            .find(|name| !is_token(name.as_bytes()))
        {
            Some(name) => Err(invalid(format!(
                "websocket.subprotocols has {name:?}, which is no token"
            ))),
            None => Ok(()),
        }
    }
}

impl Options {
    /// How WebSockets of a listener begin, or with `call` that of a client. With `qwh` its subprotocol is spoken.
    pub(super) fn opening(
        &self,
        call: Option<&Endpoint>,
        qwh: Option<Arc<Meeting>>,
    ) -> Arc<Opening> {
        let ws = &self.websocket;
        // Records are not compressed; a server may have to do with others too.
        let only_records = qwh.is_some() && call.is_some();
        let deflate = ws.deflate.filter(|_| !only_records);
        Arc::new(Opening {
            limits: ReceiveLimits {
                max_message: self.max_message,
                max_fragments: ws.max_fragments,
                control_burst: ws.control_burst,
                control_per_second: ws.control_per_second,
            },
            head: HeadLimits {
                bytes: ws.max_header_bytes,
                headers: ws.max_headers,
            },
            deflate: deflate.map(|Deflate { threshold, level }| {
                (Params::default(), Compression { threshold, level })
            }),
            timeout: match call {
                Some(_) => self.connect_timeout,
                None => ws.handshake_timeout,
            },
            call: call.map(|endpoint| Call {
                target: endpoint.target.clone().unwrap_or_default(),
                authority: endpoint.authority(),
                headers: ws.headers.clone(),
                subprotocols: offered(&ws.subprotocols, qwh.is_some()),
            }),
            under_way: UnderWay::new(ws.max_pending_handshakes),
            qwh,
        })
    }
}

/// A client of QWH/1 offers its subprotocol before all others.
fn offered(subprotocols: &[String], is_qwh: bool) -> Vec<String> {
    let own = is_qwh.then(|| SUBPROTOCOL.to_owned());
    let others = subprotocols
        .iter()
        .filter(|name| !is_qwh || *name != SUBPROTOCOL);
    own.into_iter().chain(others.cloned()).collect()
}
