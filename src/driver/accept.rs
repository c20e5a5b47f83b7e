//! Accepting connections.

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::sleep,
};

use super::{
    dial::{ends_of, run},
    guarded::spawn_link,
    poller::{Admit, Placement},
    sink::{Closed, Sink},
};
use crate::{
    error::{Code, Error, is_exhaustion},
    socket::{self, SocketOptions},
};

/// Pause after the system ran out of descriptors: long enough not to spin, short enough to recover
/// before clients give up.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `stop` fires, then frees the port and says so.
pub(super) async fn accept<A: Admit>(
    listener: TcpListener,
    options: SocketOptions,
    mut admit: A,
    stop: oneshot::Receiver<()>,
) {
    let mut stop = pin!(stop);
    while let Some(result) = accept_unless(&listener, stop.as_mut()).await {
        let accepted = result.and_then(|(stream, from)| tuned(stream, from, &options));
        match accepted {
            Ok(stream) => settle(stream, &mut admit),
            // The peer was gone before we came: nobody is concerned.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                let exhausted = is_exhaustion(&error);
                admit.failed(Error::system(
                    Code::Resources,
                    "accepting a connection",
                    error,
                ));
                if exhausted && pause_unless(stop.as_mut()).await {
                    break;
                }
            }
        }
    }
    drop(listener);
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
        (None, ends) => spawn_link(run(stream, ends, link)),
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

fn tuned(stream: TcpStream, from: SocketAddr, options: &SocketOptions) -> io::Result<TcpStream> {
    socket::tune_accepted(&stream, from, options).map_err(io::Error::other)?;
    Ok(stream)
}

/// The next connection, or `None` once `stop` fired.
async fn accept_unless(
    listener: &TcpListener,
    mut stop: Pin<&mut oneshot::Receiver<()>>,
) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    poll_fn(|cx| match stop.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(None),
        Poll::Pending => listener.poll_accept(cx).map(Some),
    })
    .await
}

/// Waits out the pause; true if `stop` fired meanwhile.
async fn pause_unless(mut stop: Pin<&mut oneshot::Receiver<()>>) -> bool {
    let mut pause = pin!(sleep(EXHAUSTED_PAUSE));
    poll_fn(|cx| match stop.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => pause.as_mut().poll(cx).map(|()| false),
    })
    .await
}
