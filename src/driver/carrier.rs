//! A tokio TCP stream as the plain, never-waiting `Read` and `Write` of the link core.

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
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    time::sleep,
};

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
    half: Arc<OwnedReadHalf>,
    /// Runs while nothing is read although there is something to read.
    watch: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Receiver {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self {
            half: Arc::new(half),
            watch: None,
        }
    }

    /// Ready when there is something to read.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.half.as_ref().as_ref().poll_read_ready(cx)
    }

    /// Ready once the peer has ended its side or reset the connection, whatever still waits to be read.
    pub(super) fn poll_peer_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let watch = self
            .watch
            .get_or_insert_with(|| Box::pin(peer_end(Arc::clone(&self.half))));
        let poll = watch.as_mut().poll(cx);
        if poll.is_ready() {
            self.watch = None;
        }
        poll
    }

    /// For reads of this turn; a watch is over.
    pub(super) fn reader<'a, 'cx>(&'a mut self, cx: &'a mut Context<'cx>) -> Reader<'a, 'cx> {
        self.watch = None;
        Reader {
            half: &mut self.half,
            cx,
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
pub(super) struct Reader<'a, 'cx> {
    half: &'a mut Arc<OwnedReadHalf>,
    cx: &'a mut Context<'cx>,
}

impl Read for Reader<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Nobody shares it: the watch is gone.
        let Some(half) = Arc::get_mut(self.half) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let mut buf = ReadBuf::new(buf);
        match Pin::new(half).poll_read(self.cx, &mut buf) {
            Poll::Ready(result) => result.map(|()| buf.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// Writes what the kernel takes at once.
pub(super) struct Writer<'a>(pub &'a OwnedWriteHalf);

impl Write for Writer<'_> {
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
