//! Received messages on their way from the link's task to `recv`, bounded.
//!
//! The two meet in one short lock a batch: the task adds all messages of a read at once, and `recv`
//! takes all there are at once.

use std::{
    collections::VecDeque,
    mem::{self, size_of},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use super::{budget::Budget, message::Message};

/// The way in of one connection.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    batch: Batch,
    /// Nothing follows what is queued.
    ended: bool,
    /// Nobody will receive any more.
    deserted: bool,
    reader: Option<Waker>,
    stalled: Option<Waker>,
}

/// Messages in order, and what they count.
#[derive(Debug, Default)]
pub(super) struct Batch {
    messages: VecDeque<Message>,
    cost: usize,
}

impl Batch {
    /// The next message. With the last one the whole batch no longer counts: a count a message would
    /// cost more than it is worth.
    pub(super) fn pop(&mut self, budget: &Budget) -> Option<Message> {
        let message = self.messages.pop_front();
        if self.messages.is_empty() {
            budget.free(mem::take(&mut self.cost));
        }
        message
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    fn push(&mut self, message: Message) {
        // An empty message takes memory too: without that, a flood of them would not be bounded.
        self.cost += message.len() + size_of::<Bytes>();
        self.messages.push_back(message);
    }
}

impl Inbox {
    /// Whether less than `window` waits.
    pub(super) fn has_room(&self, window: usize) -> bool {
        self.lock().batch.cost < window
    }

    /// Adds messages and charges them to `budget`.
    pub(super) fn push(&self, messages: impl Iterator<Item = Message>, budget: &Budget) {
        let mut queue = self.lock();
        if queue.deserted {
            return;
        }
        let before = queue.batch.cost;
        messages.for_each(|message| queue.batch.push(message));
        // Under the lock: nobody can free what is not charged yet.
        budget.add(queue.batch.cost - before);
        let reader = queue.reader.take();
        drop(queue);
        wake(reader);
    }

    /// Says that nothing follows.
    pub(super) fn end(&self) {
        let reader = {
            let mut queue = self.lock();
            queue.ended = true;
            queue.reader.take()
        };
        wake(reader);
    }

    /// Exchanges `batch`, which is empty, for what waits; false when nothing does and nothing follows.
    pub(super) fn poll_take(&self, batch: &mut Batch, cx: &mut Context<'_>) -> Poll<bool> {
        let mut queue = self.lock();
        if queue.batch.messages.is_empty() {
            if queue.ended {
                return Poll::Ready(false);
            }
            queue.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        mem::swap(&mut queue.batch, batch);
        let stalled = queue.stalled.take();
        drop(queue);
        wake(stalled);
        Poll::Ready(true)
    }

    /// Has `waker` woken once messages are taken. To be called before the last look for room.
    pub(super) fn stall(&self, waker: &Waker) {
        self.lock().stalled = Some(waker.clone());
    }

    /// Has the link look for room again.
    pub(super) fn room_again(&self) {
        let stalled = self.lock().stalled.take();
        wake(stalled);
    }

    /// Drops what waits and all that is still to come; gives what it counted.
    pub(super) fn desert(&self) -> usize {
        let (batch, stalled) = {
            let mut queue = self.lock();
            queue.deserted = true;
            (mem::take(&mut queue.batch), queue.stalled.take())
        };
        wake(stalled);
        batch.cost
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing between the changes of one operation can panic but an allocation.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Outside the lock, which the woken would only wait for.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
