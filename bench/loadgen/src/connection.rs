//! One connection: the messages in flight on it, the bytes read so far, the bytes not yet written.
//!
//! Method families: [`Connection::receive`] takes what the socket holds and checks it,
//! [`Connection::send`] puts new messages in flight, [`Connection::flush`] retries what the kernel
//! would not take. The caller decides when; nothing here waits.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use mio::net::TcpStream;

use crate::error::Error;
use crate::pattern::{HEADER, Pattern};

/// A socket with a fixed window of messages in flight.
pub struct Connection {
    stream: TcpStream,
    id: u32,
    /// Room for a whole window of replies: what is due always fits.
    input: Box<[u8]>,
    filled: usize,
    output: Vec<u8>,
    written: usize,
    /// The message sent next and the reply due next; both wrap.
    next: u32,
    due: u32,
    /// When each message in flight was sent, by its sequence number modulo the window.
    sent_at: Box<[Instant]>,
}

impl Connection {
    /// Takes over a connected socket that has up to `window` messages in flight.
    pub fn new(stream: TcpStream, id: u32, window: usize, pattern: &Pattern) -> Self {
        Self {
            stream,
            id,
            input: vec![0; window * pattern.frame()].into(),
            filled: 0,
            output: Vec::with_capacity(window * pattern.frame()),
            written: 0,
            next: 0,
            due: 0,
            sent_at: vec![Instant::now(); window].into(),
        }
    }

    /// The socket, to register it.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Puts `count` new messages in flight and hands them to the kernel in one write.
    pub fn send(&mut self, count: usize, pattern: &Pattern) -> Result<(), Error> {
        let now = Instant::now();
        for _ in 0..count {
            let slot = self.slot(self.next);
            self.sent_at[slot] = now;
            pattern.write(&mut self.output, self.id, self.next);
            self.next = self.next.wrapping_add(1);
        }
        self.flush()
    }

    /// Writes what is left over from earlier; a no-op when nothing is.
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
        Ok(())
    }

    /// Reads all replies that are there, checks each, and tells `on_reply` its age. Returns how many.
    pub fn receive(
        &mut self,
        pattern: &Pattern,
        mut on_reply: impl FnMut(Instant, Instant),
    ) -> Result<usize, Error> {
        let mut replies = 0;
        loop {
            let room = self.input.len() - self.filled;
            let Some(count) = self.read(room)? else {
                return Ok(replies);
            };
            self.filled += count;
            replies += self.check(pattern, Instant::now(), &mut on_reply)?;
            if drained(count, room) {
                return Ok(replies);
            }
        }
    }

    /// Messages in flight.
    pub fn outstanding(&self) -> usize {
        self.next.wrapping_sub(self.due) as usize
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

    /// Checks the whole replies among the bytes read and moves the rest to the front.
    fn check(
        &mut self,
        pattern: &Pattern,
        now: Instant,
        on_reply: &mut impl FnMut(Instant, Instant),
    ) -> Result<usize, Error> {
        let mut replies = 0;
        let mut at = 0;
        while let Some(header) = self.input[at..self.filled].first_chunk::<HEADER>() {
            self.check_length(u32::from_be_bytes(*header) as usize, pattern.size())?;
            let end = at + pattern.frame();
            if end > self.filled {
                break;
            }
            if !pattern.matches(&self.input[at + HEADER..end], self.id, self.due) {
                return Err(Error::Corrupt {
                    connection: self.id,
                    sequence: self.due,
                });
            }
            on_reply(self.sent_at[self.slot(self.due)], now);
            self.due = self.due.wrapping_add(1);
            replies += 1;
            at = end;
        }
        self.input.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(replies)
    }

    fn check_length(&self, announced: usize, sent: usize) -> Result<(), Error> {
        if self.outstanding() == 0 {
            return Err(Error::Surplus {
                connection: self.id,
            });
        }
        if announced != sent {
            return Err(Error::Length {
                connection: self.id,
                sequence: self.due,
                announced,
                sent,
            });
        }
        Ok(())
    }

    fn slot(&self, sequence: u32) -> usize {
        sequence as usize % self.sent_at.len()
    }

    /// An end of the stream is the server's fault; other failures keep their own words.
    fn ended(&self, error: io::Error) -> Error {
        match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Error::Closed {
                    connection: self.id,
                    outstanding: self.outstanding(),
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
