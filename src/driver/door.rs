//! A listening socket, as the accept loop has it: TCP or a Unix socket.

#[cfg(any(feature = "addon", feature = "fuzzing", test))]
use std::task::{Context, Poll};
use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpStream};

use crate::socket::Listener;
#[cfg(unix)]
use crate::socket::local::{LocalListener, SocketFile};

/// A new connection, and where it comes from if that is an address.
type Caller = (TcpStream, Option<SocketAddr>);

pub(crate) enum Door {
    Tcp(TcpListener),
    #[cfg(unix)]
    Local {
        listener: tokio::net::UnixListener,
        /// Removed when the door is dropped.
        _file: SocketFile,
    },
}

impl Door {
    pub(crate) fn of(listener: Listener) -> io::Result<Self> {
        match listener {
            Listener::Tcp(listener) => TcpListener::from_std(listener).map(Self::Tcp),
            #[cfg(unix)]
            Listener::Local(LocalListener { listener, file }) => Ok(Self::Local {
                listener: tokio::net::UnixListener::from_std(listener)?,
                _file: file,
            }),
        }
    }

    /// The next connection, for any number of tasks that wait for one.
    pub(crate) async fn accept(&self) -> io::Result<Caller> {
        match self {
            Self::Tcp(listener) => {
                (listener.accept().await).map(|(stream, from)| (stream, Some(from)))
            }
            #[cfg(unix)]
            Self::Local { listener, .. } => Ok((as_stream(listener.accept().await?.0)?, None)),
        }
    }

    /// The next connection, for one task that waits for it.
    #[cfg(any(feature = "addon", feature = "fuzzing", test))]
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Caller>> {
        match self {
            Self::Tcp(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, from)| (stream, Some(from))),
            #[cfg(unix)]
            Self::Local { listener, .. } => listener
                .poll_accept(cx)
                .map(|accepted| Ok((as_stream(accepted?.0)?, None))),
        }
    }
}

/// The same socket under the type that all links have: reading, writing and ending are the same calls.
#[cfg(unix)]
fn as_stream(stream: tokio::net::UnixStream) -> io::Result<TcpStream> {
    let descriptor = std::os::fd::OwnedFd::from(stream.into_std()?);
    TcpStream::from_std(descriptor.into())
}
