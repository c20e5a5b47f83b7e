//! A listening socket, as the accept loop has it: TCP or a Unix socket.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use tokio::net::{TcpListener, TcpStream};

use crate::socket::Listener;
#[cfg(all(unix, feature = "addon"))]
use crate::socket::local::{LocalListener, SocketFile};

pub(super) enum Door {
    Tcp(TcpListener),
    #[cfg(all(unix, feature = "addon"))]
    Local {
        listener: tokio::net::UnixListener,
        /// Removed when the door is dropped.
        _file: SocketFile,
    },
}

impl Door {
    pub(super) fn of(listener: Listener) -> io::Result<Self> {
        match listener {
            Listener::Tcp(listener) => TcpListener::from_std(listener).map(Self::Tcp),
            #[cfg(all(unix, feature = "addon"))]
            Listener::Local(LocalListener { listener, file }) => Ok(Self::Local {
                listener: tokio::net::UnixListener::from_std(listener)?,
                _file: file,
            }),
        }
    }

    /// The next connection, and where it comes from if that is an address.
    pub(super) fn poll_accept(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, Option<SocketAddr>)>> {
        match self {
            Self::Tcp(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, from)| (stream, Some(from))),
            #[cfg(all(unix, feature = "addon"))]
            Self::Local { listener, .. } => listener
                .poll_accept(cx)
                .map(|accepted| Ok((as_stream(accepted?.0)?, None))),
        }
    }
}

/// The same socket under the type that all links have: reading, writing and ending are the same calls.
#[cfg(all(unix, feature = "addon"))]
fn as_stream(stream: tokio::net::UnixStream) -> io::Result<TcpStream> {
    let descriptor = std::os::fd::OwnedFd::from(stream.into_std()?);
    TcpStream::from_std(descriptor.into())
}
