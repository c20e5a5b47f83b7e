//! Accepting connections.

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::{net::TcpStream, sync::oneshot, time::Instant};

use super::{
    dial::{ends_of, run},
    door::Door,
    here::sleep,
    life::Life,
    poller::{Admit, Placement},
    sink::{Closed, Sink},
};
use crate::{
    error::{Code, Error, Result, is_passing},
    socket::{self, Listener, SocketOptions},
};

/// Pause after a failure: long enough not to spin, short enough to recover before clients give up.
const FAILED_PAUSE: Duration = Duration::from_millis(100);

/// A failure that lasts is told about so often.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Connections accepted in a row: those that are here already are not to wait for all that come, and a hundred
/// take about a millisecond.
const IN_A_ROW: u32 = 64;

/// Watches `listener` and accepts until `stop` fires, then frees the port and says so.
pub(super) async fn listening<A: Admit>(
    listener: Listener,
    options: SocketOptions,
    mut admit: A,
    stop: oneshot::Receiver<()>,
) {
    match Door::of(listener) {
        Ok(door) => accept(door, options, admit, stop).await,
        Err(error) => {
            admit.failed(Error::system(Code::Resources, "watching a listener", error));
            admit.closed();
        }
    }
}

async fn accept<A: Admit>(
    door: Door,
    options: SocketOptions,
    mut admit: A,
    stop: oneshot::Receiver<()>,
) {
    let mut stop = pin!(stop);
    let mut reports = Reports::default();
    let mut left = IN_A_ROW;
    while let Some(result) = accept_unless(&door, stop.as_mut(), &mut left).await {
        match usable(result, &options) {
            Ok(Some(stream)) => settle(stream, &mut admit),
            Ok(None) => {}
            Err(error) => {
                reports.tell(&mut admit, error);
                if pause_unless(stop.as_mut()).await {
                    break;
                }
            }
        }
    }
    drop(door);
    admit.closed();
}

/// Runs an accepted connection where it belongs.
fn settle<A: Admit>(stream: TcpStream, admit: &mut A) {
    let ends = match ends_of(&stream) {
        Ok(ends) => ends,
        // The peer is gone already.
        Err(_) => return,
    };
    let Some(Placement { link, elsewhere }) = admit.place() else {
        return admit.failed(Error::new(
            Code::Resources,
            "no slot for another connection",
        ));
    };
    match (elsewhere, ends) {
        (None, ends) => Life::new(run(stream, ends, link, Duration::MAX)).spawn(),
        (Some(elsewhere), _) => match stream.into_std() {
            Ok(socket) => A::adopt(&elsewhere, socket, link),
            Err(error) => {
                let mut sink = link.sink;
                sink.closed(Closed::fault(Error::system(
                    Code::Resources,
                    "moving a socket",
                    error,
                )));
            }
        },
    }
}

/// An accepted connection with its options; `None` where the peer was gone before we came, which concerns
/// nobody.
fn usable(
    accepted: io::Result<(TcpStream, Option<SocketAddr>)>,
    options: &SocketOptions,
) -> Result<Option<TcpStream>> {
    let (stream, from) = match accepted {
        Ok(accepted) => accepted,
        Err(error) if is_passing(&error) => return Ok(None),
        Err(error) => {
            return Err(Error::system(
                Code::Resources,
                "accepting a connection",
                error,
            ));
        }
    };
    // A Unix socket has no options of TCP.
    let Some(from) = from else {
        return Ok(Some(stream));
    };
    match socket::tune_accepted(&stream, from, options) {
        Ok(()) => Ok(Some(stream)),
        Err(_) if stream.peer_addr().is_err() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tells of failures, of those that follow each other closely the first.
#[derive(Default)]
struct Reports {
    last: Option<Instant>,
}

impl Reports {
    fn tell<A: Admit>(&mut self, admit: &mut A, error: Error) {
        let now = Instant::now();
        if self.last.is_none_or(|last| now - last >= REPORT_EVERY) {
            self.last = Some(now);
            admit.failed(error);
        }
    }
}

/// The next connection, or `None` once `stop` fired. `left`: how many more may come in this row.
async fn accept_unless(
    door: &Door,
    mut stop: Pin<&mut oneshot::Receiver<()>>,
    left: &mut u32,
) -> Option<io::Result<(TcpStream, Option<SocketAddr>)>> {
    poll_fn(|cx| {
        if stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        if *left == 0 {
            *left = IN_A_ROW;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = door.poll_accept(cx);
        *left = match next {
            Poll::Ready(_) => *left - 1,
            Poll::Pending => IN_A_ROW,
        };
        next.map(Some)
    })
    .await
}

/// Waits out the pause; true if `stop` fired meanwhile.
async fn pause_unless(mut stop: Pin<&mut oneshot::Receiver<()>>) -> bool {
    let mut pause = pin!(sleep(FAILED_PAUSE));
    poll_fn(|cx| match stop.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => pause.as_mut().poll(cx).map(|()| false),
    })
    .await
}
