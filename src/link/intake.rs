//! What comes in, where it is bounded: counted as the application counts it.

use super::{
    rate::{Rates, Throttle},
    room::{Marks, Payload},
};

/// The rate that messages are held to, if there is one.
#[derive(Debug, Default)]
pub struct Intake {
    gate: Option<Box<Gate>>,
}

#[derive(Debug)]
struct Gate {
    messages: u64,
    bytes: u64,
    throttle: Throttle,
    is_hard: bool,
    /// The time of this turn, and when the socket was last known to be empty: what is read has come since then.
    now: u64,
    empty_at: u64,
    is_exceeded: bool,
}

impl Intake {
    /// Holds what comes to `rates`, if they bound anything.
    pub fn bound(&mut self, rates: &Rates) {
        self.gate = Throttle::new(rates).map(|throttle| {
            Box::new(Gate {
                messages: 0,
                bytes: 0,
                throttle,
                is_hard: rates.is_hard,
                now: 0,
                empty_at: 0,
                is_exceeded: false,
            })
        });
    }

    /// Says what time it is, in nanoseconds since the connection began.
    pub fn set_time(&mut self, now: u64) {
        if let Some(gate) = &mut self.gate {
            gate.now = now;
        }
    }

    /// The socket has been read to its end.
    pub fn caught_up(&mut self) {
        if let Some(gate) = &mut self.gate {
            gate.empty_at = gate.now;
        }
    }

    /// Bytes that may be read now; 0 where it is to wait.
    pub fn allowance(&mut self) -> usize {
        match &mut self.gate {
            Some(gate) if !gate.is_hard => {
                let mean = gate.bytes / gate.messages.max(1);
                let mean = usize::try_from(mean).unwrap_or(usize::MAX);
                gate.throttle.allowance(mean, gate.now)
            }
            _ => usize::MAX,
        }
    }

    /// Holds back what is there: how long, nanoseconds.
    pub fn hold(&mut self) -> u64 {
        let gate = self.gate.as_mut();
        gate.map_or(0, |gate| gate.throttle.hold(gate.now))
    }

    /// More came than a hard bound allows: from there on nothing was delivered.
    pub fn is_exceeded(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.is_exceeded)
    }

    /// Counts a message; false if it is not to be delivered.
    pub(super) fn admits(&mut self, len: usize) -> bool {
        match &mut self.gate {
            Some(gate) => gate.admits(len as u64),
            None => true,
        }
    }
}

impl Gate {
    fn admits(&mut self, len: u64) -> bool {
        self.messages += 1;
        self.bytes += len;
        if !self.is_hard {
            self.throttle.take(len, 1, self.now);
            return true;
        }
        self.is_exceeded = self.is_exceeded || self.throttle.wait(len, self.now) > 0;
        self.throttle.take(len, 1, self.empty_at);
        !self.is_exceeded
    }
}

/// Marks that are counted on their way.
pub(super) struct Counted<'a, M> {
    pub marks: &'a mut M,
    pub intake: &'a mut Intake,
}

impl<M: Marks> Marks for Counted<'_, M> {
    fn message(&mut self, start: usize, len: usize, payload: Payload) {
        if self.intake.admits(len) {
            self.marks.message(start, len, payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Rate;

    const SECOND: u64 = 1_000_000_000;

    fn bounded(is_hard: bool) -> Intake {
        let mut intake = Intake::default();
        let rate = Rate {
            per_second: 1000,
            burst: 100,
        };
        intake.bound(&Rates {
            bytes: Some(rate),
            messages: None,
            is_hard,
        });
        intake
    }

    #[test]
    fn a_soft_bound_waits() {
        let mut intake = bounded(false);
        assert_eq!((intake.allowance(), intake.hold()), (100, 0));
        assert!(intake.admits(600));
        assert_eq!(
            (intake.allowance(), intake.hold()),
            (0, SECOND / 2 + SECOND / 1000)
        );
        intake.set_time(SECOND * 11 / 20);
        assert_eq!((intake.allowance(), intake.hold()), (50, 0));
        assert!(!intake.is_exceeded());
    }

    #[test]
    fn a_hard_bound_refuses_from_the_first_message_on_that_exceeds_it() {
        let mut intake = bounded(true);
        assert_eq!(intake.allowance(), usize::MAX);
        assert!(intake.admits(60) && intake.admits(40));
        assert!(!intake.admits(1) && !intake.admits(0) && intake.is_exceeded());
    }

    #[test]
    fn a_late_read_is_not_the_fault_of_the_peer() {
        let mut intake = bounded(true);
        intake.set_time(SECOND);
        intake.caught_up();
        intake.set_time(2 * SECOND);
        assert!((0..11).all(|_| intake.admits(100)));
        assert!(!intake.admits(1));
    }

    #[test]
    fn without_a_bound_everything_passes() {
        let mut intake = Intake::default();
        intake.bound(&Rates::default());
        assert!(intake.admits(usize::MAX / 2));
        assert_eq!((intake.allowance(), intake.hold()), (usize::MAX, 0));
    }
}
