//! The floor: an echo server that does nothing but what the kernel demands.
//!
//! One wait for many sockets, one read per readable socket, a walk over the frames, one send of all whole
//! ones straight from where they were read (WebSocket frames are unmasked there first, and come with a
//! handshake that looks at nothing but the key). Nothing a real server does (a
//! handler, a reply of its own, another language) is in it, so the difference to it is their price.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::channel::drained;
use crate::frame::{self, KEY, Sender};
use crate::handshake;
use crate::wire::{PREFIX, Wire};

const LISTENER: Token = Token(usize::MAX);

/// First size of a read buffer; holds a whole window of every scenario.
const BUFFER: usize = 256 << 10;

/// Frames beyond this are taken for garbage and end the connection.
const MAX_FRAME: usize = 64 << 20;

/// Serves on `port` of loopback (0 takes a free one) until standard input ends or a signal kills it.
pub fn serve(port: u16, wire: Wire) -> io::Result<()> {
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
    let mut server = Server {
        wire,
        clients: Slab::new(),
        spare: Vec::new(),
    };
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

struct Server {
    wire: Wire,
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
            entry.insert(Client::new(stream, self.wire));
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
    stage: Stage,
    /// Kept between turns only while it holds a partial frame or an unsent reply.
    held: Option<Vec<u8>>,
    filled: usize,
    /// The replies in `held` that are not sent yet, and the end of the frames they answer.
    due: Replies,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A WebSocket whose request is not whole yet.
    Handshake,
    Echo(Wire),
    /// A close frame came; its reply is the last.
    Ending,
}

/// Where replies are, and where the bytes behind the frames they answer begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Replies {
    unsent: std::ops::Range<usize>,
    answered: usize,
}

impl Client {
    fn new(stream: TcpStream, wire: Wire) -> Self {
        Self {
            stream,
            stage: match wire {
                // There is no naked server of QWH/1: it ends with the first message.
                Wire::Prefixed | Wire::Qwh => Stage::Echo(wire),
                Wire::WebSocket => Stage::Handshake,
            },
            held: None,
            filled: 0,
            due: Replies::default(),
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
            self.answer()?;
            if drained(count, room) {
                self.flush()?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Makes the replies to what is whole.
    fn answer(&mut self) -> io::Result<()> {
        let bytes = &mut self.held.get_or_insert_default()[..self.filled];
        match self.stage {
            Stage::Echo(Wire::Prefixed) => {
                let end = whole_frames(bytes)?;
                self.due = Replies {
                    unsent: 0..end,
                    answered: end,
                };
            }
            Stage::Echo(Wire::WebSocket) => {
                let is_last;
                (self.due, is_last) = unmasked_frames(bytes)?;
                if is_last {
                    self.stage = Stage::Ending;
                }
            }
            Stage::Echo(Wire::Qwh) => return Err(ErrorKind::Unsupported.into()),
            Stage::Handshake => {
                let Some(end) = handshake::end(bytes) else {
                    return Ok(());
                };
                let response = handshake::response(&bytes[..end]).ok_or(ErrorKind::InvalidData)?;
                // The response is not longer than its request.
                bytes[..response.len()].copy_from_slice(response.as_bytes());
                self.due = Replies {
                    unsent: 0..response.len(),
                    answered: end,
                };
                self.stage = Stage::Echo(Wire::WebSocket);
            }
            Stage::Ending => {}
        }
        Ok(())
    }

    /// Sends what is due and moves the partial frame behind it to the front. False: it would block.
    fn flush(&mut self) -> io::Result<bool> {
        let Some(buffer) = &mut self.held else {
            return Ok(true);
        };
        let Replies { unsent, answered } = &mut self.due;
        while unsent.start < unsent.end {
            match self.stream.write(&buffer[unsent.clone()]) {
                Ok(count) => unsent.start += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.stage == Stage::Ending {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        buffer.copy_within(*answered..self.filled, 0);
        self.filled -= *answered;
        self.due = Replies::default();
        Ok(true)
    }
}

/// Bytes at the front of `bytes` that are whole frames.
fn whole_frames(bytes: &[u8]) -> io::Result<usize> {
    let mut at = 0;
    while let Some(prefix) = bytes[at..].first_chunk::<PREFIX>() {
        let frame = PREFIX + u32::from_be_bytes(*prefix) as usize;
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

/// Unmasks the whole frames at the front of `bytes` and puts them close together; whether a close frame is
/// among them, which then is the last. Each loses its key, so the first one's payload stays where it is
/// and the others move to it.
fn unmasked_frames(bytes: &mut [u8]) -> io::Result<(Replies, bool)> {
    let (mut at, mut end) = (0, KEY);
    let mut is_last = false;
    while !is_last {
        let head = frame::head(&bytes[at..], Sender::Client).map_err(io::Error::other)?;
        let Some(head) = head else { break };
        if head.size > MAX_FRAME {
            return Err(ErrorKind::InvalidData.into());
        }
        let payload = at + head.header..at + head.header + head.size;
        if payload.end > bytes.len() {
            break;
        }
        let mut key = [0; KEY];
        key.copy_from_slice(&bytes[payload.start - KEY..payload.start]);
        frame::mask(&mut bytes[payload.clone()], key);
        let to = end + head.header - KEY;
        if to != payload.start {
            bytes.copy_within(payload.clone(), to);
        }
        frame::write_header(&mut bytes[end..], head.opcode, head.size, Sender::Server);
        (at, end) = (payload.end, to + head.size);
        is_last = head.opcode == frame::CLOSE;
    }
    // Nothing was whole: nothing is due.
    let start = KEY.min(at);
    let replies = Replies {
        unsent: start..if at == 0 { start } else { end },
        answered: at,
    };
    Ok((replies, is_last))
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

    #[test]
    fn websocket_frames_lose_their_masks_and_gaps() {
        let payloads: [&[u8]; 3] = [b"one", &[7; 200], b""];
        let mut bytes = Vec::new();
        for payload in payloads {
            frame::append(&mut bytes, frame::BINARY, payload.len(), 5, |output| {
                output.extend_from_slice(payload);
            });
        }
        let whole = bytes.len();
        bytes.extend_from_slice(&[0x82, 0x81, 1, 2]);
        let (replies, is_last) = unmasked_frames(&mut bytes).unwrap();
        assert_eq!((replies.answered, is_last), (whole, false));
        let mut sent = &bytes[replies.unsent];
        for payload in payloads {
            let head = frame::head(sent, Sender::Server).unwrap().unwrap();
            let (reply, rest) = sent.split_at(head.header + head.size);
            assert_eq!(&reply[head.header..], payload);
            sent = rest;
        }
        assert!(sent.is_empty());
        let (none, _) = unmasked_frames(&mut bytes[whole..]).unwrap();
        assert!(none.unsent.is_empty() && none.answered == 0);
    }
}
