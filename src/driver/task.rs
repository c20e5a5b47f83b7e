//! The task of one link: turns readiness, wishes and time into calls on the link core.

mod ending;

use std::{
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use self::ending::{Deadline, Phase};
use super::{
    carrier::Receiver,
    guarded::message,
    handle::{Half, Handle},
    incoming::Incoming,
    new_link::NewLink,
    pace::{Inlet, exceeded},
    pulse::{Pulse, sign},
    sink::{Agreed, Closed, Ends, Sink},
    stream::Stream,
};
use crate::{
    error::{Code, Error, Result},
    link::{Act, ReadTurn, Released, TURN, Written},
    socket,
    tls::or_left,
};

/// A running link; resolves when the connection is over and its consumer was told.
pub(crate) struct LinkTask<S: Sink> {
    handle: Arc<Handle>,
    receiver: Receiver,
    /// There is a TLS session.
    is_secured: bool,
    incoming: Incoming,
    sink: S,
    close_timeout_ms: u32,
    phase: Phase,
    /// The peer ended its side.
    peer_ended: bool,
    /// Our side is ended.
    we_ended: bool,
    deadline: Option<Box<Deadline>>,
    /// Not to be read: how much data had come when that was said.
    ahead_of: Option<u64>,
    /// The end of the peer was seen while there was nothing to be read.
    sees_end: bool,
    /// Set: what is received is bounded.
    inlet: Option<Box<Inlet>>,
    /// On a carrier with signs of life.
    pulse: Option<Box<Pulse>>,
    /// There may be more to read than we want to know of.
    is_deaf: bool,
}

impl<S: Sink> LinkTask<S> {
    /// Puts `stream` under `link`'s handle and tells the sink that the connection is up.
    pub(super) fn start(
        stream: impl Into<Stream>,
        ends: Ends,
        link: NewLink<S, Incoming>,
        mut agreed: Agreed,
    ) -> Self {
        let (stream, secured) = stream.into().into_parts();
        let (reader, writer) = stream.into_split();
        let mut task = Self {
            receiver: Receiver::new(reader),
            is_secured: secured.is_some(),
            handle: link.handle,
            incoming: link.beginning,
            sink: link.sink,
            close_timeout_ms: u32::try_from(link.close_timeout.as_millis()).unwrap_or(u32::MAX),
            phase: Phase::Open,
            peer_ended: false,
            we_ended: false,
            deadline: None,
            // What came behind an opening handshake is read ahead like anything else.
            ahead_of: Some(0),
            sees_end: false,
            inlet: None,
            pulse: None,
            is_deaf: false,
        };
        let mut half = task.handle.lock();
        half.socket = Some(writer);
        task.inlet = Inlet::new(&link.inbound);
        if let Some(inlet) = &task.inlet {
            inlet.bound(task.incoming.intake());
        }
        if task.incoming.has_farewells() {
            task.pulse = Pulse::start(link.heartbeat, agreed.peer_timeout);
        }
        if let Some((session, info)) = secured {
            half.session = Some(session);
            agreed.tls = Some(info);
        }
        drop(half);
        task.sink.opened(ends, &agreed);
        task
    }

    /// One pass over everything; `Some` when the connection is over.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<Option<Closed>> {
        let handle = Arc::clone(&self.handle);
        let mut half = handle.lock();
        if !half
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            half.waker = Some(cx.waker().clone());
        }
        if half.wishes.terminate {
            return Ok(Some(Closed::cut()));
        }
        if let Some(fault) = half.fault.take() {
            return Err(*fault);
        }
        if let Some(farewell) = &half.wishes.close {
            let farewell = farewell.clone();
            self.begin_to_close(&mut half, &farewell)?;
        }
        let written = poll_write(&mut half, cx, self.is_last_word())?;
        if written == Written::Held
            && let Some(outlet) = &mut half.outlet
        {
            outlet.wake_in_time(cx);
        }
        if half.take_notify() {
            self.sink.released();
        }
        let reading = half.wishes.reading;
        if mem::take(&mut half.wishes.has_resumed) {
            self.ahead_of = None;
        }
        if !reading && self.ahead_of.is_none() {
            self.ahead_of = Some(self.incoming.data());
        }
        let takes_rest = half.wishes.takes_rest && self.incoming.has_last_words();
        let released = half.out.released();
        drop(half);
        match self.phase {
            Phase::Open => {
                self.hear(cx)?;
                self.beat(written, released, cx)?;
            }
            Phase::Closing if takes_rest => self.hear(cx)?,
            Phase::Closing if self.incoming.has_farewells() => self.await_farewell(cx)?,
            Phase::Leaving(_) => {}
            Phase::Closing | Phase::Parting(_) => self.await_end(cx, written)?,
        }
        if matches!(self.phase, Phase::Open) {
            return Ok(None);
        }
        if self.we_ended && self.peer_ended {
            return Ok(Some(self.outcome()));
        }
        let takes_rest = takes_rest && matches!(self.phase, Phase::Closing);
        // What we hold back ourselves is not the peer's delay.
        if written == Written::Held || (takes_rest && self.is_deaf) {
            self.deadline = None;
            return Ok(None);
        }
        let received = if takes_rest {
            self.incoming.received()
        } else {
            0
        };
        if self.poll_deadline(cx, (released, received)).is_pending() {
            return Ok(None);
        }
        self.late(cx)
    }

    /// A link that is not to be read is read ahead all the same until data comes: only so are pings
    /// answered and the end of a peer noticed that says nothing more. Behind that end nothing follows
    /// what the kernel holds: then it is read to there.
    fn may_read(&self) -> bool {
        self.sees_end
            || self
                .ahead_of
                .is_none_or(|data| data == self.incoming.data())
    }

    /// Of a link that is not to be read: whether its peer has gone, by an end or by a reset.
    fn sees_end(&mut self, cx: &mut Context<'_>) -> bool {
        self.sees_end = self.receiver.poll_peer_end(cx).is_ready();
        self.sees_end
    }

    /// Takes what comes, as far as it is wanted.
    fn hear(&mut self, cx: &mut Context<'_>) -> Result<()> {
        self.is_deaf = !self.may_read();
        if !self.peer_ended && (!self.is_deaf || self.sees_end(cx)) {
            self.read(cx)?;
        }
        Ok(())
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let is_ahead = self.ahead_of.is_some() && !self.sees_end;
        while self.may_read() {
            let allowance = match &mut self.inlet {
                Some(inlet) => inlet.poll_allowance(self.incoming.intake(), cx),
                None => usize::MAX,
            };
            if allowance == 0 {
                self.is_deaf = true;
                return Ok(());
            }
            let most = if is_ahead { 1 } else { TURN.min(allowance) };
            let secured = self.is_secured.then_some(&*self.handle);
            let mut reader = self.receiver.reader(cx, secured).up_to(allowance);
            let turn = self
                .incoming
                .on_readable(&mut reader, &mut self.sink.room(), most);
            self.reply(cx)?;
            let turn = match self.incoming.intake().is_exceeded() {
                true => Err(exceeded()),
                false => turn,
            };
            match self.heard(turn, cx)? {
                Some(ReadTurn::Drained) => {
                    if self.receiver.poll_ready(cx).is_pending() {
                        self.incoming.intake().caught_up();
                        return Ok(());
                    }
                }
                Some(ReadTurn::Yield) => {
                    // Also where it is read no further: then the peer's end is to be watched for.
                    cx.waker().wake_by_ref();
                    return Ok(());
                }
                Some(ReadTurn::Stalled) => {
                    self.sink.wait_for_room(cx.waker());
                    self.is_deaf = true;
                    return Ok(());
                }
                Some(ReadTurn::End) => {
                    self.peer_ended = true;
                    self.sink.ended();
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
        self.is_deaf = true;
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Watches the peer, and lets it know that we live.
    fn beat(&mut self, written: Written, released: Released, cx: &mut Context<'_>) -> Result<()> {
        let Some(pulse) = &mut self.pulse else {
            return Ok(());
        };
        if !matches!(self.phase, Phase::Open) {
            return Ok(());
        }
        pulse.observe(self.incoming.received(), !self.is_deaf);
        let blocked = (written == Written::Blocked).then_some(released);
        let is_ping = match pulse.poll(blocked, cx) {
            None | Some(Act::Look) => return Ok(()),
            Some(Act::Dead) => return Err(pulse.verdict()),
            Some(act) => act == Act::Ping,
        };
        let frame = sign(&self.incoming, is_ping)?;
        let mut half = self.handle.lock();
        half.out.control(&frame);
        poll_write(&mut half, cx, false)?;
        Ok(())
    }

    /// We are the server of a TLS session with which nothing was received.
    fn has_only_shaken_hands(&self) -> bool {
        let half = self.handle.lock();
        let is_server = half
            .session
            .as_ref()
            .is_some_and(|session| session.is_server());
        is_server && self.incoming.is_untouched()
    }

    /// Sends what the carrier itself answers; nothing comes behind our last word.
    fn reply(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if let Some(frames) = self.incoming.take_replies()?
            && matches!(self.phase, Phase::Open)
        {
            let mut half = self.handle.lock();
            half.out.control(&frames);
            poll_write(&mut half, cx, false)?;
        }
        Ok(())
    }

    /// What a read means for the life of a WebSocket; for a stream it stays what it is.
    fn heard(&mut self, turn: Result<ReadTurn>, cx: &mut Context<'_>) -> Result<Option<ReadTurn>> {
        if !self.incoming.has_farewells() {
            return turn.map(Some);
        }
        if let Some(farewell) = self.incoming.farewell() {
            let closed = Closed::parted(farewell.theirs, farewell.retry_after_ms);
            match farewell.is_hostile {
                true => self.part(&farewell.ours, closed, cx)?,
                false => self.leave(farewell.ours, closed, cx)?,
            }
            return Ok(None);
        }
        match turn {
            Ok(ReadTurn::End) => self.lost(),
            Err(error) if is_stream_fault(&error) => Err(error),
            // Wherever the stream ended, without a close frame it is a connection that was lost.
            Err(error) if error.code() == Code::Truncated => self.lost(),
            Err(error) => {
                let farewell = self.incoming.verdict(&error);
                self.leave(farewell, Closed::fault(error), cx)?;
                Ok(None)
            }
            turn => turn.map(Some),
        }
    }

    /// The peer ended the stream and did not say farewell.
    fn lost<T>(&mut self) -> Result<T> {
        self.peer_ended = true;
        let why = match self.incoming {
            Incoming::Qwh(_) => "the peer ended the stream without a GOAWAY",
            _ => "the peer ended the stream without a close frame",
        };
        Err(Error::new(Code::ConnectionLost, why))
    }

    fn finish(&mut self, closed: Closed) {
        let mut half = self.handle.lock();
        // Answers that are with the kernel still reach a peer that has only ended its own side.
        let is_answered = self.incoming.has_farewells()
            && self.peer_ended
            && half.out.is_empty()
            && !half.wishes.terminate;
        if let Some(socket) = half.socket.take() {
            let is_void = !closed.clean && !is_answered;
            if is_void {
                // What the peer has not read is void: it learns so from a reset rather than from a
                // connection that seems to have ended in order.
                socket::reset_on_close(socket.as_ref());
            }
            if is_void || self.we_ended {
                // Dropped, it would end our side.
                socket.forget();
            }
        }
        half.void();
        half.waker = None;
        drop(half);
        self.incoming.discard(&mut self.sink.room());
        self.sink.closed(closed);
    }
}

impl<S: Sink> Future for LinkTask<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        // A defect in here costs this connection, not the thread and all the others.
        let turn = catch_unwind(AssertUnwindSafe(|| this.turn(cx)));
        let closed = match turn {
            Ok(Ok(None)) => return Poll::Pending,
            Ok(Ok(Some(closed))) => closed,
            Ok(Err(error)) => {
                let error = match this.has_only_shaken_hands() {
                    true => or_left(error),
                    false => error,
                };
                this.broken_outcome(error)
            }
            Err(panic) => Closed::fault(Error::new(Code::Internal, message(&*panic))),
        };
        this.finish(closed);
        Poll::Ready(())
    }
}

/// The stream itself broke: there is no sending on it.
fn is_stream_fault(error: &Error) -> bool {
    let code = error.code();
    matches!(
        code,
        Code::ConnectionLost | Code::TlsHandshake | Code::TlsAlert
    )
}

/// Writes as far as the kernel takes it and has the task woken when it takes more; `is_last` where our end follows.
fn poll_write(half: &mut Half, cx: &mut Context<'_>, is_last: bool) -> Result<Written> {
    let mut written = match half.is_flushed() {
        true => return Ok(Written::All),
        false => Written::Blocked,
    };
    while written == Written::Blocked {
        let Some(socket) = &half.socket else {
            return Ok(Written::Blocked);
        };
        if socket.as_ref().poll_write_ready(cx).is_pending() {
            break;
        }
        written = half.write(is_last)?;
    }
    half.publish();
    Ok(written)
}
