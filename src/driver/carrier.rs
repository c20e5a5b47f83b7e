//! A tokio TCP stream, with TLS over it or without, as the plain, never-waiting `Read` and `Write` of the
//! link core.

use std::{
    io::{self, IoSlice, Read, Write},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::handle::Handle;
use crate::tls::Session;

/// Reads through `poll_read`, because it knows what `try_read` does not: that a read which left room
/// has emptied the socket, so that no further call is needed to learn it.
pub(super) struct Socket<'a, 'cx, R> {
    pub half: &'a mut R,
    pub cx: &'a mut Context<'cx>,
}

impl<R: AsyncRead + Unpin> Read for Socket<'_, '_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        match Pin::new(&mut *self.half).poll_read(self.cx, &mut buf) {
            Poll::Ready(result) => result.map(|()| buf.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// Reads a link's bytes in clear.
pub(super) struct Reader<'a, 'cx> {
    pub half: &'a mut OwnedReadHalf,
    pub cx: &'a mut Context<'cx>,
    /// Where the session is, if there is one.
    pub secured: Option<&'a Handle>,
}

impl Read for Reader<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Self { half, cx, secured } = self;
        let mut socket = Socket { half: *half, cx };
        match secured {
            None => socket.read(buf),
            Some(handle) => handle.lock().decrypt(&mut socket, buf),
        }
    }
}

/// Writes what the kernel takes at once.
pub(super) struct Writer<'a> {
    pub socket: &'a OwnedWriteHalf,
    pub session: Option<&'a mut Session>,
}

impl Write for Writer<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.session {
            None => self.socket.try_write(buf),
            Some(session) => session.write(&mut Raw(self.socket.as_ref()), &[IoSlice::new(buf)]),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.session {
            None => self.socket.try_write_vectored(slices),
            Some(session) => session.write(&mut Raw(self.socket.as_ref()), slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket that is written as it is.
pub(super) struct Raw<'a>(pub &'a TcpStream);

impl Write for Raw<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.try_write(buf)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
