//! The floor: an echo server that does nothing but what the kernel demands.
//!
//! One wait for many sockets, one read per readable socket, a walk over the length prefixes, one
//! send of all whole frames straight from where they were read. Nothing a real server does (a
//! handler, a reply of its own, another language) is in it, so the difference to it is their price.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::connection::drained;
use crate::pattern::HEADER;

const LISTENER: Token = Token(usize::MAX);

/// First size of a read buffer; holds a whole window of every scenario.
const BUFFER: usize = 256 << 10;

/// Frames beyond this are taken for garbage and end the connection.
const MAX_FRAME: usize = 64 << 20;

/// Serves on `port` of loopback (0 takes a free one) until standard input ends or a signal kills it.
pub fn serve(port: u16) -> io::Result<()> {
    let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port).into())?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let listening = listener.local_addr()?.port();
    println!(
        "{}",
        serde_json::json!({ "listening": listening, "pid": std::process::id() })
    );
    std::thread::spawn(exit_with_input);

    let mut events = Events::with_capacity(256);
    let mut server = Server::default();
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            if event.token() == LISTENER {
                server.accept(&poll, &listener)?;
            } else {
                server.turn(event.token().0);
            }
        }
    }
}

fn exit_with_input() {
    // An input that cannot be read has ended as well.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    std::process::exit(0);
}

#[derive(Default)]
struct Server {
    clients: Slab<Client>,
    /// Read buffers nobody holds; the one used last is the one still in the cache.
    spare: Vec<Vec<u8>>,
}

impl Server {
    fn accept(&mut self, poll: &Poll, listener: &TcpListener) -> io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.clients.vacant_entry();
            let interests = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut stream, Token(entry.key()), interests)?;
            entry.insert(Client::new(stream));
        }
    }

    /// Serves one client until its socket blocks; whatever fails ends it.
    fn turn(&mut self, key: usize) {
        let Some(client) = self.clients.get_mut(key) else {
            return;
        };
        if client.held.is_none() {
            client.held = Some(self.spare.pop().unwrap_or_else(|| vec![0; BUFFER]));
        }
        let alive = client.echo().is_ok();
        if !alive || client.filled == 0 {
            self.spare.extend(client.held.take());
        }
        if !alive {
            // Closing the socket takes it out of the poll as well.
            self.clients.remove(key);
        }
    }
}

struct Client {
    stream: TcpStream,
    /// Kept between turns only while it holds a partial frame or an unsent reply.
    held: Option<Vec<u8>>,
    filled: usize,
    /// Start and end of the whole frames in `held` that are not sent yet.
    unsent: std::ops::Range<usize>,
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            held: None,
            filled: 0,
            unsent: 0..0,
        }
    }

    /// Reads and answers until the socket has no more to give or to take.
    fn echo(&mut self) -> io::Result<()> {
        while self.flush()? {
            let buffer = self.held.get_or_insert_default();
            if self.filled == buffer.len() {
                buffer.resize(self.filled.max(BUFFER / 2) * 2, 0);
            }
            let room = buffer.len() - self.filled;
            let count = match self.stream.read(&mut buffer[self.filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.filled += count;
            self.unsent = 0..whole_frames(&buffer[..self.filled])?;
            if drained(count, room) {
                self.flush()?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends what is due and moves the partial frame behind it to the front. False: it would block.
    fn flush(&mut self) -> io::Result<bool> {
        let Some(buffer) = &mut self.held else {
            return Ok(true);
        };
        let end = self.unsent.end;
        while self.unsent.start < end {
            match self.stream.write(&buffer[self.unsent.clone()]) {
                Ok(count) => self.unsent.start += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        buffer.copy_within(end..self.filled, 0);
        self.filled -= end;
        self.unsent = 0..0;
        Ok(true)
    }
}

/// Bytes at the front of `bytes` that are whole frames.
fn whole_frames(bytes: &[u8]) -> io::Result<usize> {
    let mut at = 0;
    while let Some(header) = bytes[at..].first_chunk::<HEADER>() {
        let frame = HEADER + u32::from_be_bytes(*header) as usize;
        if frame > MAX_FRAME {
            return Err(ErrorKind::InvalidData.into());
        }
        if frame > bytes.len() - at {
            break;
        }
        at += frame;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_frames_count() {
        let frames = [0, 0, 0, 2, 7, 7, 0, 0, 0, 0, 0, 0, 0, 1, 9];
        let whole: Vec<_> = (0..=frames.len())
            .map(|end| whole_frames(&frames[..end]).unwrap())
            .collect();
        assert_eq!(
            whole,
            [0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 10, 10, 10, 10, 10, 15]
        );
    }

    #[test]
    fn an_absurd_length_is_refused() {
        assert!(whole_frames(&[255, 255, 255, 255]).is_err());
    }
}
