//! Rates of a running link: the throttles of both directions, and the timer that ends a wait.

use std::{
    future::Future,
    pin::Pin,
    task::Context,
    time::{Duration, Instant},
};

use tokio::time::Sleep;

use super::here::sleep;
use crate::{
    error::{Code, Error},
    link::{Intake, Rates, Released, Throttle},
};

/// Least that is read or written at once: less is not worth a system call, and is paid back by a longer wait.
const LEAST: usize = 1024;

/// What a link may send.
#[derive(Debug)]
pub(super) struct Outlet {
    throttle: Throttle,
    since: Instant,
    counted: Released,
    timer: Timer,
}

impl Outlet {
    /// `None` where nothing holds it back.
    pub(super) fn new(rates: &Rates) -> Option<Box<Self>> {
        Some(Box::new(Self {
            throttle: Throttle::new(rates)?,
            since: Instant::now(),
            counted: Released::default(),
            timer: Timer::default(),
        }))
    }

    /// Bytes that may be written, of messages of about `mean` bytes.
    pub(super) fn allowance(&mut self, mean: usize) -> usize {
        match self.throttle.allowance(mean, nanoseconds(self.since)) {
            0 => 0,
            bytes => bytes.max(LEAST),
        }
    }

    /// Counts what the kernel has taken.
    pub(super) fn count(&mut self, released: Released) {
        let bytes = released.bytes.wrapping_sub(self.counted.bytes);
        let messages = released.messages.wrapping_sub(self.counted.messages);
        self.counted = released;
        let now = nanoseconds(self.since);
        self.throttle.take(bytes.into(), messages.into(), now);
    }

    /// Has the task woken when what is queued has waited enough.
    pub(super) fn wake_in_time(&mut self, cx: &mut Context<'_>) {
        let hold = self.hold();
        self.timer.wake_in(hold, cx);
    }

    /// How long what is queued must wait.
    fn hold(&mut self) -> Duration {
        Duration::from_nanos(self.throttle.hold(nanoseconds(self.since)))
    }
}

/// What a link may receive: the clock and the timer of its [`Intake`].
#[derive(Debug)]
pub(super) struct Inlet {
    rates: Rates,
    since: Instant,
    timer: Timer,
}

impl Inlet {
    /// `None` where nothing is bounded.
    pub(super) fn new(rates: &Rates) -> Option<Box<Self>> {
        Throttle::new(rates)?;
        Some(Box::new(Self {
            rates: *rates,
            since: Instant::now(),
            timer: Timer::default(),
        }))
    }

    /// Puts the bound on what a link receives.
    pub(super) fn bound(&self, intake: &mut Intake) {
        intake.bound(&self.rates);
    }

    /// Bytes that may be read; with 0 the task is woken when it is more.
    pub(super) fn poll_allowance(&mut self, intake: &mut Intake, cx: &mut Context<'_>) -> usize {
        intake.set_time(nanoseconds(self.since));
        let allowance = intake.allowance();
        if allowance == 0 {
            self.timer.wake_in(Duration::from_nanos(intake.hold()), cx);
            return 0;
        }
        allowance.max(LEAST)
    }
}

/// More came than a hard bound allows.
pub(super) fn exceeded() -> Error {
    Error::new(
        Code::RateLimited,
        "the peer sends more than its rate allows",
    )
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Wakes a task, if it is to wait at all.
#[derive(Debug, Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Has the task woken after `wait`.
    fn wake_in(&mut self, wait: Duration, cx: &mut Context<'_>) {
        let mut timer = Box::pin(sleep(wait));
        if timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        self.0 = Some(timer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Rate;

    #[test]
    fn what_waited_and_is_called_late_gets_the_time_made_up_for() {
        let bytes = Some(Rate {
            per_second: 1_000_000,
            burst: 1000,
        });
        let rates = Rates {
            bytes,
            ..Rates::default()
        };
        let mut outlet = Outlet::new(&rates).expect("a bound");
        let mut released = Released {
            bytes: 1000,
            messages: 1,
        };
        outlet.count(released);
        // Also where there is something left that would do for a part of what waits.
        for left in [500, 0] {
            let wait = outlet.hold();
            std::thread::sleep(wait + Duration::from_millis(20));
            let allowance = outlet.allowance(100);
            assert!(allowance > 20_000, "{allowance}");
            released.bytes += u32::try_from(allowance).expect("some") - left;
            outlet.count(released);
        }
    }
}
