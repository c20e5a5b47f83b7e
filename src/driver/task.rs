//! The task of one link: turns readiness, wishes and time into calls on the link core.

use std::{
    future::Future,
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    net::{TcpStream, tcp::OwnedReadHalf},
    time::{Sleep, sleep},
};

use super::{
    carrier::Reader,
    guarded::message,
    handle::{Half, Handle},
    incoming::{Incoming, Void},
    poller::NewLink,
    sink::{Agreed, Closed, Ends, Sink},
};
use crate::{
    error::{Code, Error, Result},
    link::{ReadTurn, Released, TURN, Written},
    socket,
    ws::{CloseFrame, Role, close_code},
};

/// Bytes thrown away at once while waiting for the peer's end.
const DISCARD: usize = 16 * 1024;

/// Reads in a row of what is void: a peer that floods us does not hold up the others.
const VOID_READS: usize = 16;

/// A running link; resolves when the connection is over and its consumer was told.
pub(crate) struct LinkTask<S: Sink> {
    handle: Arc<Handle>,
    reader: OwnedReadHalf,
    incoming: Incoming,
    sink: S,
    close_timeout: Duration,
    phase: Phase,
    /// The peer ended its side.
    peer_ended: bool,
    /// Our side is ended.
    we_ended: bool,
    deadline: Option<Deadline>,
    /// Not to be read: the bytes read when that was said.
    ahead_of: Option<u64>,
}

/// How far the end of a connection has come.
enum Phase {
    /// Not at all.
    Open,
    /// What is queued goes out, and then our end; what still comes is void.
    Closing,
    /// WebSocket: the peer has said farewell, and the owner was told: what it answers to what came before
    /// goes out in front of ours.
    Leaving(CloseFrame),
    /// WebSocket: nothing follows but the end of the stream on both sides, and this is how it ended.
    Parting(Closed),
}

/// When a close that makes no progress is given up.
struct Deadline {
    since: Released,
    sleep: Pin<Box<Sleep>>,
}

impl<S: Sink> LinkTask<S> {
    /// Puts `stream` under `link`'s handle and tells the sink that the connection is up.
    pub(super) fn start(
        stream: TcpStream,
        ends: Ends,
        link: NewLink<S, Incoming>,
        agreed: &Agreed,
    ) -> Self {
        let (reader, writer) = stream.into_split();
        // What came behind an opening handshake is read ahead like anything else.
        let read = link.beginning.received();
        let mut task = Self {
            reader,
            handle: link.handle,
            incoming: link.beginning,
            sink: link.sink,
            close_timeout: link.close_timeout,
            phase: Phase::Open,
            peer_ended: false,
            we_ended: false,
            deadline: None,
            ahead_of: Some(read),
        };
        task.handle.lock().socket = Some(writer);
        task.sink.opened(ends, agreed);
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
            return Err(fault);
        }
        if let Some(farewell) = &half.wishes.close {
            let farewell = farewell.clone();
            self.begin_to_close(&mut half, &farewell)?;
        }
        let written = poll_write(&mut half, cx)?;
        if half.take_notify() {
            self.sink.released();
        }
        let reading = half.wishes.reading;
        if !reading && self.ahead_of.is_none() {
            self.ahead_of = Some(self.incoming.received());
        }
        let released = half.out.released();
        drop(half);
        match self.phase {
            Phase::Open => {
                if reading {
                    self.ahead_of = None;
                }
                if !self.peer_ended && self.may_read() {
                    self.read(cx)?;
                }
            }
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
        if self.poll_deadline(cx, released).is_pending() {
            return Ok(None);
        }
        if let Phase::Leaving(farewell) = &self.phase {
            // The owner does not answer: neither does what it may still have to say matter any more.
            let farewell = farewell.clone();
            self.deadline = None;
            self.part(&farewell.echo(), Closed::parted(farewell), cx)?;
            return Ok(None);
        }
        Ok(Some(self.late_outcome()))
    }

    /// The owner wants it to end, or agrees that it ends.
    fn begin_to_close(&mut self, half: &mut Half, farewell: &CloseFrame) -> Result<()> {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Open => {
                half.out.close_with(farewell)?;
                Phase::Closing
            }
            Phase::Leaving(farewell) => {
                half.out.close_with(&farewell.echo())?;
                Phase::Parting(Closed::parted(farewell))
            }
            phase => phase,
        };
        Ok(())
    }

    /// Both sides have ended.
    fn outcome(&mut self) -> Closed {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Parting(closed) => closed,
            Phase::Leaving(farewell) => Closed::parted(farewell),
            Phase::Open | Phase::Closing => Closed::clean(),
        }
    }

    /// The stream broke. To those who have parted it is an end like any other: the peer may be gone before
    /// our close frame reaches it.
    fn broken_outcome(&mut self, error: Error) -> Closed {
        match self.phase {
            Phase::Parting(_) => self.outcome(),
            Phase::Open | Phase::Closing | Phase::Leaving(_) => Closed::fault(error),
        }
    }

    /// The peer takes too long. Once both have sent their close frame that changes nothing.
    fn late_outcome(&mut self) -> Closed {
        match self.phase {
            Phase::Parting(_) => self.outcome(),
            Phase::Open | Phase::Closing | Phase::Leaving(_) => {
                Closed::timed_out(self.close_timeout)
            }
        }
    }

    /// A link that is not to be read is read ahead once all the same: only so is the end of a peer
    /// noticed that says nothing more.
    fn may_read(&self) -> bool {
        self.ahead_of
            .is_none_or(|received| received == self.incoming.received())
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let most = if self.ahead_of.is_some() { 1 } else { TURN };
        while self.may_read() {
            let mut reader = Reader {
                half: &mut self.reader,
                cx,
            };
            let turn = self
                .incoming
                .on_readable(&mut reader, &mut self.sink.room(), most);
            self.reply(cx)?;
            match self.heard(turn, cx)? {
                Some(ReadTurn::Drained) => {
                    if self.reader.as_ref().poll_read_ready(cx).is_pending() {
                        return Ok(());
                    }
                }
                Some(ReadTurn::Yield) => {
                    if self.may_read() {
                        cx.waker().wake_by_ref();
                    }
                    return Ok(());
                }
                Some(ReadTurn::Stalled) => {
                    self.sink.wait_for_room(cx.waker());
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
        Ok(())
    }

    /// Sends what the carrier itself answers.
    fn reply(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if let Some(frames) = self.incoming.take_replies()? {
            let mut half = self.handle.lock();
            half.out.control(&frames);
            poll_write(&mut half, cx)?;
        }
        Ok(())
    }

    /// What a read means for the life of a WebSocket; for a stream it stays what it is.
    fn heard(&mut self, turn: Result<ReadTurn>, cx: &mut Context<'_>) -> Result<Option<ReadTurn>> {
        if !self.incoming.has_farewells() {
            return turn.map(Some);
        }
        if let Some(farewell) = self.incoming.farewell() {
            let farewell = farewell.clone();
            if matches!(self.phase, Phase::Open) {
                self.phase = Phase::Leaving(farewell);
                self.sink.ended();
            } else {
                self.part(&farewell.echo(), Closed::parted(farewell), cx)?;
            }
            return Ok(None);
        }
        match turn {
            Ok(ReadTurn::End) => Err(no_farewell()),
            Err(error) if error.code() == Code::ConnectionLost => Err(error),
            Err(error) => {
                let farewell = CloseFrame {
                    code: Some(close_code(&error)),
                    reason: error.context().to_owned(),
                };
                self.part(&farewell, Closed::fault(error), cx)?;
                Ok(None)
            }
            turn => turn.map(Some),
        }
    }

    /// Says farewell and nothing more, then ends the stream.
    fn part(
        &mut self,
        farewell: &CloseFrame,
        mut closed: Closed,
        cx: &mut Context<'_>,
    ) -> Result<()> {
        let nothing_lost = self.handle.lock().out.cut_short(farewell)?;
        closed.clean &= nothing_lost;
        self.phase = Phase::Parting(closed);
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Our close frame is on its way: looks for the peer's.
    fn await_farewell(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let mut void = Void::new();
        for _ in 0..VOID_READS {
            let mut reader = Reader {
                half: &mut self.reader,
                cx,
            };
            let turn = self.incoming.on_readable(&mut reader, &mut void, 1);
            match self.heard(turn, cx)? {
                None => return Ok(()),
                Some(ReadTurn::Drained)
                    if self.reader.as_ref().poll_read_ready(cx).is_pending() =>
                {
                    return Ok(());
                }
                Some(_) => {}
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Ends our side behind what is written, and waits for the peer's end.
    fn await_end(&mut self, cx: &mut Context<'_>, written: Written) -> Result<()> {
        if written == Written::All && !self.we_ended && self.ends_first() {
            self.end();
        }
        self.discard(cx)?;
        // Whoever has ended its side waits for nothing more from us.
        if written == Written::All && self.peer_ended && !self.we_ended {
            self.end();
        }
        Ok(())
    }

    /// Of two that have parted the server ends the stream first (RFC 6455, section 7.1.1), so that it
    /// is the client that keeps the address for a while; a fault is not waited for.
    fn ends_first(&self) -> bool {
        match (&self.phase, &self.incoming) {
            (Phase::Parting(closed), Incoming::WebSocket(decoder)) => {
                closed.error.is_some() || decoder.role() == Role::Server
            }
            _ => true,
        }
    }

    fn end(&mut self) {
        self.handle.lock().shutdown();
        self.we_ended = true;
    }

    /// Reads and forgets until the peer ends its side.
    fn discard(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let mut scratch = [0; DISCARD];
        for _ in 0..VOID_READS {
            if self.peer_ended {
                return Ok(());
            }
            let mut reader = Reader {
                half: &mut self.reader,
                cx,
            };
            match reader.read(&mut scratch) {
                Ok(0) => self.peer_ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    return Err(Error::system(
                        Code::ConnectionLost,
                        "waiting for the peer's end",
                        error,
                    ));
                }
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// The peer has so long to take our next bytes and to end its side.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, released: Released) -> Poll<()> {
        if self
            .deadline
            .as_ref()
            .is_none_or(|deadline| deadline.since != released)
        {
            self.deadline = Some(Deadline {
                since: released,
                sleep: Box::pin(sleep(self.close_timeout)),
            });
        }
        match &mut self.deadline {
            Some(deadline) => deadline.sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    fn finish(&mut self, closed: Closed) {
        let mut half = self.handle.lock();
        if let Some(socket) = half.socket.take()
            && !closed.clean
        {
            // What the peer has not read is void: it learns so from a reset rather than from a
            // connection that seems to have ended in order.
            socket::reset_on_close(socket.as_ref());
            socket.forget();
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
            Ok(Err(error)) => this.broken_outcome(error),
            Err(panic) => Closed::fault(Error::new(Code::Internal, message(&*panic))),
        };
        this.finish(closed);
        Poll::Ready(())
    }
}

fn no_farewell() -> Error {
    Error::new(
        Code::ConnectionLost,
        "the peer ended the stream without a close frame",
    )
}

/// Writes as far as the kernel takes it and has the task woken when it takes more.
fn poll_write(half: &mut Half, cx: &mut Context<'_>) -> Result<Written> {
    let mut written = match half.out.is_empty() {
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
        written = half.write()?;
    }
    half.publish();
    Ok(written)
}

impl Half {
    fn shutdown(&mut self) {
        if let Some(socket) = &self.socket {
            socket::end_writing(socket.as_ref());
        }
    }
}
