//! The half of a running link that its owner reaches from other threads: the queue and the wishes.
//!
//! One lock. Whoever holds it may write to the socket at once; what the kernel does not take stays
//! queued and the link's task goes on with it. The task is woken for everything it must act upon.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, PoisonError, TryLockError},
    task::Waker,
};

use bytes::Bytes;
use tokio::net::tcp::OwnedWriteHalf;

use super::{carrier::Writer, pace::Outlet, sink::Ledger};
use crate::{
    error::{Error, Result},
    frame::{self, Protocol},
    link::{Class, Outbound, Rates, Released, Shared, Written},
    socket,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    tls::{Identity, Session},
    ws::CloseFrame,
};

/// A link as its owner holds it.
pub(crate) struct Handle {
    half: Mutex<Half>,
    /// Bytes of a message that is not finished.
    held: AtomicUsize,
}

/// What the lock guards. `socket` is there from the connection's start to its end.
pub(super) struct Half {
    pub out: Outbound,
    pub socket: Option<OwnedWriteHalf>,
    /// Set: what is written is held back. Only the task writes then.
    pub outlet: Option<Box<Outlet>>,
    /// Of a carrier with TLS, as long as `socket` is there.
    pub session: Option<Box<Session>>,
    /// What was released before the ciphertext that waits; it is told later, when that is written.
    pub settled: Released,
    pub wishes: Wishes,
    /// A write failed outside the task.
    pub fault: Option<Box<Error>>,
    pub waker: Option<Waker>,
    /// Until the end: whoever comes after has the slot then.
    ledger: Option<Arc<dyn Ledger>>,
    slot: u32,
    /// Payload bytes that the ledger has as waiting.
    queued: usize,
    notify_at: Option<Released>,
}

/// The owner's answer to a peer that waits for it.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Let it in, with this subprotocol unless it is empty.
    Accept { subprotocol: String },
    /// Answer this status with a short text.
    Refuse { status: u16, body: String },
    /// TLS: go on.
    Allow,
    /// TLS: end the handshake.
    Deny,
    /// TLS: show the client this.
    Show(Identity),
}

/// What the owner wants of the task.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub reading: bool,
    /// Reading was wanted since the task last looked, if only for a moment: what was read ahead is taken.
    pub has_resumed: bool,
    /// Write what is queued, then end our side.
    pub close: Option<Box<CloseFrame>>,
    /// What comes until the peer's own last word is wanted although we have said ours.
    pub takes_rest: bool,
    /// What becomes of a peer that waits for it.
    pub verdict: Option<Box<Verdict>>,
    /// Reset now. Also what a connection that is over is left with: nothing is queued for it any more.
    pub terminate: bool,
}

impl Handle {
    /// What it sends is held to `outbound`, and counted in `slot` of the ledger.
    pub(crate) fn new(
        protocol: Protocol,
        outbound: &Rates,
        ledger: Arc<dyn Ledger>,
        slot: u32,
    ) -> Self {
        Self {
            half: Mutex::new(Half {
                out: Outbound::new(protocol),
                socket: None,
                outlet: Outlet::new(outbound),
                session: None,
                settled: Released::default(),
                wishes: Wishes::default(),
                fault: None,
                waker: None,
                ledger: Some(ledger),
                slot,
                queued: 0,
                notify_at: None,
            }),
            held: AtomicUsize::new(0),
        }
    }

    /// Counts bytes of an unfinished message, up or down. Only the link's task does.
    pub(crate) fn hold(&self, delta: isize) {
        self.held
            .store(self.held().wrapping_add_signed(delta), Ordering::Relaxed);
    }

    /// Bytes of a message that is not finished.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Offers `records` to the kernel, and queues what it does not take, which is part of `batch` or is copied.
    pub(crate) fn send(&self, class: Class, records: &[u8], batch: Option<&Bytes>) {
        self.lock().send(class, records, |rest| keep(rest, batch));
    }

    /// As [`send`](Self::send), only if no other thread is at the link; says whether it did.
    pub(crate) fn try_send(&self, class: Class, records: &[u8]) -> bool {
        match self.half.try_lock() {
            Ok(half) if half.out.is_laborious() || half.outlet.is_some() => return false,
            Ok(mut half) => half.send(class, records, Bytes::copy_from_slice),
            Err(TryLockError::Poisoned(half)) => {
                half.into_inner()
                    .send(class, records, Bytes::copy_from_slice);
            }
            Err(TryLockError::WouldBlock) => return false,
        }
        true
    }

    /// Offers one message to the kernel, from where it lies; what it does not take is copied.
    pub(crate) fn send_message(&self, class: Class, payload: &[u8], is_text: bool) {
        self.lock().send_message(class, payload, is_text);
    }

    /// As [`send_message`](Self::send_message), only if no other thread is at the link and it takes but a copy into
    /// the kernel; says whether it did.
    pub(crate) fn try_send_message(&self, class: Class, payload: &[u8], is_text: bool) -> bool {
        let Ok(mut half) = self.half.try_lock() else {
            return false;
        };
        let is_copy = !half.out.is_laborious() && half.session.is_none() && half.outlet.is_none();
        if is_copy {
            half.send_message(class, payload, is_text);
        }
        is_copy
    }

    /// Starts or stops reading.
    pub(crate) fn set_reading(&self, reading: bool) {
        let mut half = self.lock();
        half.wishes.reading = reading;
        half.wishes.has_resumed |= reading;
        half.wake();
    }

    /// Has the close that follows say when to come back, in milliseconds, where the protocol can.
    pub(crate) fn advise(&self, retry_after_ms: u32) {
        self.lock().out.advise(retry_after_ms);
    }

    /// Has the close that follows deliver what comes until the peer's own last word, where the protocol has one.
    pub(crate) fn take_rest(&self) {
        self.lock().wishes.takes_rest = true;
    }

    /// Ends the connection after what is queued; where the carrier has a close frame, with `farewell`.
    pub(crate) fn close(&self, farewell: CloseFrame) {
        let mut half = self.lock();
        half.wishes.close.get_or_insert_with(|| Box::new(farewell));
        half.wake();
    }

    /// Answers the opening handshake.
    pub(crate) fn judge(&self, verdict: Verdict) {
        let mut half = self.lock();
        half.wishes.verdict.get_or_insert_with(|| Box::new(verdict));
        half.wake();
    }

    /// The owner's answer, once; the task is woken for it.
    pub(super) fn poll_verdict(&self, cx: &std::task::Context<'_>) -> Option<Verdict> {
        let mut half = self.lock();
        let verdict = half.wishes.verdict.take();
        if verdict.is_none() {
            half.waker = Some(cx.waker().clone());
        }
        verdict.map(|verdict| *verdict)
    }

    /// As [`send`](Self::send), of what other links get too.
    pub(crate) fn send_shared(&self, shared: &Shared) {
        self.lock().send_shared(shared);
    }

    /// Queues what other links get too; [`flush`](Self::flush) writes it.
    pub(crate) fn queue_shared(&self, shared: &Shared) {
        let mut half = self.lock();
        if !half.wishes.terminate {
            half.out.push_shared(shared.class(), shared.records());
        }
    }

    /// Writes what is queued, as far as the kernel takes it.
    pub(crate) fn flush(&self) {
        let mut half = self.lock();
        if half.wishes.terminate {
            return;
        }
        if half.outlet.is_some() {
            half.publish();
            half.wake();
        } else if half.socket.is_none() {
            half.publish();
        } else {
            let result = half.write(false);
            half.wrote(result);
        }
    }

    /// Resets the connection.
    pub(crate) fn terminate(&self) {
        let mut half = self.lock();
        half.wishes.terminate = true;
        half.wake();
    }

    /// Asks for one `released` event once both counts are reached.
    pub(crate) fn notify_at(&self, at: Released) {
        let mut half = self.lock();
        half.notify_at = Some(at);
        if half.is_notify_due() {
            half.wake();
        }
    }

    /// Ends the connection with a fault.
    pub(crate) fn fail(&self, fault: Error) {
        let mut half = self.lock();
        half.fault = Some(Box::new(fault));
        half.wake();
    }

    #[cfg(test)]
    pub(crate) fn is_failed(&self) -> bool {
        self.lock().fault.is_some()
    }

    /// Gives a model's link what is written to.
    #[cfg(all(test, feature = "model"))]
    pub(crate) fn connect(&self, socket: OwnedWriteHalf) {
        self.lock().socket = Some(socket);
    }

    /// As a model's task does: remembers whom to wake, and says whether a notification is due and what else is wanted.
    #[cfg(all(test, feature = "model"))]
    pub(crate) fn wants(&self, waker: &Waker) -> Wants {
        let mut half = self.lock();
        half.waker = Some(waker.clone());
        Wants {
            notice: half.take_notify(),
            close: half.wishes.close.is_some(),
            terminate: half.wishes.terminate,
        }
    }

    /// Has the task look at everything again.
    pub(crate) fn wake(&self) {
        self.lock().wake();
    }

    /// The task is gone without an end of its own: frees the socket and drops the queue. With `reset` the peer learns that
    /// this was no orderly end; without, what the kernel holds still reaches it.
    pub(crate) fn abandon(&self, reset: bool) {
        let mut half = self.lock();
        half.void();
        if let Some(socket) = half.socket.take()
            && reset
        {
            socket::reset_on_close(socket.as_ref());
            socket.forget();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Half> {
        // A panic while the lock was held has already failed the driver; the data is still whole.
        self.half.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the owner wants of a model's task.
#[cfg(all(test, feature = "model"))]
pub(crate) struct Wants {
    pub notice: bool,
    pub close: bool,
    pub terminate: bool,
}

impl Half {
    fn send(&mut self, class: Class, records: &[u8], keep: impl FnOnce(&[u8]) -> Bytes) {
        if self.wishes.terminate {
            return;
        }
        if self.socket.is_none() {
            self.out.push(class, records);
            return self.publish();
        }
        if self.outlet.is_some() {
            self.out.push_shared(class, keep(records));
            self.publish();
            return self.wake();
        }
        let result = self.write_at_once(|out, io| out.write_through(io, class, records, keep));
        self.wrote(result);
    }

    fn send_message(&mut self, class: Class, payload: &[u8], is_text: bool) {
        if self.socket.is_none() || self.outlet.is_some() {
            let record = frame::queued_record(payload, is_text);
            return self.send(class, &record, |_| record.clone());
        }
        if self.wishes.terminate {
            return;
        }
        let result = self.write_at_once(|out, io| out.write_message(io, class, payload, is_text));
        self.wrote(result);
    }

    fn send_shared(&mut self, shared: &Shared) {
        if self.wishes.terminate {
            return;
        }
        if self.socket.is_none() || self.outlet.is_some() {
            self.out.push_shared(shared.class(), shared.records());
            self.publish();
            return self.wake();
        }
        let result = self.write_at_once(|out, io| out.write_shared(io, shared));
        self.wrote(result);
    }

    /// Has the queue `write` to the socket.
    fn write_at_once(
        &mut self,
        write: impl FnOnce(&mut Outbound, &mut Writer<'_>) -> Result<Written>,
    ) -> Result<Written> {
        self.settle()?;
        let Some(socket) = &self.socket else {
            return Ok(Written::Blocked);
        };
        let io = &mut Writer {
            socket,
            session: self.session.as_deref_mut(),
            is_last: false,
        };
        let written = write(&mut self.out, io)?;
        Ok(self.with_ciphertext(written))
    }

    /// Writes what is queued, as far as the kernel takes it; `is_last` where our end follows.
    pub(super) fn write(&mut self, is_last: bool) -> Result<Written> {
        self.settle()?;
        let Some(socket) = &self.socket else {
            return Ok(Written::Blocked);
        };
        let io = &mut Writer {
            socket,
            session: self.session.as_deref_mut(),
            // What is held back for a rate is not to wait for more besides.
            is_last: is_last && self.outlet.is_none(),
        };
        let most = match &mut self.outlet {
            // Without a message there is nothing that waits for its time.
            Some(outlet) if !self.out.is_empty() => outlet.allowance(self.out.mean()),
            _ => usize::MAX,
        };
        let written = self.out.write_some(io, most)?;
        if let Some(outlet) = &mut self.outlet {
            outlet.count(self.out.released());
        }
        Ok(self.with_ciphertext(written))
    }

    /// Whether nothing waits for the kernel.
    pub(super) fn is_flushed(&self) -> bool {
        self.out.is_empty() && self.is_ciphertext_flushed()
    }

    /// Publishes what a write outside the task did, and wakes the task where it must go on.
    fn wrote(&mut self, result: Result<Written>) {
        self.publish();
        match result {
            Ok(Written::All) if !self.is_notify_due() => {}
            Ok(_) => self.wake(),
            Err(error) => {
                self.fault = Some(Box::new(error));
                self.wake();
            }
        }
    }

    pub(super) fn publish(&mut self) {
        let released = self.out.released();
        if self.is_ciphertext_flushed() {
            self.settled = released;
        }
        let waiting = released.bytes.wrapping_sub(self.settled.bytes) as usize;
        self.publish_as(self.out.queued() + waiting);
    }

    fn publish_as(&mut self, queued: usize) {
        let Some(ledger) = &self.ledger else {
            return;
        };
        if queued != self.queued {
            ledger.queue(queued as isize - self.queued as isize);
            self.queued = queued;
        }
        ledger.release(self.slot, self.settled);
    }

    /// Drops the queue for good.
    pub(super) fn void(&mut self) {
        self.out.clear();
        self.wishes.terminate = true;
        self.publish();
        // What was encrypted and not written is no longer queued, and never released.
        self.publish_as(0);
        self.ledger = None;
        self.outlet = None;
        self.session = None;
    }

    /// Takes the notification that is due, if one is.
    pub(super) fn take_notify(&mut self) -> bool {
        let due = self.is_notify_due();
        if due {
            self.notify_at = None;
        }
        due
    }

    fn is_notify_due(&self) -> bool {
        // Wrapping counts: reached means that the difference is not "negative".
        const HALF: u32 = 1 << 31;
        let released = self.settled;
        self.notify_at.is_some_and(|at| {
            released.bytes.wrapping_sub(at.bytes) < HALF
                && released.messages.wrapping_sub(at.messages) < HALF
        })
    }

    pub(super) fn wake(&mut self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        // What was queued for a connection that never came about.
        if let Some(ledger) = &self.ledger {
            ledger.queue(-(self.queued as isize));
        }
    }
}

/// Shares the memory of `batch` with the part of it that stays queued, unless that is the smaller part:
/// then a copy pins less.
pub(crate) fn keep(rest: &[u8], batch: Option<&Bytes>) -> Bytes {
    match batch {
        Some(batch) if 2 * rest.len() >= batch.len() => batch.slice_ref(rest),
        _ => Bytes::copy_from_slice(rest),
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}
