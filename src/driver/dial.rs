//! Making connections.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use super::{
    here::timeout,
    incoming::Incoming,
    meeting::{Begin, Pipe, meet},
    new_link::{Beginning, NewLink},
    secure::secure,
    sink::{Agreed, Closed, Ends, Sink},
    stream::Stream,
    task::LinkTask,
    upgrade::{refused, unless_terminated, upgrade},
};
use crate::{
    error::{Code, Error, Result},
    qwh::Side,
};

/// Connects within the time given, unless `to` is `None` and the socket is connected already; a failure to connect is the link's end, of which its consumer is told. Handshakes have
/// what is left of the link's own time.
pub(super) async fn dial<S: Sink>(
    socket: std::net::TcpStream,
    to: Option<SocketAddr>,
    within: Duration,
    mut link: NewLink<S>,
) -> Option<LinkTask<S>> {
    let started = Instant::now();
    let connecting = async {
        match to {
            Some(to) => connect(socket, to, within).await,
            None => watched(socket),
        }
    };
    let connected = match unless_terminated(&link.handle, connecting).await {
        Some(Ok(stream)) => ends_of(&stream).map(|ends| (stream, ends)),
        Some(Err(error)) => Err(error),
        None => {
            link.sink.closed(Closed::cut());
            return None;
        }
    };
    match connected {
        Ok((stream, ends)) => {
            let left = link.within.saturating_sub(started.elapsed());
            run(stream, ends, link, left).await
        }
        Err(error) => {
            // A server may be done with a connection before we have seen it established.
            let error = refused(error, link.security.is_some());
            link.sink.closed(Closed::fault(error));
            None
        }
    }
}

/// A link over a connection that others made.
#[cfg(any(feature = "addon", feature = "fuzzing", test))]
pub(super) async fn adopted<S: Sink>(
    socket: std::net::TcpStream,
    mut link: NewLink<S>,
) -> Option<LinkTask<S>> {
    match watched(socket).and_then(|stream| ends_of(&stream).map(|ends| (stream, ends))) {
        Ok((stream, ends)) => run(stream, ends, link, Duration::MAX).await,
        Err(error) => {
            link.sink.closed(Closed::fault(error));
            None
        }
    }
}

/// A link over an established connection; an opening handshake takes at most `within`, and its failure is the
/// link's end.
pub(super) async fn run<S: Sink>(
    stream: TcpStream,
    ends: Ends,
    mut link: NewLink<S>,
    within: Duration,
) -> Option<LinkTask<S>> {
    let started = Instant::now();
    let stream = match link.security.take() {
        None => Stream::Plain(stream),
        // Apart, as the other one below: whoever needs neither has kilobytes less allocated and moved.
        Some(security) => Box::pin(secure(stream, ends, &mut link, &security, within)).await?,
    };
    let within = within.saturating_sub(started.elapsed());
    match link.rebegin(()) {
        (link, Beginning::Stream(inbound)) => {
            let (link, ()) = link.rebegin(Incoming::stream(inbound, Vec::new()));
            Some(LinkTask::start(stream, ends, link, Agreed::default()))
        }
        (link, Beginning::Qwh(meeting, inbound)) => {
            let begin = Begin {
                ends,
                agreed: Agreed::default(),
                pipe: Pipe::stream(),
                otherwise: (meeting.side == Side::Responder).then_some(inbound),
            };
            Box::pin(meet(stream, link, &meeting, begin, within)).await
        }
        (link, Beginning::WebSocket(opening)) => {
            upgrade(stream, ends, link, &opening, within).await
        }
        (link, Beginning::Open(begun)) => {
            let (link, ()) = link.rebegin(begun.incoming);
            Some(LinkTask::start(stream, ends, link, begun.agreed))
        }
    }
}

fn watched(socket: std::net::TcpStream) -> Result<TcpStream> {
    TcpStream::from_std(socket)
        .map_err(|error| Error::system(Code::Resources, "watching a socket", error))
}

/// Both addresses of a stream; those of a Unix socket are none.
pub(super) fn ends_of(stream: &TcpStream) -> Result<Ends> {
    let socket = SockRef::from(stream);
    let read = || -> io::Result<Ends> {
        let (remote, local) = (socket.peer_addr()?, socket.local_addr()?);
        Ok(Ends {
            remote: remote.as_socket().unwrap_or(Ends::NOWHERE),
            local: local.as_socket().unwrap_or(Ends::NOWHERE),
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
