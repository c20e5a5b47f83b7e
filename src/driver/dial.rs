//! Making connections.

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{
    handle::Handle,
    poller::NewLink,
    sink::{Closed, Ends, Sink},
    task::LinkTask,
};
use crate::error::{Code, Error, Result};

/// Connects and runs the link to its end; a failure to connect is the link's end too.
pub(super) async fn dial<S: Sink>(
    socket: std::net::TcpStream,
    to: SocketAddr,
    within: Duration,
    mut link: NewLink<S>,
) {
    let connecting = connect(socket, to, within);
    let connected = match unless_terminated(&link.handle, connecting).await {
        Some(Ok(stream)) => ends_of(&stream).map(|ends| (stream, ends)),
        Some(Err(error)) => Err(error),
        None => return link.sink.closed(Closed::cut()),
    };
    match connected {
        Ok((stream, ends)) => run(stream, ends, link).await,
        Err(error) => link.sink.closed(Closed::fault(error)),
    }
}

/// Runs a link over an established connection to its end.
pub(super) async fn run<S: Sink>(stream: TcpStream, ends: Ends, link: NewLink<S>) {
    LinkTask::start(stream, ends, link).await;
}

/// Both addresses of a stream.
pub(super) fn ends_of(stream: &TcpStream) -> Result<Ends> {
    let read = || -> io::Result<Ends> {
        Ok(Ends {
            remote: stream.peer_addr()?,
            local: stream.local_addr()?,
        })
    };
    read().map_err(|error| Error::system(Code::ConnectionLost, "reading the addresses", error))
}

async fn connect(
    socket: std::net::TcpStream,
    to: SocketAddr,
    within: Duration,
) -> Result<TcpStream> {
    let connecting = TcpSocket::from_std_stream(socket).connect(to);
    match timeout(within, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(failed(to, error)),
        Err(_) => Err(timed_out(to, within)),
    }
}

fn failed(to: SocketAddr, error: io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::TimedOut => Code::ConnectTimeout,
        _ => Code::ConnectFailed,
    };
    Error::system(code, format!("connecting to {to}"), error)
}

fn timed_out(to: SocketAddr, within: Duration) -> Error {
    Error::new(
        Code::ConnectTimeout,
        format!("cannot connect to {to} within {} ms", within.as_millis()),
    )
    .with("timeoutMs", within.as_millis() as usize)
}

/// `future`'s result, or `None` if the link's owner terminates it first.
async fn unless_terminated<F: Future>(handle: &Handle, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let terminated = {
            let mut half = handle.lock();
            half.waker = Some(cx.waker().clone());
            half.wishes.terminate
        };
        match terminated {
            true => Poll::Ready(None),
            false => future.as_mut().poll(cx).map(Some),
        }
    })
    .await
}
