//! Rates: how much may pass, by a token bucket that counts in nanoseconds.
//!
//! A bucket is full at some moment, now or later; what is taken moves that moment on by the time that the rate
//! needs for it. So there is one number to keep, time is an argument, and rounding errors do not add up: the
//! remainder of each division goes into the next. A message larger than the bucket passes when that is full and
//! puts it into debt, and nothing passes until that is paid. The same in `ts/link/rate.ts`, on `test/vectors/rates.json`.
//!
//! Who waits is called late, since timers are. A bucket that is full loses what comes meanwhile, and a small one is full
//! soon: so after a late call it holds more than its burst, by what would have passed in the time lost.

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// Most that is made up for, nanoseconds: a busy event loop is seldom later, and it is a twentieth of the burst that a
/// rate has by default.
const MAX_CATCH_UP: u64 = SECOND / 20;

/// So many units a second, and so many at once after a rest. Units are payload bytes or messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    pub per_second: u64,
    /// At least 1.
    pub burst: u64,
}

/// Bounds of one direction; what is `None` is not bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// In payload bytes.
    pub bytes: Option<Rate>,
    /// In messages.
    pub messages: Option<Rate>,
    /// Who exceeds it is rejected instead of held back.
    pub is_hard: bool,
}

/// One token bucket. It begins full. Times are nanoseconds of a clock that never goes back.
#[derive(Debug)]
pub struct Bucket {
    per_second: u64,
    /// How long it takes to fill.
    depth: u64,
    full_at: u64,
    /// A full bucket goes on filling for the time until then, as far as that is not over.
    catches_up_until: u64,
    /// What the last division left over, in units × nanoseconds.
    rest: u64,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Rate) -> Self {
        let per_second = rate.per_second.max(1);
        let depth = u128::from(rate.burst) * u128::from(SECOND) / u128::from(per_second);
        Self {
            per_second,
            depth: narrow(depth).max(1),
            full_at: 0,
            catches_up_until: 0,
            rest: 0,
        }
    }

    /// Takes `units` out, into debt if need be.
    pub fn take(&mut self, units: u64, now: u64) {
        let due = u128::from(units) * u128::from(SECOND) + u128::from(self.rest);
        let rate = u128::from(self.per_second);
        let since = self.full_at.max(self.earliest(now));
        self.full_at = since.saturating_add(narrow(due / rate));
        self.rest = narrow(due % rate);
    }

    /// Who waited is called so many nanoseconds late.
    pub fn late(&mut self, by: u64, now: u64) {
        self.catches_up_until = now.saturating_add(by.min(MAX_CATCH_UP));
    }

    /// How far back it counts that the bucket is full.
    fn earliest(&self, now: u64) -> u64 {
        now.saturating_sub(self.catches_up_until.saturating_sub(now))
    }

    /// How long until `units` may pass, nanoseconds; 0 if they may now.
    pub fn wait(&self, units: u64, now: u64) -> u64 {
        let rate = u128::from(self.per_second);
        let need = narrow((u128::from(units) * u128::from(SECOND)).div_ceil(rate)).min(self.depth);
        (self.full_at.saturating_sub(now))
            .saturating_add(need)
            .saturating_sub(self.depth)
    }

    /// Units that may pass without debt.
    pub fn available(&self, now: u64) -> u64 {
        let since = self.full_at.max(self.earliest(now));
        let level = (self.depth.saturating_add(now)).saturating_sub(since);
        narrow(u128::from(level) * u128::from(self.per_second) / u128::from(SECOND))
    }
}

/// Both bounds of one direction of a connection.
#[derive(Debug)]
pub struct Throttle {
    bytes: Option<Bucket>,
    messages: Option<Bucket>,
    /// When what waits was to pass.
    due_at: Option<u64>,
}

impl Throttle {
    /// `None` where nothing is bounded.
    pub fn new(rates: &Rates) -> Option<Self> {
        let throttle = Self {
            bytes: rates.bytes.map(Bucket::new),
            messages: rates.messages.map(Bucket::new),
            due_at: None,
        };
        (throttle.bytes.is_some() || throttle.messages.is_some()).then_some(throttle)
    }

    /// Counts what has passed.
    pub fn take(&mut self, bytes: u64, messages: u64, now: u64) {
        if let Some(bucket) = &mut self.bytes {
            bucket.take(bytes, now);
        }
        if let Some(bucket) = &mut self.messages {
            bucket.take(messages, now);
        }
    }

    /// How long until one message of `bytes` may pass, nanoseconds; 0 if it may now.
    pub fn wait(&self, bytes: u64, now: u64) -> u64 {
        let wait = |bucket: &Option<Bucket>, units| {
            bucket.as_ref().map_or(0, |bucket| bucket.wait(units, now))
        };
        wait(&self.bytes, bytes).max(wait(&self.messages, 1))
    }

    /// Something waits from now on: how long it must, nanoseconds.
    pub fn hold(&mut self, now: u64) -> u64 {
        let wait = self.wait(1, now);
        self.due_at = Some(now.saturating_add(wait));
        wait
    }

    /// Whether something may pass. What a late look has lost of what waits is made up for.
    pub fn passes(&mut self, now: u64) -> bool {
        if self.wait(1, now) > 0 {
            return false;
        }
        if let Some(due_at) = self.due_at.take() {
            let buckets = [&mut self.bytes, &mut self.messages];
            for bucket in buckets.into_iter().flatten() {
                bucket.late(now.saturating_sub(due_at), now);
            }
        }
        true
    }

    /// As [`passes`](Self::passes), in bytes that may pass, where messages are of about `mean` bytes. At least 1 if
    /// anything may.
    pub fn allowance(&mut self, mean: usize, now: u64) -> usize {
        if !self.passes(now) {
            return 0;
        }
        let units = |bucket: &Option<Bucket>| {
            let units = bucket
                .as_ref()
                .map_or(u64::MAX, |bucket| bucket.available(now));
            usize::try_from(units.max(1)).unwrap_or(usize::MAX)
        };
        units(&self.bytes).min(units(&self.messages).saturating_mul(mean.max(1)))
    }
}

fn narrow(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors() {
        let vectors = include_str!("../../test/vectors/rates.json");
        let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).expect("JSON");
        for vector in &vectors {
            let number = |value: &serde_json::Value| value.as_u64().expect("a number");
            let mut bucket = Bucket::new(Rate {
                per_second: number(&vector["perSecond"]),
                burst: number(&vector["burst"]),
            });
            for step in vector["steps"].as_array().expect("steps") {
                let now = number(&step["at"]);
                if let Some(by) = step.get("late") {
                    bucket.late(number(by), now);
                }
                let take = number(&step["take"]);
                let found = [
                    bucket.wait(1, now),
                    bucket.wait(take, now),
                    bucket.available(now),
                ];
                let expected = ["wait", "waitForAll", "available"].map(|name| number(&step[name]));
                assert_eq!(found, expected, "{} at {now}", vector["name"]);
                bucket.take(take, now);
            }
        }
    }

    #[test]
    fn late_calls_cost_nothing_of_the_rate_however_small_the_burst() {
        for burst in [1, 1000, 20_000] {
            for late in [1_100_000, 15_000_000] {
                let per_second = 1_000_000;
                let bytes = Some(Rate { per_second, burst });
                let rates = Rates {
                    bytes,
                    ..Rates::default()
                };
                let mut throttle = Throttle::new(&rates).expect("a bound");
                let (mut now, mut passed) = (0, 0);
                while now < SECOND {
                    match throttle.allowance(100, now) {
                        0 => now += throttle.hold(now) + late,
                        bytes => {
                            passed += bytes as u64;
                            throttle.take(bytes as u64, 1, now);
                        }
                    }
                }
                let slack = burst + 2 * late / 1000;
                assert!(
                    passed.abs_diff(per_second) <= slack,
                    "{burst} {late}: {passed}"
                );
            }
        }
    }

    #[test]
    fn what_rests_is_owed_nothing() {
        let bytes = Some(Rate {
            per_second: 1_000_000,
            burst: 1000,
        });
        let mut throttle = Throttle::new(&Rates {
            bytes,
            ..Rates::default()
        })
        .expect("a bound");
        throttle.take(2000, 1, 0);
        assert_eq!(throttle.hold(0), 1_001_000);
        // A minute late: no more is made up for than a twentieth of a second.
        assert_eq!(throttle.allowance(100, 60 * SECOND), 51_000);
        assert_eq!(throttle.allowance(100, 61 * SECOND), 1000);
    }

    #[test]
    fn any_size_and_rate_comes_out_within_a_thousandth() {
        for per_second in [100_000, 1_000_000, 10_000_000, 9_999_991] {
            for size in [16, 100, 1024, 65_536] {
                let burst = per_second / 10;
                let mut bucket = Bucket::new(Rate { per_second, burst });
                let (mut now, mut passed) = (0, 0);
                while now < SECOND {
                    bucket.take(size, now);
                    passed += size;
                    now += bucket.wait(size, now);
                }
                // The last message may be in debt for its own size.
                let expected = burst + per_second;
                assert!(
                    passed.abs_diff(expected) <= size + expected / 1000,
                    "{per_second} {size}"
                );
            }
        }
    }
}
