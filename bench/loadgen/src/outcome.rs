//! What a run found, and the interval it was measured in.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::cpu::{Snapshot, Usage};
use crate::error::Error;

/// Latencies are kept in nanoseconds to three digits, up to a minute; what is above counts as that.
const LONGEST_NS: u64 = 60_000_000_000;

/// What one run found. A message is a reply, a delivery or a visit, as the scenario has it.
pub struct Outcome {
    /// Messages within the measured interval.
    pub messages: u64,
    /// Reads that brought these messages.
    pub batches: u64,
    /// Messages checked in all, warm-up and drain included.
    pub checked: u64,
    /// From sending to arrival, in nanoseconds.
    pub latency: Histogram<u64>,
    pub interval: Interval,
}

/// What passed between the two ends of a measured interval.
pub struct Interval {
    /// The time as it really was.
    pub elapsed: Duration,
    /// What the server's process spent, when it was observed.
    pub server: Option<Usage>,
    /// What this process spent itself, where that can be known: close to the whole time, it was what was measured.
    pub load: Option<Usage>,
}

/// An interval under way.
pub struct Stopwatch {
    pid: Option<u32>,
    began: Instant,
    before: Option<Snapshot>,
    own: Option<Snapshot>,
}

impl Stopwatch {
    /// Starts to measure; `pid` is the process to observe.
    pub fn start(pid: Option<u32>) -> Result<Self, Error> {
        let before = observe(pid)?;
        Ok(Self {
            pid,
            began: Instant::now(),
            before,
            own: own(),
        })
    }

    /// When it started.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Ends the interval.
    pub fn stop(self) -> Result<Interval, Error> {
        let elapsed = self.began.elapsed();
        let after = observe(self.pid)?;
        let server = self
            .before
            .zip(after)
            .map(|(before, after)| after.since(&before));
        let load = self
            .own
            .zip(own())
            .map(|(before, after)| after.since(&before));
        Ok(Interval {
            elapsed,
            server,
            load,
        })
    }
}

/// Where this process stands; only Linux says.
fn own() -> Option<Snapshot> {
    Snapshot::take(std::process::id()).ok()
}

fn observe(pid: Option<u32>) -> Result<Option<Snapshot>, Error> {
    let Some(pid) = pid else {
        return Ok(None);
    };
    match Snapshot::take(pid) {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(source) => Err(Error::Observe { pid, source }),
    }
}

/// An empty histogram of latencies.
pub fn latencies() -> Histogram<u64> {
    // The bounds are constants that the histogram accepts: 1 <= low, 2 * low <= high, 0..=5 digits.
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("constant bounds are valid")
}

/// Notes how long a message took.
pub fn record(latency: &mut Histogram<u64>, from: Instant, to: Instant) {
    latency.saturating_record(u64::try_from((to - from).as_nanos()).unwrap_or(u64::MAX));
}
