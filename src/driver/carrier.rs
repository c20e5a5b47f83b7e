//! A tokio TCP stream, with TLS over it or without, as the plain, never-waiting `Read` and `Write` of the
//! link core.

use std::{
    future::Future,
    io::{self, IoSlice, Read, Write},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, Interest, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{handle::Handle, here::sleep};
use crate::{socket, tls::Session};

/// What wakes a watch for the peer's end: with epoll that end and no bytes.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PEER_END: Interest = Interest::PRIORITY;
/// Elsewhere bytes that wait do so too, and the watch looks again from time to time.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const PEER_END: Interest = Interest::READABLE;

/// How often it looks again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The receiving half of a stream.
pub(super) struct Receiver {
    /// Ours, unless it is watched.
    half: Option<OwnedReadHalf>,
    watched: Option<Box<Watched>>,
}

/// A half of which nothing is read although there may be something to read.
struct Watched {
    half: Arc<OwnedReadHalf>,
    /// Resolves with the peer's end.
    watch: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Watched {
    fn new(half: OwnedReadHalf) -> Box<Self> {
        let half = Arc::new(half);
        let watch = Box::pin(peer_end(Arc::clone(&half)));
        Box::new(Self { half, watch })
    }
}

impl Receiver {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self {
            half: Some(half),
            watched: None,
        }
    }

    /// Ready when there is something to read.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match (&self.half, &self.watched) {
            (Some(half), _) => half.as_ref().poll_read_ready(cx),
            (None, Some(watched)) => watched.half.as_ref().as_ref().poll_read_ready(cx),
            (None, None) => Poll::Pending,
        }
    }

    /// Ready once the peer has ended its side or reset the connection, whatever still waits to be read.
    pub(super) fn poll_peer_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(half) = self.half.take() {
            self.watched = Some(Watched::new(half));
        }
        let Some(watched) = &mut self.watched else {
            return Poll::Pending;
        };
        let poll = watched.watch.as_mut().poll(cx);
        if poll.is_ready() {
            self.stop_watching();
        }
        poll
    }

    /// For reads of this turn; a watch is over. `secured`: where the TLS session is, if there is one.
    pub(super) fn reader<'a, 'cx>(
        &'a mut self,
        cx: &'a mut Context<'cx>,
        secured: Option<&'a Handle>,
    ) -> Reader<'a, 'cx> {
        self.stop_watching();
        Reader {
            half: &mut self.half,
            cx,
            secured,
            left: usize::MAX,
        }
    }

    fn stop_watching(&mut self) {
        if let Some(watched) = self.watched.take() {
            let Watched { half, watch } = *watched;
            drop(watch);
            // Nobody else has it: the watch is gone.
            self.half = Arc::into_inner(half);
        }
    }
}

async fn peer_end(half: Arc<OwnedReadHalf>) {
    // A failure to look is for the next read to report.
    while let Ok(ready) = half.ready(PEER_END).await
        && !ready.is_read_closed()
    {
        sleep(LOOK_EVERY).await;
    }
}

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
    half: &'a mut Option<OwnedReadHalf>,
    cx: &'a mut Context<'cx>,
    secured: Option<&'a Handle>,
    /// Bytes that may be read: beyond, the socket seems empty.
    left: usize,
}

impl Reader<'_, '_> {
    /// The same, for `most` bytes.
    pub(super) fn up_to(self, most: usize) -> Self {
        Self { left: most, ..self }
    }
}

impl Read for Reader<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Self {
            half,
            cx,
            secured,
            left,
        } = self;
        let end = buf.len().min(*left);
        if end == 0 && !buf.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let buf = &mut buf[..end];
        let Some(half) = half else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let mut socket = Socket { half, cx };
        let bytes = match secured {
            None => socket.read(buf),
            Some(handle) => handle.lock().decrypt(&mut socket, buf),
        }?;
        *left -= bytes;
        Ok(bytes)
    }
}

/// Writes what the kernel takes at once.
pub(super) struct Writer<'a> {
    pub socket: &'a OwnedWriteHalf,
    pub session: Option<&'a mut Session>,
    /// Our end follows.
    pub is_last: bool,
}

impl Write for Writer<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.session {
            None => socket::write(self.socket.as_ref(), slices, self.is_last),
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
