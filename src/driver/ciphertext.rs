//! What the halves of a link have to do with its TLS session, which lies under their lock.

use std::io;

use tokio::io::AsyncRead;

use super::{
    carrier::{Raw, Socket},
    handle::{Half, Handle},
};
use crate::{
    error::{Code, Error, Result},
    link::Written,
};

impl Handle {
    /// Keying material of the link's TLS session.
    ///
    /// # Errors
    /// `Closed` when there is none (any more), `OptionInvalid` for a length out of range.
    pub(crate) fn export_keys(
        &self,
        label: &[u8],
        length: usize,
        context: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        match &self.lock().session {
            Some(session) => session.export(label, length, context),
            None => Err(Error::new(Code::Closed, "the TLS session is over")),
        }
    }
}

impl Half {
    /// Reads bytes in clear through the session.
    pub(super) fn decrypt<R: AsyncRead + Unpin>(
        &mut self,
        socket: &mut Socket<'_, '_, R>,
        buf: &mut [u8],
    ) -> io::Result<usize> {
        let Some(session) = &mut self.session else {
            return Ok(0);
        };
        let result = session.read(socket, buf);
        // What the session answers by itself, an alert among it, goes out in the next turn; what it holds is
        // not announced by the socket.
        if !session.is_flushed() || session.holds() {
            socket.cx.waker().wake_by_ref();
        }
        if result.is_err()
            && let Some(writing) = &self.socket
        {
            // An alert, to a peer that may be gone.
            let _ = session.flush(&mut Raw(writing.as_ref()));
        }
        result
    }

    /// Announces our end to the peer behind what is written; false while that waits for the socket.
    pub(super) fn announce_end(&mut self) -> bool {
        if let Some(session) = &mut self.session
            && let Some(socket) = &self.socket
        {
            session.close();
            // Fails only where the connection is gone, which the next read reports.
            return session.flush(&mut Raw(socket.as_ref())).unwrap_or(true);
        }
        true
    }

    /// Writes the ciphertext that waits. When that is all of it, what it was made from is written too, even if
    /// more follows in the same turn: of a queue that never runs empty nothing else would say so.
    pub(super) fn settle(&mut self) -> Result<()> {
        let (Some(session), Some(socket)) = (&mut self.session, &self.socket) else {
            return Ok(());
        };
        let is_flushed = session
            .flush(&mut Raw(socket.as_ref()))
            .map_err(|error| Error::system(Code::ConnectionLost, "writing", error))?;
        if is_flushed {
            self.settled = self.out.released();
        }
        Ok(())
    }

    pub(super) fn is_ciphertext_flushed(&self) -> bool {
        self.session
            .as_ref()
            .is_none_or(|session| session.is_flushed())
    }

    /// What was encrypted is written only when its ciphertext is.
    pub(super) fn with_ciphertext(&self, written: Written) -> Written {
        match self.is_ciphertext_flushed() {
            true => written,
            false => Written::Blocked,
        }
    }
}
