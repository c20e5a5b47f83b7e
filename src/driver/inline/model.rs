//! Whoever asks for a turn, in whatever order with those that take one, is served by one that the descriptor announces.

use std::sync::Arc;

use shuttle::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};
use tokio::sync::Notify;

use super::{Bell, Inline, Job, Turn};
use crate::{
    driver::poller::{Host, Poller},
    error::Result,
    model::tried,
};

impl Inline {
    /// One whose watchdog the model plays: nobody keeps the time.
    pub(crate) fn modelled(host: Arc<dyn Host>, bell: Arc<Bell>) -> Result<Self> {
        Self::unwatched(host, bell).map(|(inline, _)| inline)
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.shared.is_readable()
    }

    pub(crate) fn run(&self, job: Job) {
        self.shared.welcome(job);
    }

    /// What the watchdog does when it was long enough that nobody took a turn.
    pub(crate) fn watch(&self) {
        if self.shared.is_due() {
            self.shared.turn(Turn::Watchdog);
        }
    }
}

/// Has work for both bells, and notes when it was done.
#[derive(Default)]
struct Owner {
    /// Work that waits: for the bell, and for the end of a turn.
    waiting: [AtomicUsize; 2],
    is_busy: AtomicBool,
}

impl Owner {
    fn add(&self, kind: usize) {
        self.waiting[kind].fetch_add(1, Ordering::SeqCst);
    }

    fn serve(&self, kind: usize) {
        assert!(
            !self.is_busy.swap(true, Ordering::SeqCst),
            "two turns at once"
        );
        self.waiting[kind].swap(0, Ordering::SeqCst);
        self.is_busy.store(false, Ordering::SeqCst);
    }

    fn is_served(&self) -> bool {
        (self.waiting.iter()).all(|waiting| waiting.load(Ordering::SeqCst) == 0)
    }
}

impl Host for Owner {
    fn on_bell(&self) {
        self.serve(0);
    }

    fn on_turn(&self) {
        self.serve(1);
    }

    fn on_failure(&self, why: &str) {
        panic!("{why}");
    }
}

#[test]
fn what_is_asked_for_is_done_by_a_turn_that_was_announced() {
    tried(|| {
        let owner = Arc::new(Owner::default());
        let host = Arc::clone(&owner) as Arc<dyn Host>;
        let inline = Inline::modelled(host, Bell::new().expect("a descriptor"));
        let inline = Arc::new(inline.expect("starts"));
        let (waits, done) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let woken = (Arc::clone(&waits), Arc::clone(&done));
        inline.run(Box::pin(async move {
            woken.0.notified().await;
            woken.1.fetch_add(1, Ordering::SeqCst);
        }));
        let asks = {
            let (inline, owner, done) =
                (Arc::clone(&inline), Arc::clone(&owner), Arc::clone(&done));
            move || {
                owner.add(0);
                inline.ring();
                owner.add(1);
                inline.end_turn();
                inline.run(Box::pin(async move {
                    done.fetch_add(1, Ordering::SeqCst);
                }));
                waits.notify_one();
            }
        };
        let watches = {
            let inline = Arc::clone(&inline);
            move || (0..2).for_each(|_| inline.watch())
        };
        let others = [thread::spawn(asks), thread::spawn(watches)];
        for _ in 0..2 {
            if inline.is_readable() {
                // What is asked for in the middle of its work is part of that, or is announced.
                inline.turn(|| inline.ring());
            }
        }
        for other in others {
            other.join().expect("no panic");
        }
        // Nobody asks any more: what is left undone now is left for good.
        while inline.is_readable() {
            inline.turn(|| {});
        }
        assert!(owner.is_served());
        assert_eq!(done.load(Ordering::SeqCst), 2);
        inline.stop();
    });
}
