//! Turns: who asks for them, who takes them, and what becomes of them when something breaks.

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    task::Waker,
    time::Duration,
};

use super::{Bell, Inline};
use crate::driver::{
    here::{attend, sleep, spawn},
    poller::{Host, Poller},
};

const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than a test that nobody attends to waits for what must not come.
const A_WHILE: Duration = Duration::from_millis(100);

#[derive(Debug, PartialEq)]
enum Told {
    Bell,
    Turn,
    Failure(String),
}

struct Listener {
    told: Sender<Told>,
    panics: bool,
}

impl Host for Listener {
    fn on_bell(&self) {
        assert!(!self.panics, "on purpose");
        let _ = self.told.send(Told::Bell);
    }

    fn on_turn(&self) {
        let _ = self.told.send(Told::Turn);
    }

    fn on_failure(&self, why: &str) {
        let _ = self.told.send(Told::Failure(why.to_owned()));
    }
}

fn inline(panics: bool) -> (Inline, mpsc::Receiver<Told>) {
    let (told, hears) = mpsc::channel();
    let bell = Bell::new().expect("a bell");
    let inline = Inline::start(Arc::new(Listener { told, panics }), bell).expect("starts");
    (inline, hears)
}

#[test]
fn what_is_asked_for_makes_the_descriptor_readable_until_a_turn_is_taken() {
    let (inline, hears) = inline(false);
    assert!(!inline.shared.is_readable());
    inline.ring();
    assert!(inline.shared.is_readable());
    inline.turn(|| {});
    assert_eq!(hears.try_recv(), Ok(Told::Bell));
    assert!(!inline.shared.is_readable());
    inline.end_turn();
    assert!(inline.shared.is_readable());
    inline.turn(|| {});
    assert_eq!(hears.try_recv(), Ok(Told::Turn));
    assert!(!inline.shared.is_readable());
    inline.stop();
}

#[test]
fn a_task_that_wakes_itself_has_its_next_turn_and_not_this_one() {
    let (inline, _hears) = inline(false);
    let (ran, runs) = mpsc::channel();
    inline.spawn_other(async move {
        for _ in 0..2 {
            let _ = ran.send(());
            let mut has_yielded = false;
            std::future::poll_fn(|cx| {
                if std::mem::replace(&mut has_yielded, true) {
                    return std::task::Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
        }
    });
    let mut turns = 0;
    while inline.shared.is_readable() {
        inline.turn(|| {});
        turns += 1;
    }
    assert_eq!(runs.try_iter().count(), 2);
    assert!(turns <= 3, "{turns}");
    inline.stop();
}

#[test]
fn what_a_task_spawns_is_part_of_the_turn() {
    let (inline, _hears) = inline(false);
    let (ran, runs) = mpsc::channel();
    inline.spawn_other(async move {
        spawn(async move {
            let _ = ran.send(());
        });
    });
    inline.turn(|| {});
    assert_eq!(runs.try_recv(), Ok(()));
    assert!(!inline.shared.is_readable());
    inline.stop();
}

#[test]
fn links_that_nobody_attends_to_are_served_all_the_same() {
    let (inline, _hears) = inline(false);
    let (ran, runs) = mpsc::channel();
    inline.shared.welcome(Box::pin(async move {
        attend(Duration::from_millis(10));
        sleep(Duration::from_millis(10)).await;
        let _ = ran.send(());
        std::future::pending::<()>().await;
    }));
    inline.turn(|| {});
    assert_eq!(runs.recv_timeout(PATIENCE), Ok(()));
    inline.stop();
}

#[test]
fn without_links_nobody_looks() {
    let (inline, hears) = inline(false);
    inline.ring();
    assert_eq!(hears.recv_timeout(A_WHILE), Err(RecvTimeoutError::Timeout));
    inline.stop();
}

#[test]
fn a_panic_is_a_failure_that_is_told_once_and_what_waits_is_dropped() {
    let (inline, hears) = inline(true);
    let (holds, dropped) = mpsc::channel::<()>();
    inline.spawn_other(async move {
        let _holds = holds;
        std::future::pending::<()>().await;
    });
    inline.ring();
    inline.turn(|| {});
    assert_eq!(hears.try_recv(), Ok(Told::Failure("on purpose".to_owned())));
    assert_eq!(dropped.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    inline.turn(|| {});
    assert!(hears.try_recv().is_err());
    inline.stop();
}

#[test]
fn after_it_was_stopped_turns_and_wakes_do_nothing() {
    let (inline, hears) = inline(false);
    let waker = Waker::from(Arc::clone(&inline.shared.bell));
    inline.stop();
    waker.wake();
    inline.ring();
    inline.turn(|| {});
    inline.stop();
    assert!(hears.try_recv().is_err());
}
