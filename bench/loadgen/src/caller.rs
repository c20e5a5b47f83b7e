//! A WebSocket client that waits for every answer: it opens the connections of all runs, and is all
//! that runs of short or silent connections need.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream as PolledStream;
use rustls::ClientConfig;
use socket2::{Domain, SockRef, Socket, Type};

use crate::error::Error;
use crate::frame::{self, Sender};
use crate::handshake;
use crate::pattern::Pattern;
use crate::transport::{self, Transport};

/// How long an answer may take. Generous: it only tells lost from slow.
const PATIENCE: Duration = Duration::from_secs(10);

/// Addresses of loopback that connections come from in turn: one address has only some 28,000 ports.
const SOURCES: u32 = 8;

/// A normal close.
const GOING: [u8; 2] = 1000_u16.to_be_bytes();

/// Where the server is.
pub struct Target {
    /// As it was given.
    pub name: String,
    pub address: SocketAddr,
    /// Of the opening handshake.
    pub path: String,
    /// Set: TLS below everything.
    tls: Option<Arc<ClientConfig>>,
}

impl Target {
    /// Looks `name` up.
    pub fn find(name: &str, path: &str, with_tls: bool) -> Result<Self, Error> {
        let failed = |source| Error::Connect {
            address: name.to_owned(),
            source,
        };
        let mut found = name.to_socket_addrs().map_err(failed)?;
        let address = found
            .next()
            .ok_or_else(|| failed(ErrorKind::NotFound.into()))?;
        Ok(Self {
            name: name.to_owned(),
            address,
            path: path.to_owned(),
            tls: if with_tls {
                Some(transport::config().map_err(io::Error::other)?)
            } else {
                None
            },
        })
    }

    /// A connection, the `id`-th.
    pub fn dial(&self, id: u32) -> Result<Transport<TcpStream>, Error> {
        let opened = self
            .open(id)
            .and_then(|socket| Transport::open(socket, self.tls.as_ref()));
        opened.map_err(|source| Error::Connect {
            address: self.name.clone(),
            source,
        })
    }

    fn open(&self, id: u32) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM, None)?;
        // Only Linux has all of 127.0.0.0/8 without being asked.
        if cfg!(target_os = "linux") && self.address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            // The sum is below 256.
            let source = Ipv4Addr::new(127, 0, 0, 1 + (id % SOURCES) as u8);
            socket.bind(&SocketAddr::from((source, 0)).into())?;
        }
        socket.connect(&self.address.into())?;
        socket.set_tcp_nodelay(true)?;
        Ok(socket.into())
    }
}

/// One open WebSocket.
pub struct Caller {
    stream: Transport<TcpStream>,
    id: u32,
    input: Vec<u8>,
}

impl Caller {
    /// Connects and shakes hands.
    pub fn connect(target: &Target, id: u32) -> Result<Self, Error> {
        let mut stream = target.dial(id)?;
        stream.socket().set_read_timeout(Some(PATIENCE))?;
        stream.socket().set_write_timeout(Some(PATIENCE))?;
        let mut caller = Self {
            stream,
            id,
            input: Vec::new(),
        };
        caller.write(handshake::request(&target.name, &target.path).as_bytes())?;
        let end = loop {
            if let Some(end) = handshake::end(&caller.input) {
                break end;
            }
            caller.read()?;
        };
        handshake::check(&caller.input[..end]).map_err(|reason| Error::Refused {
            connection: id,
            reason,
        })?;
        caller.input.drain(..end);
        Ok(caller)
    }

    /// Sends a text and waits for one.
    pub fn ask(&mut self, question: &str) -> Result<String, Error> {
        self.send(frame::TEXT, question.as_bytes())?;
        let answer = self.receive(frame::TEXT)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Sends a message and checks that it comes back.
    pub fn echo(&mut self, pattern: &Pattern, sequence: u32) -> Result<(), Error> {
        let mut message = Vec::new();
        pattern.write(&mut message, self.id, sequence);
        self.send(frame::BINARY, &message)?;
        if self.receive(frame::BINARY)? == message {
            return Ok(());
        }
        Err(Error::Corrupt {
            connection: self.id,
            sequence,
        })
    }

    /// Closes in the order of the protocol, then resets the socket: nobody is left waiting for ports.
    pub fn close(mut self) -> Result<(), Error> {
        self.send(frame::CLOSE, &GOING)?;
        self.receive(frame::CLOSE)?;
        self.reset()
    }

    /// Drops the connection without a word.
    pub fn reset(mut self) -> Result<(), Error> {
        SockRef::from(&*self.stream.socket()).set_linger(Some(Duration::ZERO))?;
        Ok(())
    }

    /// The socket, for a poll loop; the server must not have sent anything yet.
    pub fn into_polled(self) -> Result<Transport<PolledStream>, Error> {
        if !self.input.is_empty() {
            return Err(Error::Surplus {
                connection: self.id,
            });
        }
        Ok(self.stream.polled()?)
    }

    fn send(&mut self, opcode: u8, payload: &[u8]) -> Result<(), Error> {
        let mut output = Vec::new();
        frame::append(&mut output, opcode, payload.len(), self.id, |output| {
            output.extend_from_slice(payload);
        });
        self.write(&output)
    }

    /// The next message or close, which must be of the kind `wanted`. Pings before it are answered.
    fn receive(&mut self, wanted: u8) -> Result<Vec<u8>, Error> {
        loop {
            let head = frame::head(&self.input, Sender::Server);
            let head = head.map_err(|violation| self.violated(violation))?;
            let whole = head.filter(|head| self.input.len() >= head.header + head.size);
            let Some(head) = whole else {
                self.read()?;
                continue;
            };
            let rest = self.input.split_off(head.header + head.size);
            let payload = std::mem::replace(&mut self.input, rest).split_off(head.header);
            match head.opcode {
                opcode if opcode == wanted => return Ok(payload),
                frame::PING => self.send(frame::PONG, &payload)?,
                frame::PONG => {}
                frame::CLOSE => {
                    return Err(Error::Closed {
                        connection: self.id,
                    });
                }
                _ => return Err(self.violated("a message where none was due")),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.stream.write_all(bytes);
        written.map_err(|error| self.failed(error))
    }

    fn read(&mut self) -> Result<(), Error> {
        let mut chunk = [0; 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(self.failed(ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                self.input.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: io::Error) -> Error {
        let connection = self.id;
        match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Error::Closed { connection }
            }
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Unanswered {
                connection,
                seconds: PATIENCE.as_secs(),
            },
            _ => Error::Io(error),
        }
    }

    fn violated(&self, violation: &'static str) -> Error {
        Error::Protocol {
            connection: self.id,
            violation,
        }
    }
}
