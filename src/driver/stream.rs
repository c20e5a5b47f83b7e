//! A connection before its link runs: bytes in clear, with TLS below or without.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::carrier::{Raw, Socket};
use crate::{
    error::Result,
    tls::{Info, Session},
};

/// The bytes of a connection.
pub(super) enum Stream {
    Plain(TcpStream),
    Secured(Box<Secured>),
}

/// A session and what its handshake decided.
pub(super) type Tls = (Box<Session>, Box<Info>);

/// A connection whose TLS handshake is done.
pub(super) struct Secured {
    pub socket: TcpStream,
    pub session: Box<Session>,
    pub info: Box<Info>,
}

impl Stream {
    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Secured(secured) => &secured.socket,
        }
    }

    pub(super) fn is_secured(&self) -> bool {
        matches!(self, Self::Secured(_))
    }

    /// Whether a server that we called can still refuse us by TLS.
    pub(super) fn may_be_refused(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Secured(secured) => secured.session.may_be_refused(),
        }
    }

    /// What its TLS handshake decided.
    pub(super) fn info(&self) -> Option<&Info> {
        match self {
            Self::Plain(_) => None,
            Self::Secured(secured) => Some(&secured.info),
        }
    }

    /// Keying material for a label, where TLS 1.3 is below.
    pub(super) fn export(&self, label: &[u8]) -> Result<Option<[u8; 32]>> {
        let Self::Secured(secured) = self else {
            return Ok(None);
        };
        if secured.info.protocol != "TLSv1.3" {
            return Ok(None);
        }
        let keys = secured.session.export(label, 32, None)?;
        Ok(keys.first_chunk().copied())
    }

    /// The socket, and what there is of TLS.
    pub(super) fn into_parts(self) -> (TcpStream, Option<Tls>) {
        match self {
            Self::Plain(socket) => (socket, None),
            Self::Secured(secured) => (secured.socket, Some((secured.session, secured.info))),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        Self::Plain(socket)
    }
}

impl Secured {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self {
            socket, session, ..
        } = self;
        let mut io = Socket { half: socket, cx };
        match session.read(&mut io, buf.initialize_unfilled()) {
            Ok(bytes) => {
                buf.advance(bytes);
                Poll::Ready(Ok(()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Waits until the socket takes more, unless all ciphertext is written.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_flush(&self.socket, &mut self.session, cx)
    }
}

/// Writes a session's ciphertext.
pub(super) fn poll_flush(
    socket: &TcpStream,
    session: &mut Session,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    while !session.flush(&mut Raw(socket))? {
        ready!(socket.poll_write_ready(cx))?;
    }
    Poll::Ready(Ok(()))
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Secured(secured) => secured.poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Self::Secured(secured) => {
                ready!(secured.poll_flush(cx))?;
                let slices = [io::IoSlice::new(buf)];
                let taken = secured.session.write(&mut Raw(&secured.socket), &slices);
                Poll::Ready(taken)
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Secured(secured) => secured.poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Secured(secured) => {
                secured.session.close();
                ready!(secured.poll_flush(cx))?;
                Pin::new(&mut secured.socket).poll_shutdown(cx)
            }
        }
    }
}
