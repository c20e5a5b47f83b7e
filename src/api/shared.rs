//! What the halves of a connection share: the program's, and the link's task.

use std::{
    pin::pin,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use super::{
    budget::Budget,
    handshake::HandshakeInfo,
    inbox::Inbox,
    meter::Meter,
    options::{Limits, Options},
    protocol::Protocol,
    sender::{SendError, Sent},
    server::Place,
    sink::LinkSink,
    tls::TlsInfo,
};
use crate::{
    close_code::CloseCode,
    driver::{Closed, Ends, Handle, NewLink, Ration, Security},
    error::{Code, Error, Result},
    link::{Class, Inbound},
    qwh::GoAway,
    ws::CloseFrame,
};

/// The close code of WebSocket for an end in order (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1000;

/// What every connection of a server or a client is made from.
#[derive(Debug)]
pub(super) struct Plan {
    pub options: Options,
    pub limits: Limits,
    pub budget: Arc<Budget>,
}

impl Plan {
    pub(super) fn new(options: Options) -> Result<Self> {
        Ok(Self {
            limits: options.check()?,
            budget: Arc::new(Budget::new(options.memory_budget)),
            options,
        })
    }

    /// A new connection: what the program gets of it, and what runs it. `place` is given back when the
    /// connection is over.
    pub(super) fn link(
        &self,
        place: Option<Place>,
        is_websocket: bool,
        security: Option<&Security>,
    ) -> (Owner, NewLink<LinkSink, Inbound>) {
        let Options {
            protocol,
            max_message,
            close_timeout,
            ..
        } = self.options;
        let meter = Arc::new(Meter::new(Arc::clone(&self.budget)));
        let framing = protocol.framing();
        let handle = Handle::new(framing, &self.options.outbound_rates, meter.clone(), 0);
        let shared = Arc::new(Shared {
            handle: Arc::new(handle),
            limits: self.limits,
            meter,
            inbox: Inbox::default(),
            budget: Arc::clone(&self.budget),
            waits: AtomicBool::new(false),
            opened: OnceLock::new(),
            broken: OnceLock::new(),
            over: OnceLock::new(),
            protocol: protocol.without_handshake(is_websocket),
            is_websocket,
        });
        let limit = self.budget.limit();
        self.budget.starving().enlist(&shared.handle, limit);
        // What is not received waits in the window, which is bounded: no need to be asked first.
        shared.handle.set_reading(true);
        let link = NewLink {
            handle: Arc::clone(&shared.handle),
            beginning: Inbound::new(framing, max_message),
            sink: LinkSink::new(Arc::clone(&shared), place, self.options.qwh.verify.clone()),
            inbound: self.options.inbound_rates,
            heartbeat: self.options.heartbeat,
            close_timeout,
            security: security.cloned(),
            within: self.options.connect_timeout,
        };
        (Owner { shared }, link)
    }
}

pub(super) struct Shared {
    pub handle: Arc<Handle>,
    pub limits: Limits,
    pub meter: Arc<Meter>,
    pub inbox: Inbox,
    pub budget: Arc<Budget>,
    /// The link stands in the budget's list.
    pub waits: AtomicBool,
    opened: OnceLock<Opened>,
    /// What the peer did wrong, before the connection is over for that.
    broken: OnceLock<Error>,
    over: OnceLock<Closed>,
    /// What is spoken if there is no handshake.
    protocol: Protocol,
    is_websocket: bool,
}

/// What a connection has once it is up.
pub(super) struct Opened {
    pub ends: Ends,
    /// Empty for none.
    pub subprotocol: String,
    pub tls: Option<TlsInfo>,
    pub handshake: Option<Box<HandshakeInfo>>,
}

impl Shared {
    /// Queues a message if the bounds allow it.
    pub(super) fn send(
        &self,
        payload: &[u8],
        is_text: bool,
        class: Class,
    ) -> std::result::Result<Sent, SendError> {
        let limit = self.max_send();
        if payload.len() > limit {
            return Err(SendError::TooBig {
                length: payload.len(),
                limit,
            });
        }
        self.handle
            .queue(class, payload, is_text && self.tells_text(), || {
                self.admit(payload.len())
            })
            .unwrap_or(Err(SendError::Closed))
    }

    /// The connection is up.
    pub(super) fn open(&self, opened: Opened) {
        // Told once.
        let _ = self.opened.set(opened);
        self.meter.progress.notify_waiters();
    }

    /// The peer broke the rules.
    pub(super) fn broke(&self, error: &Error) {
        let _ = self.broken.set(error.again());
    }

    /// The connection is over. The first reason counts.
    pub(super) fn end(&self, closed: Closed) {
        // Before the queue is void: who finds it empty then knows why.
        let _ = self.over.set(closed);
        self.meter.settle();
        self.inbox.end();
        self.meter.progress.notify_waiters();
    }

    /// What the TLS handshake decided, if there was one.
    pub(super) fn tls(&self) -> Option<&TlsInfo> {
        self.opened.get()?.tls.as_ref()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    /// The subprotocol agreed on; empty for none.
    pub(super) fn subprotocol(&self) -> &str {
        (self.opened.get()).map_or("", |opened| &opened.subprotocol)
    }

    /// What both ends know of each other, if they have shaken hands.
    pub(super) fn handshake(&self) -> Option<&HandshakeInfo> {
        self.opened.get()?.handshake.as_deref()
    }

    /// What is spoken.
    pub(super) fn protocol(&self) -> Protocol {
        match self.handshake() {
            Some(_) => Protocol::Qwh,
            None => self.protocol,
        }
    }

    /// What the peer's close frame said, once the connection is over.
    pub(super) fn close_frame(&self) -> Option<&CloseFrame> {
        let closed = self.over.get()?;
        (closed.farewell.as_ref()).filter(|_| closed.retry_after_ms.is_none())
    }

    /// What the peer's GOAWAY said, once the connection is over.
    pub(super) fn goaway(&self) -> Option<GoAway> {
        let closed = self.over.get()?;
        let (frame, retry_after_ms) = closed.farewell.as_ref().zip(closed.retry_after_ms)?;
        Some(GoAway {
            code: CloseCode(frame.code.unwrap_or_default()),
            last_stream: 0,
            retry_after_ms,
            reason: frame.reason.clone(),
        })
    }

    /// Ends our side after what is queued.
    pub(super) fn close(&self) {
        let code = match self.handshake() {
            Some(_) => CloseCode::OK.0,
            None => NORMAL,
        };
        self.handle.close(CloseFrame {
            code: Some(code),
            reason: String::new(),
        });
    }

    /// The fault that ended the connection, if one did.
    pub(super) fn fault(&self) -> Option<Error> {
        let over = || self.over.get()?.error.as_ref();
        self.broken.get().or_else(over).map(Error::again)
    }

    /// Waits until the connection is up.
    pub(super) async fn opened(&self) -> Result<Ends> {
        self.until(|| self.opened.get().is_some()).await;
        match (self.opened.get(), self.over.get()) {
            (Some(opened), _) => Ok(opened.ends),
            (
                None,
                Some(Closed {
                    error: Some(error), ..
                }),
            ) => Err(error.again()),
            (None, _) => Err(Error::new(
                Code::Closed,
                "the attempt to connect was given up",
            )),
        }
    }

    /// Waits until at most `cost` is queued.
    pub(super) async fn drained(&self, cost: usize) -> Result<()> {
        self.until(|| self.meter.queued().cost() <= cost).await;
        match self.over.get() {
            Some(Closed { clean: false, .. }) => Err(Error::new(
                Code::Closed,
                "the connection ended with messages queued",
            )),
            _ => Ok(()),
        }
    }

    /// Waits until the connection is over.
    pub(super) async fn closed(&self) -> Result<()> {
        self.until(|| false).await;
        match self.over.get() {
            Some(Closed {
                clean: false,
                error,
                ..
            }) => Err(error.as_ref().map_or_else(
                || Error::new(Code::Closed, "the connection was terminated"),
                Error::again,
            )),
            _ => Ok(()),
        }
    }

    /// Has the link look again for room to read into.
    pub(super) fn room_again(&self) {
        self.inbox.room_again();
    }

    /// Largest message that may be sent: ours, or what the peer takes if that is less.
    fn max_send(&self) -> usize {
        let ours = self.limits.max_message;
        (self.handshake()).map_or(ours, |peer| ours.min(peer.max_message))
    }

    /// The carrier tells text from bytes; records do not.
    fn tells_text(&self) -> bool {
        self.is_websocket && self.handshake().is_none()
    }

    /// Under the link's lock: whether a message of `bytes` may be queued, and if so counts it.
    fn admit(&self, bytes: usize) -> std::result::Result<Sent, SendError> {
        let Limits {
            high, max_queued, ..
        } = self.limits;
        let queued = self.meter.queued();
        let too_much = queued.bytes > 0 && queued.bytes + bytes > max_queued;
        if too_much || queued.overhead() >= max_queued {
            return Err(SendError::Full {
                queued: queued.bytes,
                cap: max_queued,
            });
        }
        if !self.budget.try_add(bytes) {
            return Err(SendError::Budget);
        }
        self.meter.accept(bytes);
        Ok(match self.meter.queued().cost() < high {
            true => Sent::Sent,
            false => Sent::Backpressure,
        })
    }

    /// Waits until `done` or the connection is over.
    async fn until(&self, done: impl Fn() -> bool) {
        loop {
            let mut progress = pin!(self.meter.progress.notified());
            // Before the look: what happens after it is not missed.
            progress.as_mut().enable();
            if self.is_over() || done() {
                return;
            }
            progress.await;
        }
    }
}

/// The program's hold on a connection: when it is gone, the connection is closed.
pub(super) struct Owner {
    pub shared: Arc<Shared>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        match self.shared.opened.get() {
            Some(_) => self.shared.close(),
            None => self.shared.handle.terminate(),
        }
    }
}
