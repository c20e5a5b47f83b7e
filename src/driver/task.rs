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
    poller::NewLink,
    sink::{Closed, Ends, Sink},
};
use crate::{
    error::{Code, Error, Result},
    link::{Inbound, ReadTurn, Released, TURN, Written},
    socket,
};

/// Bytes thrown away at once while waiting for the peer's end.
const DISCARD: usize = 16 * 1024;

/// A running link; resolves when the connection is over and its consumer was told.
pub(crate) struct LinkTask<S: Sink> {
    handle: Arc<Handle>,
    reader: OwnedReadHalf,
    inbound: Inbound,
    sink: S,
    close_timeout: Duration,
    /// The peer ended its side.
    peer_ended: bool,
    /// Our side is ended.
    we_ended: bool,
    deadline: Option<Deadline>,
    /// Not to be read: the bytes read when that was said.
    ahead_of: Option<u64>,
}

/// When a close that makes no progress is given up.
struct Deadline {
    since: Released,
    sleep: Pin<Box<Sleep>>,
}

impl<S: Sink> LinkTask<S> {
    /// Puts `stream` under `handle` and tells the sink that the connection is up.
    pub(super) fn start(stream: TcpStream, ends: Ends, link: NewLink<S>) -> Self {
        let (reader, writer) = stream.into_split();
        let mut task = Self {
            reader,
            handle: link.handle,
            inbound: link.inbound,
            sink: link.sink,
            close_timeout: link.close_timeout,
            peer_ended: false,
            we_ended: false,
            deadline: None,
            ahead_of: Some(0),
        };
        task.handle.lock().socket = Some(writer);
        task.sink.opened(ends);
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
        let written = poll_write(&mut half, cx)?;
        if half.take_notify() {
            self.sink.released();
        }
        let (reading, closing) = (half.wishes.reading, half.wishes.close);
        if !reading && self.ahead_of.is_none() {
            self.ahead_of = Some(self.inbound.received());
        }
        let released = half.out.released();
        if closing && written == Written::All && !self.we_ended {
            half.shutdown();
            self.we_ended = true;
        }
        drop(half);
        if closing {
            self.discard(cx)?;
            if self.we_ended && self.peer_ended {
                return Ok(Some(Closed::clean()));
            }
            let late = self.poll_deadline(cx, released).is_ready();
            return Ok(late.then(|| Closed::timed_out(self.close_timeout)));
        }
        if reading {
            self.ahead_of = None;
        }
        if !self.peer_ended && self.may_read() {
            self.read(cx)?;
        }
        Ok(None)
    }

    /// A link that is not to be read is read ahead once all the same: only so is the end of a peer
    /// noticed that says nothing more.
    fn may_read(&self) -> bool {
        self.ahead_of
            .is_none_or(|received| received == self.inbound.received())
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let most = if self.ahead_of.is_some() { 1 } else { TURN };
        while self.may_read() {
            let mut reader = Reader {
                half: &mut self.reader,
                cx,
            };
            let turn = self
                .inbound
                .on_readable(&mut reader, &mut self.sink.room(), most)?;
            match turn {
                ReadTurn::Drained => {
                    if self.reader.as_ref().poll_read_ready(cx).is_pending() {
                        return Ok(());
                    }
                }
                ReadTurn::Yield => {
                    if self.may_read() {
                        cx.waker().wake_by_ref();
                    }
                    return Ok(());
                }
                ReadTurn::Stalled => {
                    self.sink.wait_for_room(cx.waker());
                    return Ok(());
                }
                ReadTurn::End => {
                    self.peer_ended = true;
                    self.sink.ended();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Reads and forgets until the peer ends its side.
    fn discard(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let mut scratch = [0; DISCARD];
        // A bounded number of rounds, so that a peer that floods us does not hold up the others.
        for _ in 0..16 {
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
        self.inbound.discard(&mut self.sink.room());
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
            Ok(Err(error)) => Closed::fault(error),
            Err(panic) => Closed::fault(Error::new(Code::Internal, message(&*panic))),
        };
        this.finish(closed);
        Poll::Ready(())
    }
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
