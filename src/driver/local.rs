//! Running links on the runtime of whoever asks, without a thread of their own.
//!
//! The Rust API uses this: its links are ordinary tasks beside the program's own. Messages are queued
//! here and written by the link's task, so that all that is sent until the program yields goes out in
//! one write.

use std::{net::SocketAddr, time::Duration};

use tokio::net::TcpStream;

use super::{
    dial::{dial, ends_of, run},
    handle::Handle,
    incoming::Incoming,
    life::Life,
    new_link::NewLink,
    sink::{Agreed, Ends, Sink},
    task::LinkTask,
};
use crate::{
    error::Result,
    frame::{self, HEADER, TEXT},
    link::{Class, Inbound},
};

/// Messages up to this size get their record on the stack; the queue copies it from there.
const ON_STACK: usize = 256;

/// Runs a link over an accepted connection; gives the addresses of both ends.
pub(crate) fn serve_here<S: Sink>(stream: TcpStream, link: NewLink<S, Inbound>) -> Result<Ends> {
    let ends = ends_of(&stream)?;
    // Started here and not in the task, which may be dropped before it runs: from now on the handle
    // has the socket.
    let (link, inbound) = link.rebegin(());
    let (link, ()) = link.rebegin(Incoming::stream(inbound, Vec::new()));
    Life::from(LinkTask::start(stream, ends, link, Agreed::default())).spawn();
    Ok(ends)
}

/// Runs an accepted connection that begins with handshakes; its sink hears the outcome.
pub(crate) fn open_here<S: Sink>(stream: TcpStream, link: NewLink<S>) -> Result<()> {
    let ends = ends_of(&stream)?;
    Life::new(run(stream, ends, link, Duration::MAX)).spawn();
    Ok(())
}

/// Connects, unless `to` is `None` and the socket is connected already, and runs the link; its sink hears the outcome.
pub(crate) fn dial_here<S: Sink>(
    socket: std::net::TcpStream,
    to: Option<SocketAddr>,
    within: Duration,
    link: NewLink<S>,
) {
    Life::new(dial(socket, to, within, link)).spawn();
}

impl Handle {
    /// Queues one message for the link's task to write, if `admit` lets it in. `None` once our side
    /// was told to end: nothing is queued then, and `admit` is not asked.
    ///
    /// `admit` runs under the link's lock, as does the publishing of what was written: counts kept by
    /// the two are exact.
    pub(crate) fn queue<T, E>(
        &self,
        class: Class,
        payload: &[u8],
        is_text: bool,
        admit: impl FnOnce() -> std::result::Result<T, E>,
    ) -> Option<std::result::Result<T, E>> {
        let mut half = self.lock();
        if half.wishes.close.is_some() || half.wishes.terminate || half.out.is_cut() {
            return None;
        }
        let admitted = match admit() {
            Ok(admitted) => admitted,
            refused => return Some(refused),
        };
        // Where something waits, the task was woken for it or waits for the socket already.
        let wake = half.out.is_empty();
        if payload.len() <= ON_STACK {
            let mut record = [0; HEADER + ON_STACK];
            let flag = if is_text { TEXT } else { 0 };
            record[..HEADER].copy_from_slice(&(payload.len() as u32 | flag).to_be_bytes());
            record[HEADER..][..payload.len()].copy_from_slice(payload);
            half.out.push(class, &record[..HEADER + payload.len()]);
        } else {
            half.out
                .push_shared(class, frame::queued_record(payload, is_text));
        }
        if wake {
            half.wake();
        }
        Some(Ok(admitted))
    }
}
