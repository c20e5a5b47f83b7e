//! One non-blocking socket with its framing: the bytes read so far, the bytes not yet written.
//!
//! Method families: [`Channel::push`] frames a message and [`Channel::flush`] writes what the kernel
//! takes; [`Channel::receive`] takes what the socket holds and hands out whole messages. Pings are
//! answered here. The caller decides when; nothing here waits.

use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::time::Instant;

use mio::net::TcpStream;

use crate::error::Error;
use crate::frame;
use crate::pattern::Pattern;
use crate::transport::Transport;
use crate::wire::Wire;

/// A socket that carries messages of one size.
pub struct Channel {
    stream: Transport<TcpStream>,
    wire: Wire,
    id: u32,
    /// Payload bytes of every message, both ways.
    size: usize,
    /// Room for a whole window of messages: what is due always fits, and a control frame besides.
    input: Box<[u8]>,
    filled: usize,
    output: Vec<u8>,
    written: usize,
    /// Bytes of a record whose front is read.
    rest: usize,
}

impl Channel {
    /// Takes over a connected socket, after its opening handshake.
    pub fn new(
        stream: Transport<TcpStream>,
        wire: Wire,
        id: u32,
        size: usize,
        window: usize,
    ) -> Self {
        let room = window * wire.frame(size) + frame::CONTROL;
        Self {
            stream,
            wire,
            id,
            size,
            input: vec![0; room].into(),
            filled: 0,
            output: Vec::with_capacity(room + window * frame::KEY),
            written: 0,
            rest: 0,
        }
    }

    /// The socket, to register it.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.stream.socket()
    }

    /// What errors call this connection.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Frames one message behind what waits to be written.
    pub fn push(&mut self, pattern: &Pattern, sequence: u32) {
        let (id, salt) = (self.id, sequence ^ self.id.rotate_left(16));
        self.wire
            .append(&mut self.output, self.size, salt, |output| {
                pattern.write(output, id, sequence);
            });
    }

    /// Writes what waits; a no-op when nothing does.
    pub fn flush(&mut self) -> Result<(), Error> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.ended(error)),
            }
        }
        self.output.clear();
        self.written = 0;
        match self.stream.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            flushed => flushed.map_err(|error| self.ended(error)),
        }
    }

    /// Reads all messages that are there and hands each out with the time of its arrival. Returns how
    /// many.
    pub fn receive(
        &mut self,
        mut on_message: impl FnMut(&[u8], Instant) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let mut messages = 0;
        loop {
            let room = self.input.len() - self.filled;
            let Some(count) = self.read(room)? else {
                return Ok(messages);
            };
            self.filled += count;
            messages += self.walk(&mut on_message)?;
            if !self.stream.is_secure() && drained(count, room) {
                return Ok(messages);
            }
        }
    }

    /// One read; `None` when the socket has nothing more now.
    fn read(&mut self, room: usize) -> Result<Option<usize>, Error> {
        if room == 0 {
            return Err(Error::Surplus {
                connection: self.id,
            });
        }
        loop {
            match self.stream.read(&mut self.input[self.filled..]) {
                Ok(0) => return Err(self.ended(ErrorKind::UnexpectedEof.into())),
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.ended(error)),
            }
        }
    }

    /// Hands out the whole frames among the bytes read and moves the rest to the front.
    fn walk(
        &mut self,
        on_message: &mut impl FnMut(&[u8], Instant) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let now = Instant::now();
        let (mut messages, mut at) = (0, 0);
        while let Some(head) = self.head(at)? {
            let is_message = head.opcode == frame::BINARY;
            if is_message && head.size != self.size {
                return Err(Error::Length {
                    connection: self.id,
                    announced: head.size,
                    due: self.size,
                });
            }
            let payload = at + head.header..at + head.header + head.size;
            if payload.end > self.filled {
                break;
            }
            at = payload.end;
            if is_message {
                on_message(&self.input[payload], now)?;
                messages += 1;
            } else {
                self.control(head.opcode, payload)?;
            }
        }
        self.input.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(messages)
    }

    fn head(&mut self, at: usize) -> Result<Option<frame::Head>, Error> {
        let head = self.wire.head(&self.input[at..self.filled], &mut self.rest);
        head.map_err(|violation| Error::Protocol {
            connection: self.id,
            violation,
        })
    }

    fn control(&mut self, opcode: u8, payload: Range<usize>) -> Result<(), Error> {
        match opcode {
            frame::PING => {
                let payload = &self.input[payload];
                frame::append(&mut self.output, frame::PONG, payload.len(), 0, |output| {
                    output.extend_from_slice(payload);
                });
                self.flush()
            }
            frame::PONG => Ok(()),
            frame::CLOSE => Err(self.ended(ErrorKind::UnexpectedEof.into())),
            _ => Err(Error::Protocol {
                connection: self.id,
                violation: "a text message where binary ones are due",
            }),
        }
    }

    /// An end of the stream is the server's fault; other failures keep their own words.
    fn ended(&self, error: io::Error) -> Error {
        match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Error::Closed {
                    connection: self.id,
                }
            }
            _ => Error::Io(error),
        }
    }
}

/// Whether a read of `count` into `room` bytes emptied the socket, so that an edge-triggered poll
/// reports the next byte. A short read says so on epoll and kqueue and saves a call per event;
/// Windows re-arms only after a read that would block.
pub fn drained(count: usize, room: usize) -> bool {
    count < room && cfg!(unix)
}
