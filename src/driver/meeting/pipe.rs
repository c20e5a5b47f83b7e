//! What the bytes of a handshake of QWH/1 go over: a stream, or the messages of a WebSocket.

use std::{
    collections::VecDeque,
    io::{self, Read},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::LINGER;
use crate::{
    close_code::CloseCode,
    driver::{
        carrier::Socket,
        here::timeout,
        records::{Caught, Nobody},
        stream::Stream,
    },
    error::{Code, Error, Result},
    link::ReadTurn,
    qwh::{Carrier, limits::MAGIC},
    ws,
};

/// Bytes read at once: most handshakes are smaller.
const READ: usize = 4 * 1024;

/// What the handshake's bytes go over.
pub(in crate::driver) enum Pipe {
    /// A stream, with what was read of it already.
    Stream(Vec<u8>),
    Messages(Box<Frames>),
}

/// A WebSocket.
pub(in crate::driver) struct Frames {
    pub decoder: ws::Decoder,
    pub encoder: ws::Encoder,
    pub waiting: VecDeque<Vec<u8>>,
}

impl Pipe {
    pub(in crate::driver) fn stream() -> Self {
        Self::Stream(Vec::new())
    }

    pub(in crate::driver) fn messages(decoder: ws::Decoder, encoder: ws::Encoder) -> Self {
        Self::Messages(Box::new(Frames {
            decoder,
            encoder,
            waiting: VecDeque::new(),
        }))
    }

    pub(super) fn carrier(&self) -> Carrier {
        match self {
            Self::Stream(_) => Carrier::Stream,
            Self::Messages(_) => Carrier::Messages,
        }
    }

    pub(super) fn into_first(self) -> Vec<u8> {
        match self {
            Self::Stream(first) => first,
            Self::Messages(_) => Vec::new(),
        }
    }

    /// Waits for the first byte, which a client has to send; false: it has ended before.
    pub(super) async fn hear(&mut self, stream: &mut Stream) -> Result<bool> {
        match self {
            Self::Stream(first) if first.is_empty() => {
                first.reserve(READ);
                Ok(stream.read_buf(first).await.map_err(lost)? > 0)
            }
            _ => Ok(true),
        }
    }

    /// Reads as much as tells whether a preamble comes.
    pub(super) async fn sniff(&mut self, stream: &mut Stream) -> Result<bool> {
        let Self::Stream(first) = self else {
            return Ok(true);
        };
        loop {
            let front = first.get(..MAGIC.len()).unwrap_or(first);
            if !MAGIC.starts_with(front) || front.len() == MAGIC.len() {
                return Ok(front == MAGIC);
            }
            first.reserve(READ);
            if stream.read_buf(first).await.map_err(lost)? == 0 {
                return Err(gone());
            }
        }
    }

    pub(super) async fn write(&mut self, stream: &mut Stream, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Stream(_) => stream.write_all(bytes).await.map_err(lost)?,
            Self::Messages(frames) => {
                let mut framed = Vec::new();
                frames.encoder.frame(bytes, false, &mut framed)?;
                stream.write_all(&framed).await.map_err(lost)?;
            }
        }
        stream.flush().await.map_err(lost)
    }

    /// The next bytes or message; `None` at the end.
    pub(super) fn poll_read(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Vec<u8>>>> {
        match self {
            Self::Stream(first) if !first.is_empty() => {
                Poll::Ready(Ok(Some(std::mem::take(first))))
            }
            Self::Stream(_) => {
                let mut space = [0; READ];
                let mut space = ReadBuf::new(&mut space);
                let read = Pin::new(stream).poll_read(cx, &mut space);
                read.map_err(lost).map_ok(|()| match space.filled() {
                    [] => None,
                    bytes => Some(bytes.to_vec()),
                })
            }
            Self::Messages(frames) => frames.poll_read(stream, cx),
        }
    }
}

impl Frames {
    fn poll_read(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Vec<u8>>>> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Poll::Ready(Ok(Some(message)));
            }
            if self.decoder.peer_close().is_some() {
                return Poll::Ready(Ok(None));
            }
            let mut space = Vec::new();
            let mut nobody = Nobody;
            let mut caught = Caught::new(&mut space, &mut nobody, &mut self.waiting);
            let mut io = Watched {
                io: Socket { half: stream, cx },
                is_pending: false,
            };
            let turn = self
                .decoder
                .on_readable(&mut io, &mut caught, READ, Instant::now());
            let is_partial = !io.is_pending;
            if caught.has_text() {
                let why = "a text message comes where records must";
                return Poll::Ready(Err(Error::new(Code::Handshake, why)
                    .with("closeCode", CloseCode::PROTOCOL.0.into())));
            }
            match turn {
                Ok(_) if !self.waiting.is_empty() => {}
                Ok(ReadTurn::Yield) => {}
                Ok(ReadTurn::Drained | ReadTurn::Stalled) => {
                    // A read that left room has not asked the socket to wake us.
                    if is_partial {
                        continue;
                    }
                    return Poll::Pending;
                }
                Ok(ReadTurn::End) => return Poll::Ready(Ok(None)),
                Err(error) if error.code() == Code::Truncated => return Poll::Ready(Ok(None)),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Knows whether the last read found nothing, so that there is a wake to wait for.
struct Watched<R> {
    io: R,
    is_pending: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.io.read(buf);
        self.is_pending =
            matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        result
    }
}

/// Ends our side, and lets the peer read why.
pub(super) async fn part(stream: &mut Stream, pipe: &mut Pipe, code: CloseCode, reason: String) {
    let farewell = async {
        if let Pipe::Messages(frames) = pipe {
            let close = ws::CloseFrame {
                code: Some(code.on_websocket()),
                reason,
            };
            if let Ok(close) = frames.encoder.close(&close) {
                stream.write_all(&close).await?;
            }
        }
        stream.shutdown().await?;
        // Closing with unread bytes would reset the connection before the answer is read.
        let mut scratch = [0; 1024];
        while stream.read(&mut scratch).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever does not wait for the answer does not want it.
    let _ = timeout(LINGER, farewell).await;
}

pub(super) fn gone() -> Error {
    Error::new(
        Code::ConnectionLost,
        "the peer ended the connection during the handshake",
    )
}

fn lost(error: io::Error) -> Error {
    Error::system(Code::ConnectionLost, "during the handshake", error)
}
