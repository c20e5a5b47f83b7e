//! How many control frames a peer may send: they cost it nothing, and us an answer.

use std::{
    fmt,
    time::{Duration, Instant},
};

/// A bucket of tokens: so many at once, so many a second from then on.
#[derive(Debug)]
pub(crate) struct Allowance {
    burst: u32,
    per_second: u32,
    tokens: u32,
    /// When tokens were last added.
    since: Option<Instant>,
}

impl Allowance {
    pub(crate) fn new(burst: u32, per_second: u32) -> Self {
        Self {
            burst,
            per_second,
            tokens: burst,
            since: None,
        }
    }

    /// Takes one; false if there is none.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.refill(now);
        match self.tokens.checked_sub(1) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => false,
        }
    }

    fn refill(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        let interval = match Duration::from_secs(1).checked_div(self.per_second) {
            Some(interval) if !interval.is_zero() => interval,
            _ => return,
        };
        let elapsed = now.saturating_duration_since(since).as_nanos();
        let due = u32::try_from(elapsed / interval.as_nanos()).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(due).min(self.burst);
        // What is left of an interval counts for the next token.
        self.since = match interval
            .checked_mul(due)
            .and_then(|time| since.checked_add(time))
        {
            Some(since) => Some(since),
            None => Some(now),
        };
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            burst, per_second, ..
        } = self;
        write!(
            f,
            "{burst} control frames at once and {per_second} a second"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_so_many_a_second() {
        let start = Instant::now();
        let mut allowance = Allowance::new(64, 32);
        let taken = |allowance: &mut Allowance, at: u64| {
            let now = start + Duration::from_millis(at);
            (0..1000).take_while(|_| allowance.take(now)).count()
        };
        assert_eq!(taken(&mut allowance, 0), 64);
        assert_eq!(taken(&mut allowance, 30), 0);
        assert_eq!(taken(&mut allowance, 32), 1);
        assert_eq!(taken(&mut allowance, 1000), 31);
        assert_eq!(taken(&mut allowance, 60_000), 64);
        assert_eq!(taken(&mut Allowance::new(2, 0), 60_000), 2);
    }
}
