//! The link's side of a connection.

use std::{sync::Arc, task::Waker};

use tokio::task::AbortHandle;

use super::{
    door::Visitor,
    handshake::{HandshakeInfo, HandshakePeer},
    memory::{Found, Memory},
    message::Message,
    server::Place,
    shared::{Opened, Shared},
    tls::TlsInfo,
    verify::{Refusal, Verify},
};
use crate::{
    driver::{Agreed, Closed, Ends, Ration, Sink, Verdict, watch},
    error::{Code, Error},
    link::{Payload, Room},
    qwh::Peer,
    tls::Info,
    ws::request::RequestHead,
};

/// Takes what a link's task has to tell.
pub(super) struct LinkSink {
    shared: Arc<Shared>,
    memory: Memory,
    found: Found,
    /// The last look for room was for bytes of an unfinished message.
    unfinished: bool,
    /// The link stands among those that wait to finish a message.
    starves: bool,
    /// Held as long as the link lives.
    place: Option<Place>,
    /// The client of a server's handshakes, until it is in.
    visitor: Option<Box<Visitor>>,
    verify: Option<Verify>,
    /// Who the peer is, until it is in.
    met: Option<Box<HandshakeInfo>>,
    /// The program decides about it.
    deciding: Option<AbortHandle>,
}

impl LinkSink {
    pub(super) fn new(shared: Arc<Shared>, place: Option<Place>, verify: Option<Verify>) -> Self {
        Self {
            shared,
            memory: Memory::default(),
            found: Found::default(),
            unfinished: false,
            starves: false,
            place,
            visitor: None,
            verify,
            met: None,
            deciding: None,
        }
    }

    /// Has `visitor` let in once the handshake is over.
    pub(super) fn await_visitor(&mut self, visitor: Box<Visitor>) {
        self.visitor = Some(visitor);
    }

    fn has_room(&self) -> bool {
        let Shared {
            inbox,
            budget,
            limits,
            ..
        } = &*self.shared;
        inbox.has_room(limits.receive_window)
            && match self.unfinished {
                true => budget.has_room_for_unfinished(),
                false => budget.has_room(),
            }
    }
}

impl LinkSink {
    fn starve(&mut self) {
        let Shared { handle, budget, .. } = &*self.shared;
        self.starves = true;
        if budget.starving().wait(handle, budget.limit()) {
            tokio::spawn(watch(budget));
        }
    }

    fn stop_starving(&mut self) {
        if std::mem::take(&mut self.starves) {
            let Shared { handle, budget, .. } = &*self.shared;
            budget.starving().forget(handle);
        }
    }

    /// The peer is gone: its verdict is nobody's any more.
    fn stop_deciding(&mut self) {
        if let Some(deciding) = self.deciding.take() {
            deciding.abort();
        }
    }
}

impl Sink for LinkSink {
    type Room<'a> = &'a mut Self;

    fn asked(&mut self, ends: Ends, head: &RequestHead) {
        if let Some(visitor) = &mut self.visitor {
            visitor.ask(ends, head);
        }
    }

    // The settings that programs in Rust can make ask nothing: what a peer must be is in them.
    fn greeted(&mut self, _: Ends, _: &str, _: u32) {}

    fn secured(&mut self, _: Ends, _: &Info, _: u32) {}

    fn insecure(&mut self, Ends { remote, .. }: Ends, error: &Error) {
        tracing::debug!(%remote, %error, "a TLS handshake failed");
    }

    fn met(&mut self, ends: Ends, _: &Agreed, tls: Option<&Info>, sid: &[u8; 16], peer: &Peer) {
        let info = HandshakeInfo::new(*sid, peer);
        self.met = Some(Box::new(info.clone()));
        // Where there is no room nobody is asked.
        let welcome = self
            .visitor
            .as_mut()
            .map_or(Ok(()), |visitor| visitor.welcome());
        let handle = &self.shared.handle;
        match (welcome, &self.verify) {
            (Err(refusal), _) => handle.judge(Refusal::into_verdict(refusal)),
            (Ok(()), None) => handle.judge(Verdict::Allow),
            (Ok(()), Some(verify)) => {
                let peer = HandshakePeer {
                    handshake: info,
                    remote_addr: ends.remote,
                    tls: tls.map(TlsInfo::from),
                };
                let door = self.visitor.as_ref().map(|visitor| visitor.door());
                self.deciding = Some(verify.ask(peer, handle, door));
            }
        }
    }

    fn unmet(&mut self, Ends { remote, .. }: Ends, error: &Error) {
        tracing::debug!(%remote, %error, "a handshake failed");
    }

    fn opened(&mut self, ends: Ends, agreed: &Agreed) {
        let tls = agreed.tls.as_deref().map(TlsInfo::from);
        self.shared.open(Opened {
            ends,
            subprotocol: agreed.subprotocol.clone(),
            tls,
            handshake: self.met.take(),
        });
        self.deciding = None;
        if let Some(visitor) = self.visitor.take() {
            self.place = visitor.open(ends);
        }
    }

    fn room(&mut self) -> &mut Self {
        self.stop_starving();
        self.memory.begin_turn();
        self
    }

    fn wait_for_room(&mut self, waker: &Waker) {
        self.shared.inbox.stall(waker);
        if !self.has_room() {
            self.shared.budget.wait(&self.shared);
        }
        if self.unfinished && self.shared.budget.is_full_of_unfinished() {
            self.starve();
        }
        // Room that was made before we said that we wait has woken nobody.
        if self.has_room() {
            self.shared.room_again();
        }
    }

    fn released(&mut self) {}

    fn broke(&mut self, error: &Error) {
        self.shared.broke(error);
    }

    fn ended(&mut self) {
        self.shared.inbox.end();
    }

    fn closed(&mut self, closed: Closed) {
        // Whoever never got in leaves its place before anybody hears of it.
        self.visitor = None;
        self.stop_deciding();
        self.shared.end(closed);
    }
}

impl Room for &mut LinkSink {
    type Marks = Found;

    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Found)> {
        self.unfinished = false;
        self.has_room()
            .then(|| (self.memory.space(min), &mut self.found))
    }

    fn commit(&mut self, used: usize) {
        if used > 0 {
            let messages = self.memory.cut(used, &mut self.found);
            self.shared.inbox.push(messages, &self.shared.budget);
        }
    }

    fn assembled(&mut self, message: Vec<u8>, payload: Payload) {
        let message = std::iter::once(Message::new(message.into(), payload));
        self.shared.inbox.push(message, &self.shared.budget);
    }

    fn hold(&mut self, delta: isize) -> bool {
        self.shared.budget.hold(delta);
        self.shared.handle.hold(delta);
        self.unfinished = true;
        self.has_room()
    }
}

impl Drop for LinkSink {
    fn drop(&mut self) {
        self.stop_starving();
        self.stop_deciding();
        if !self.shared.is_over() {
            // The runtime was shut down, or a defect took the task: nobody serves the socket now.
            self.shared.handle.terminate();
            self.shared.handle.abandon(true);
            let why = "the task that served the connection is gone";
            self.shared
                .end(Closed::fault(Error::new(Code::Closed, why)));
        }
    }
}
