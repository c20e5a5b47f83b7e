//! One connection to an echo server: the messages in flight on it, and what is due next.

use std::time::Instant;

use mio::net::TcpStream;

use crate::channel::Channel;
use crate::error::Error;
use crate::pattern::Pattern;

/// A channel with a fixed window of messages in flight.
pub struct Connection {
    channel: Channel,
    /// The message sent next and the reply due next; both wrap.
    next: u32,
    due: u32,
    /// When each message in flight was sent, by its sequence number modulo the window.
    sent_at: Box<[Instant]>,
}

impl Connection {
    /// Has up to `window` messages in flight on `channel`.
    pub fn new(channel: Channel, window: usize) -> Self {
        Self {
            channel,
            next: 0,
            due: 0,
            sent_at: vec![Instant::now(); window].into(),
        }
    }

    /// The socket, to register it.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.channel.stream()
    }

    /// Puts `count` new messages in flight and hands them to the kernel in one write.
    pub fn send(&mut self, count: usize, pattern: &Pattern) -> Result<(), Error> {
        let now = Instant::now();
        for _ in 0..count {
            self.push(now, pattern);
        }
        self.channel.flush()
    }

    /// Sends the message that was due at `due`, however late that is: what it waited for its turn counts. False
    /// when the window is full, and it has to wait on.
    pub fn send_due(&mut self, due: Instant, pattern: &Pattern) -> Result<bool, Error> {
        if self.outstanding() == self.sent_at.len() {
            return Ok(false);
        }
        self.push(due, pattern);
        self.channel.flush()?;
        Ok(true)
    }

    fn push(&mut self, at: Instant, pattern: &Pattern) {
        self.sent_at[self.next as usize % self.sent_at.len()] = at;
        self.channel.push(pattern, self.next);
        self.next = self.next.wrapping_add(1);
    }

    /// Writes what is left over from earlier; a no-op when nothing is.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.channel.flush()
    }

    /// Reads all replies that are there, checks each, and tells `on_reply` when it was sent and when it
    /// arrived. Returns how many.
    pub fn receive(
        &mut self,
        pattern: &Pattern,
        mut on_reply: impl FnMut(Instant, Instant),
    ) -> Result<usize, Error> {
        let Self {
            channel,
            next,
            due,
            sent_at,
        } = self;
        let connection = channel.id();
        channel.receive(|payload, now| {
            if due == next {
                return Err(Error::Surplus { connection });
            }
            if !pattern.matches(payload, connection, *due) {
                return Err(Error::Corrupt {
                    connection,
                    sequence: *due,
                });
            }
            on_reply(sent_at[*due as usize % sent_at.len()], now);
            *due = due.wrapping_add(1);
            Ok(())
        })
    }

    /// Messages in flight.
    pub fn outstanding(&self) -> usize {
        self.next.wrapping_sub(self.due) as usize
    }
}
