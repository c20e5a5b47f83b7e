//! Rates of a running link: the throttles of both directions, and the timer that ends a wait.

use std::{
    future::Future,
    pin::Pin,
    task::Context,
    time::{Duration, Instant},
};

use tokio::time::{Sleep, sleep};

use crate::{
    error::{Code, Error, Result},
    link::{Intake, Rates, Released, Throttle},
};

/// Least that is read or written at once: less is not worth a system call, and is paid back by a longer wait.
const LEAST: usize = 1024;

/// A throttle and its clock.
#[derive(Debug)]
struct Clocked {
    throttle: Throttle,
    since: Instant,
}

impl Clocked {
    fn new(rates: &Rates) -> Option<Self> {
        Some(Self {
            throttle: Throttle::new(rates)?,
            since: Instant::now(),
        })
    }

    /// Nanoseconds since the link began.
    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn wait(&self) -> Duration {
        Duration::from_nanos(self.throttle.wait(self.now()))
    }

    fn allowance(&self, mean: usize) -> usize {
        match self.throttle.allowance(mean, self.now()) {
            0 => 0,
            bytes => bytes.max(LEAST),
        }
    }
}

/// What a link may send.
#[derive(Debug)]
pub(super) struct Outlet {
    clocked: Clocked,
    counted: Released,
}

impl Outlet {
    /// `None` where nothing holds it back.
    pub(super) fn new(rates: &Rates) -> Option<Box<Self>> {
        let clocked = Clocked::new(rates)?;
        let counted = Released::default();
        Some(Box::new(Self { clocked, counted }))
    }

    /// Bytes that may be written, of messages of about `mean` bytes.
    pub(super) fn allowance(&self, mean: usize) -> usize {
        self.clocked.allowance(mean)
    }

    /// Counts what the kernel has taken.
    pub(super) fn count(&mut self, released: Released) {
        let bytes = released.bytes.wrapping_sub(self.counted.bytes);
        let messages = released.messages.wrapping_sub(self.counted.messages);
        self.counted = released;
        let now = self.clocked.now();
        self.clocked
            .throttle
            .take(bytes.into(), messages.into(), now);
    }

    /// How long nothing may be written.
    pub(super) fn wait(&self) -> Duration {
        self.clocked.wait()
    }
}

/// What a link may receive.
#[derive(Debug)]
pub(super) struct Intaker {
    clocked: Clocked,
    is_hard: bool,
    counted: Intake,
    timer: Timer,
}

impl Intaker {
    /// `None` where nothing is bounded.
    pub(super) fn new(rates: &Rates) -> Option<Box<Self>> {
        Some(Box::new(Self {
            clocked: Clocked::new(rates)?,
            is_hard: rates.is_hard,
            counted: Intake::default(),
            timer: Timer::default(),
        }))
    }

    /// Bytes that may be read; with 0 the task is woken when it is more.
    pub(super) fn poll_allowance(&mut self, cx: &mut Context<'_>) -> usize {
        if self.is_hard {
            return usize::MAX;
        }
        let Intake {
            messages, bytes, ..
        } = self.counted;
        let mean = usize::try_from(bytes / messages.max(1)).unwrap_or(usize::MAX);
        let allowance = self.clocked.allowance(mean.max(1));
        if allowance == 0 {
            self.timer.wake_in(self.clocked.wait(), cx);
        }
        allowance
    }

    /// Counts what has come.
    ///
    /// # Errors
    /// `RateLimited` when that is more than a hard bound allows: it is exceeded by the message that comes
    /// while the bucket is in debt.
    pub(super) fn count(&mut self, intake: Intake) -> Result<()> {
        let messages = intake.messages - self.counted.messages;
        if messages == 0 {
            return Ok(());
        }
        let bytes = intake.bytes - self.counted.bytes;
        self.counted = intake;
        let now = self.clocked.now();
        let throttle = &mut self.clocked.throttle;
        // If the last one was in time, all before it were.
        throttle.take(bytes - intake.last, messages - 1, now);
        let is_late = self.is_hard && throttle.wait(now) > 0;
        throttle.take(intake.last, 1, now);
        match is_late {
            true => Err(Error::new(
                Code::RateLimited,
                "the peer sends more than its rate allows",
            )),
            false => Ok(()),
        }
    }
}

/// Wakes a task, if it is to wait at all.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Has the task woken after `wait`.
    pub(super) fn wake_in(&mut self, wait: Duration, cx: &mut Context<'_>) {
        let mut timer = Box::pin(sleep(wait));
        if timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        self.0 = Some(timer);
    }
}
