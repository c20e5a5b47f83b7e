//! One session: a socket's bytes in clear.

use std::{
    cell::Cell,
    fmt,
    io::{self, ErrorKind, IoSlice, Read, Write},
    mem,
};

use rustls::{Connection, Error as Tls, InvalidMessage};

use super::{Dialing, Info, Listening, fault::fault};
use crate::error::{Code, Error, Result};

/// Ciphertext read at once, at most: what the link core asks for, with all that is around it.
const STAGE: usize = 72 * 1024;

/// Least ciphertext offered to a read: one record.
const RECORD: usize = 17 * 1024;

/// Bytes encrypted ahead of the socket, at most. As large as a read: a message of 64 KiB is one write.
const AHEAD: usize = 68 * 1024;

thread_local! {
    /// Ciphertext on its way from a socket into a session: of all sessions of a thread one at a time reads.
    static SPARE_STAGE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A session over a socket that is given with each call.
pub(crate) struct Session {
    connection: Connection,
    /// Ciphertext that was read and not taken, because the bytes in clear found no room.
    rest: Vec<u8>,
    /// Bytes in clear that wait.
    clear: usize,
    has_peer_closed: bool,
    /// What broke the session or its socket, told behind what came before.
    failed: Option<io::Error>,
}

impl Session {
    pub(super) fn new(mut connection: Connection) -> Self {
        connection.set_buffer_limit(Some(AHEAD));
        Self {
            connection,
            rest: Vec::new(),
            clear: 0,
            has_peer_closed: false,
            failed: None,
        }
    }

    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether a peer that sees the handshake done can still refuse us: the server has its say after a client's
    /// last message in TLS 1.3.
    pub(crate) fn may_be_refused(&self) -> bool {
        let has_heard = self.clear > 0 || self.has_ended();
        match &self.connection {
            Connection::Client(client) => {
                let is_tls13 = client.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
                is_tls13 && client.tls13_tickets_received() == 0 && !has_heard
            }
            Connection::Server(_) => false,
        }
    }

    /// What the handshake with a client decided.
    ///
    /// # Errors
    /// A resumed session's certificate may have become invalid.
    pub(crate) fn client_info(&self, listening: &Listening) -> Result<Info> {
        Info::of_client(&self.connection, listening)
    }

    /// What the handshake with a server decided.
    ///
    /// # Errors
    /// A resumed session's certificate may have become invalid.
    pub(crate) fn server_info(&self, dialing: &Dialing) -> Result<Info> {
        Info::of_server(&self.connection, dialing)
    }

    /// Keying material of the session (RFC 5705; RFC 8446, section 7.5).
    ///
    /// # Errors
    /// `OptionInvalid` for a length that is out of range.
    pub(crate) fn export(
        &self,
        label: &[u8],
        length: usize,
        context: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        self.connection
            .export_keying_material(vec![0; length], label, context)
            .map_err(|error| Error::new(Code::OptionInvalid, format!("exporting keys: {error}")))
    }

    /// Whether reading would give something without the socket.
    pub(crate) fn holds(&self) -> bool {
        self.clear > 0 || !self.rest.is_empty() || self.has_ended()
    }

    /// Reads the socket once and takes in what came; what is in clear waits. Not while something is held.
    ///
    /// # Errors
    /// As [`read`](Self::read), and `UnexpectedEof` for the end of the stream: there is none in order before the
    /// handshake is over.
    pub(crate) fn receive(&mut self, io: &mut impl Read) -> io::Result<()> {
        debug_assert!(!self.holds());
        match self.read_stage(io, &mut [], RECORD)? {
            (0, _) => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Takes in ciphertext that was read while something is held.
    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// Takes in ciphertext that was read elsewhere, behind what rustls already has of it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn take_in(&mut self, bytes: &[u8]) -> io::Result<()> {
        let processed = self.process(false);
        processed.map_err(|error| io::Error::other(fault(&error)))?;
        self.absorb(bytes, &mut []).map(drop)
    }

    pub(crate) fn is_server(&self) -> bool {
        matches!(self.connection, Connection::Server(_))
    }

    /// Reads bytes in clear; 0 is the peer's end, announced or not. What is less than there is room for has emptied
    /// the socket, unless [`holds`](Self::holds).
    ///
    /// # Errors
    /// `WouldBlock`; what the socket gave; an [`Error`] in an [`io::Error`] for a session that is broken.
    pub(crate) fn read(&mut self, io: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = self.take(buf);
        if !self.rest.is_empty() && filled < buf.len() {
            let rest = mem::take(&mut self.rest);
            match self.absorb(&rest, &mut buf[filled..]) {
                Ok(more) => filled += more,
                Err(error) => self.failed = Some(error),
            }
        }
        while filled < buf.len() && !self.has_ended() {
            // Who reads a message to its end gets it with one read, what is around the records included.
            let room = buf.len() - filled;
            let offer = (room + room / 512 + 64).clamp(RECORD, STAGE);
            match self.read_stage(io, &mut buf[filled..], offer) {
                Ok((bytes, more)) => {
                    filled += more;
                    // The socket is empty, unless half a record is all there was.
                    if bytes < offer && filled > 0 {
                        break;
                    }
                }
                Err(error) if filled > 0 && error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(error),
                Err(error) => self.failed = Some(error),
            }
        }
        match self.failed.take_if(|_| filled == 0) {
            Some(error) => Err(error),
            None => Ok(filled),
        }
    }

    fn has_ended(&self) -> bool {
        self.has_peer_closed || self.failed.is_some()
    }

    /// Encrypts from `slices` and writes. Takes nothing while ciphertext waits.
    ///
    /// # Errors
    /// `WouldBlock`; what the socket gave.
    pub(crate) fn write(
        &mut self,
        io: &mut impl Write,
        slices: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        if !self.flush(io)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = self.connection.writer().write_vectored(slices)?;
        self.flush(io)?;
        Ok(taken)
    }

    /// Writes ciphertext; true when none is left.
    ///
    /// # Errors
    /// What the socket gave.
    pub(crate) fn flush(&mut self, io: &mut impl Write) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(io) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Whether all that was encrypted is written.
    pub(crate) fn is_flushed(&self) -> bool {
        !self.connection.wants_write()
    }

    /// Has the announcement of our end follow.
    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
    }

    /// One read of at most `offer` bytes; gives how many, and how many in clear.
    fn read_stage(
        &mut self,
        io: &mut impl Read,
        buf: &mut [u8],
        offer: usize,
    ) -> io::Result<(usize, usize)> {
        let mut stage = SPARE_STAGE.take();
        stage.resize(STAGE, 0);
        let result = match io.read(&mut stage[..offer]) {
            // `node:tls` does not say whether the peer announced its end, and the backends are one.
            Ok(0) => {
                self.has_peer_closed = true;
                Ok((0, 0))
            }
            Ok(bytes) => self
                .absorb(&stage[..bytes], buf)
                .map(|filled| (bytes, filled)),
            Err(error) => Err(error),
        };
        SPARE_STAGE.set(stage);
        result
    }

    /// Takes in ciphertext and gives what it is in clear, as far as there is room.
    fn absorb(&mut self, mut bytes: &[u8], buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while !bytes.is_empty() && !self.has_peer_closed {
            let before = bytes.len();
            while !bytes.is_empty()
                && self
                    .connection
                    .read_tls(&mut bytes)
                    .is_ok_and(|taken| taken > 0)
            {}
            let stuck = bytes.len() == before;
            if stuck && self.clear > 0 {
                // The room is used up.
                self.rest = bytes.to_vec();
                break;
            }
            if let Err(error) = self.process(stuck) {
                filled += self.take(&mut buf[filled..]);
                let error = io::Error::other(fault(&error));
                if filled == 0 {
                    return Err(error);
                }
                self.failed = Some(error);
                break;
            }
            filled += self.take(&mut buf[filled..]);
        }
        Ok(filled)
    }

    fn process(&mut self, is_too_large: bool) -> std::result::Result<(), Tls> {
        if is_too_large {
            return Err(InvalidMessage::HandshakePayloadTooLarge.into());
        }
        let result = self.connection.process_new_packets();
        match &result {
            Ok(state) => {
                self.clear = state.plaintext_bytes_to_read();
                self.has_peer_closed = state.peer_has_closed();
            }
            // What came before the fault is there all the same.
            Err(_) => self.clear = self.clear.max(1),
        }
        result.map(drop)
    }

    /// Moves bytes in clear that wait.
    fn take(&mut self, buf: &mut [u8]) -> usize {
        if self.clear == 0 || buf.is_empty() {
            return 0;
        }
        match self.connection.reader().read(buf) {
            Ok(taken) if taken > 0 => {
                self.clear = self.clear.saturating_sub(taken);
                taken
            }
            _ => {
                self.clear = 0;
                0
            }
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("is_handshaking", &self.is_handshaking())
            .finish_non_exhaustive()
    }
}
