//! Rates: how much may pass, by a token bucket that counts in nanoseconds.
//!
//! A bucket is full at some moment, now or later; what is taken moves that moment on by the time that the rate
//! needs for it. So there is one number to keep, time is an argument, and rounding errors do not add up: the
//! remainder of each division goes into the next. A message larger than the bucket passes when that is full and
//! puts it into debt, and nothing passes until that is paid. The same in `ts/link/rate.ts`, on `test/vectors/rates.json`.

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

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
            rest: 0,
        }
    }

    /// Takes `units` out, into debt if need be.
    pub fn take(&mut self, units: u64, now: u64) {
        let due = u128::from(units) * u128::from(SECOND) + u128::from(self.rest);
        let rate = u128::from(self.per_second);
        self.full_at = self.full_at.max(now).saturating_add(narrow(due / rate));
        self.rest = narrow(due % rate);
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
        let level = self.depth.saturating_sub(self.full_at.saturating_sub(now));
        narrow(u128::from(level) * u128::from(self.per_second) / u128::from(SECOND))
    }
}

/// Both bounds of one direction of a connection.
#[derive(Debug)]
pub struct Throttle {
    bytes: Option<Bucket>,
    messages: Option<Bucket>,
}

impl Throttle {
    /// `None` where nothing is bounded.
    pub fn new(rates: &Rates) -> Option<Self> {
        let throttle = Self {
            bytes: rates.bytes.map(Bucket::new),
            messages: rates.messages.map(Bucket::new),
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

    /// Bytes that may pass, where messages are of about `mean` bytes. At least 1 if anything may.
    pub fn allowance(&self, mean: usize, now: u64) -> usize {
        if self.wait(1, now) > 0 {
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
