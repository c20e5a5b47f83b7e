//! Making connections.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{
    incoming::Incoming,
    poller::{Beginning, NewLink},
    secure::secure,
    sink::{Agreed, Closed, Ends, Sink},
    stream::Stream,
    task::LinkTask,
    upgrade::{unless_terminated, upgrade},
};
use crate::error::{Code, Error, Result};

/// Connects within the time given and runs the link to its end; a failure to connect is the link's end too.
/// Handshakes have what is left of the link's own time.
pub(super) async fn dial<S: Sink>(
    socket: std::net::TcpStream,
    to: SocketAddr,
    within: Duration,
    mut link: NewLink<S>,
) {
    let started = Instant::now();
    let connecting = connect(socket, to, within);
    let connected = match unless_terminated(&link.handle, connecting).await {
        Some(Ok(stream)) => ends_of(&stream).map(|ends| (stream, ends)),
        Some(Err(error)) => Err(error),
        None => return link.sink.closed(Closed::cut()),
    };
    match connected {
        Ok((stream, ends)) => {
            let left = link.within.saturating_sub(started.elapsed());
            run(stream, ends, link, left).await;
        }
        Err(error) => link.sink.closed(Closed::fault(error)),
    }
}

/// Runs a link over an established connection to its end; an opening handshake takes at most `within`.
pub(super) async fn run<S: Sink>(
    stream: TcpStream,
    ends: Ends,
    mut link: NewLink<S>,
    within: Duration,
) {
    let started = Instant::now();
    let stream = match link.security.take() {
        None => Stream::Plain(stream),
        // In memory of its own, which is given back before the link lives on.
        Some(security) => {
            match Box::pin(secure(stream, ends, &mut link, &security, within)).await {
                Some(stream) => stream,
                None => return,
            }
        }
    };
    let within = within.saturating_sub(started.elapsed());
    match link.rebegin(()) {
        (link, Beginning::Stream(inbound)) => {
            let (link, ()) = link.rebegin(Incoming::Stream(inbound));
            LinkTask::start(stream, ends, link, Agreed::default()).await;
        }
        (link, Beginning::WebSocket(opening)) => {
            upgrade(stream, ends, link, &opening, within).await;
        }
    }
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
