//! How a link ends: by the owner's wish, by the peer's, or by a fault.

use std::{
    future::Future,
    io::{self, Read},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Sleep;

use super::LinkTask;
use crate::{
    driver::{
        handle::Half,
        here::sleep,
        incoming::Void,
        sink::{Closed, Sink},
    },
    error::{Code, Error, Result},
    link::{ReadTurn, Released, Written},
    socket,
    ws::CloseFrame,
};

/// Bytes thrown away at once while waiting for the peer's end.
const DISCARD: usize = 16 * 1024;

/// Reads in a row of what is void: a peer that floods us does not hold up the others.
const VOID_READS: usize = 16;

/// How far the end of a connection has come.
pub(super) enum Phase {
    /// Not at all.
    Open,
    /// What is queued goes out, and then our end; what still comes is void, unless the owner takes the rest.
    Closing,
    /// WebSocket: the peer has said farewell or broken the rules, and the owner was told: what it answers to
    /// what came before goes out in front of our close frame.
    Leaving(Box<Leave>),
    /// WebSocket: nothing follows but the end of the stream on both sides, and this is how it ended.
    Parting(Box<Closed>),
}

/// What is said at the end, and how that is.
pub(super) struct Leave {
    /// Our close frame.
    farewell: CloseFrame,
    closed: Closed,
}

/// When a close that makes no progress is given up.
pub(super) struct Deadline {
    /// What the kernel had taken, and what had come where that counts.
    since: (Released, u64),
    sleep: Pin<Box<Sleep>>,
}

impl<S: Sink> LinkTask<S> {
    /// The owner wants it to end, or agrees that it ends.
    pub(super) fn begin_to_close(&mut self, half: &mut Half, farewell: &CloseFrame) -> Result<()> {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Open => {
                half.out.close_with(farewell)?;
                Phase::Closing
            }
            Phase::Leaving(leave) => {
                half.out.close_with(&leave.farewell)?;
                Phase::Parting(Box::new(leave.closed))
            }
            phase => phase,
        };
        Ok(())
    }

    /// WebSocket: nothing that comes from here on counts. Told `farewell` by us it ends as in `closed`, at
    /// once if the owner wanted that anyway, else when it has answered to what came before.
    pub(super) fn leave(
        &mut self,
        farewell: CloseFrame,
        closed: Closed,
        cx: &mut Context<'_>,
    ) -> Result<()> {
        if !matches!(self.phase, Phase::Open) {
            return self.part(&farewell, closed, cx);
        }
        if let Some(error) = &closed.error {
            self.sink.broke(error);
        }
        self.phase = Phase::Leaving(Box::new(Leave { farewell, closed }));
        self.sink.ended();
        Ok(())
    }

    /// Both sides have ended.
    pub(super) fn outcome(&mut self) -> Closed {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Parting(closed) => *closed,
            Phase::Leaving(leave) => leave.closed,
            Phase::Open | Phase::Closing => Closed::clean(),
        }
    }

    /// The stream broke. To those who have parted it is an end like any other: the peer may be gone before
    /// our close frame reaches it.
    pub(super) fn broken_outcome(&mut self, error: Error) -> Closed {
        match self.phase {
            Phase::Parting(_) => self.outcome(),
            // Why it ends was known before; that the peer did not wait for our answers makes it unclean.
            Phase::Leaving(_) => Closed {
                clean: false,
                ..self.outcome()
            },
            Phase::Open | Phase::Closing => Closed::fault(error),
        }
    }

    /// The time for the end is up; `None` when it is time to go on without the owner.
    pub(super) fn late(&mut self, cx: &mut Context<'_>) -> Result<Option<Closed>> {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            // The owner does not answer: neither does what it may still have to say matter any more.
            Phase::Leaving(leave) => {
                self.deadline = None;
                self.part(&leave.farewell, leave.closed, cx)?;
                Ok(None)
            }
            // Both have sent their close frame: that the stream does not end changes nothing.
            Phase::Parting(closed) => Ok(Some(*closed)),
            Phase::Open | Phase::Closing => Ok(Some(Closed::timed_out(self.close_timeout()))),
        }
    }

    /// Says farewell and nothing more, then ends the stream.
    pub(super) fn part(
        &mut self,
        farewell: &CloseFrame,
        mut closed: Closed,
        cx: &mut Context<'_>,
    ) -> Result<()> {
        let nothing_lost = self.handle.lock().out.cut_short(farewell)?;
        closed.clean &= nothing_lost;
        self.phase = Phase::Parting(Box::new(closed));
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Our close frame is on its way: looks for the peer's.
    pub(super) fn await_farewell(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let mut space = Vec::new();
        for _ in 0..VOID_READS {
            let mut books = self.sink.room();
            let mut void = Void::new(&mut space, &mut books);
            let secured = self.is_secured.then_some(&*self.handle);
            let mut reader = self.receiver.reader(cx, secured);
            let turn = self.incoming.on_readable(&mut reader, &mut void, 1);
            drop(books);
            match self.heard(turn, cx)? {
                None => return Ok(()),
                Some(ReadTurn::Drained) if self.receiver.poll_ready(cx).is_pending() => {
                    return Ok(());
                }
                Some(_) => {}
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Ends our side behind what is written, and waits for the peer's end.
    pub(super) fn await_end(&mut self, cx: &mut Context<'_>, written: Written) -> Result<()> {
        if written == Written::All && !self.we_ended && self.ends_first() {
            self.end(cx);
        }
        self.discard(cx)?;
        // Whoever has ended its side waits for nothing more from us.
        if written == Written::All && self.peer_ended && !self.we_ended {
            self.end(cx);
        }
        Ok(())
    }

    /// Of two that have parted the server ends the stream first (RFC 6455, section 7.1.1), so that it
    /// is the client that keeps the address for a while; a fault is not waited for.
    fn ends_first(&self) -> bool {
        match &self.phase {
            Phase::Parting(closed) => closed.error.is_some() || self.incoming.ends_first(),
            _ => true,
        }
    }

    /// Our end follows what is queued, and nothing is waited for in between.
    pub(super) fn is_last_word(&self) -> bool {
        match &self.phase {
            Phase::Open | Phase::Leaving(_) => false,
            Phase::Closing => !self.incoming.has_farewells(),
            Phase::Parting(_) => self.ends_first(),
        }
    }

    fn end(&mut self, cx: &Context<'_>) {
        let mut half = self.handle.lock();
        if !half.announce_end() {
            // The next turn has the task woken when the socket takes more.
            return cx.waker().wake_by_ref();
        }
        half.shutdown();
        drop(half);
        self.we_ended = true;
    }

    /// Reads and forgets until the peer ends its side.
    fn discard(&mut self, cx: &mut Context<'_>) -> Result<()> {
        // Mostly nothing comes, for which no memory is to be cleared. A TLS session may still hold something.
        if !self.is_secured && self.receiver.poll_ready(cx).is_pending() {
            return Ok(());
        }
        let mut scratch = [0; DISCARD];
        for _ in 0..VOID_READS {
            if self.peer_ended {
                return Ok(());
            }
            let secured = self.is_secured.then_some(&*self.handle);
            let mut reader = self.receiver.reader(cx, secured);
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

    fn close_timeout(&self) -> Duration {
        Duration::from_millis(self.close_timeout_ms.into())
    }

    /// The peer has so long to take our next bytes, to send more of what we still take, and to end its side.
    pub(super) fn poll_deadline(
        &mut self,
        cx: &mut Context<'_>,
        progress: (Released, u64),
    ) -> Poll<()> {
        if self
            .deadline
            .as_ref()
            .is_none_or(|deadline| deadline.since != progress)
        {
            self.deadline = Some(Box::new(Deadline {
                since: progress,
                sleep: Box::pin(sleep(self.close_timeout())),
            }));
        }
        match &mut self.deadline {
            Some(deadline) => deadline.sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl Half {
    fn shutdown(&mut self) {
        if let Some(socket) = &self.socket {
            socket::end_writing(socket.as_ref());
        }
    }
}
