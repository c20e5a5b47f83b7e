//! What the halves of a connection share: the program's, and the link's task.

use std::{
    pin::pin,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use super::{
    budget::Budget,
    inbox::Inbox,
    meter::{Meter, MeterLedger},
    options::{Limits, Options},
    sender::{SendError, Sent},
    server::Place,
    sink::LinkSink,
    tls::TlsInfo,
};
use crate::{
    driver::{Closed, Ends, Handle, NewLink, Ration, Security},
    error::{Code, Error, Result},
    link::{Class, Inbound},
    ws::CloseFrame,
};

/// The close code of an end in order (RFC 6455, section 7.4.1).
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
        let ledger = Box::new(MeterLedger(Arc::clone(&meter)));
        let handle = Handle::new(protocol, &self.options.outbound_rates, ledger);
        let shared = Arc::new(Shared {
            handle: Arc::new(handle),
            limits: self.limits,
            meter,
            inbox: Inbox::default(),
            budget: Arc::clone(&self.budget),
            waits: AtomicBool::new(false),
            ends: OnceLock::new(),
            tls: OnceLock::new(),
            over: OnceLock::new(),
            is_websocket,
        });
        let limit = self.budget.limit();
        self.budget.starving().enlist(&shared.handle, limit);
        // What is not received waits in the window, which is bounded: no need to be asked first.
        shared.handle.set_reading(true);
        let link = NewLink {
            handle: Arc::clone(&shared.handle),
            beginning: Inbound::new(protocol, max_message),
            sink: LinkSink::new(Arc::clone(&shared), place),
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
    ends: OnceLock<(Ends, String)>,
    tls: OnceLock<TlsInfo>,
    over: OnceLock<Closed>,
    /// The carrier tells text from bytes, and has close frames.
    pub is_websocket: bool,
}

impl Shared {
    /// Queues a message if the bounds allow it.
    pub(super) fn send(
        &self,
        payload: &[u8],
        is_text: bool,
        class: Class,
    ) -> std::result::Result<Sent, SendError> {
        let limit = self.limits.max_message;
        if payload.len() > limit {
            return Err(SendError::TooBig {
                length: payload.len(),
                limit,
            });
        }
        self.handle
            .queue(class, payload, is_text && self.is_websocket, || {
                self.admit(payload.len())
            })
            .unwrap_or(Err(SendError::Closed))
    }

    /// The connection is up.
    pub(super) fn open(&self, ends: Ends, subprotocol: &str, tls: Option<TlsInfo>) {
        // Told once.
        if let Some(tls) = tls {
            let _ = self.tls.set(tls);
        }
        let _ = self.ends.set((ends, subprotocol.to_owned()));
        self.meter.progress.notify_waiters();
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
        self.tls.get()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    /// The subprotocol agreed on; empty for none.
    pub(super) fn subprotocol(&self) -> &str {
        self.ends.get().map_or("", |(_, subprotocol)| subprotocol)
    }

    /// What the peer's close frame said, once the connection is over.
    pub(super) fn farewell(&self) -> Option<&CloseFrame> {
        self.over.get()?.farewell.as_ref()
    }

    /// Ends our side after what is queued.
    pub(super) fn close(&self) {
        self.handle.close(CloseFrame {
            code: Some(NORMAL),
            reason: String::new(),
        });
    }

    /// The fault that ended the connection, if one did.
    pub(super) fn fault(&self) -> Option<Error> {
        self.over.get()?.error.as_ref().map(Error::again)
    }

    /// Waits until the connection is up.
    pub(super) async fn opened(&self) -> Result<Ends> {
        self.until(|| self.ends.get().is_some()).await;
        match (self.ends.get(), self.over.get()) {
            (Some((ends, _)), _) => Ok(*ends),
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
        match self.shared.ends.get() {
            Some(_) => self.shared.close(),
            None => self.shared.handle.terminate(),
        }
    }
}
