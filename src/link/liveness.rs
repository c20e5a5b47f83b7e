//! Whether a link's peer still lives: when to ask it, when to show that we do, and the verdict.
//!
//! Without socket and clock: times go in, acts come out. Any received byte is life. Whoever does not read
//! passes no verdict, since what it does not know may wait in its socket; it shows that it lives instead,
//! because it cannot see what it is asked either. And whoever was asleep itself gives its peer time anew:
//! in time that nobody attended nobody could have answered.

use std::time::Duration;

/// Least between two signs of life, whatever the peer would like, milliseconds: control frames are
/// bounded on its side too, by default at 32 a second.
const LEAST_SIGN: u32 = 100;

/// Signs within the time after which a peer loses patience: one may be late, and one lost in a queue.
const SIGNS_IN_TIME: u32 = 3;

/// How a peer is watched that says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// It is asked for a sign of life after this time without a byte of it.
    pub interval: Duration,
    /// It is held to be dead after this time; more than `interval`.
    pub timeout: Duration,
}

impl Default for Heartbeat {
    /// 20 s, which keeps most routers that forget idle connections from doing so, and 45 s, in which two
    /// questions fit.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(20),
            timeout: Duration::from_secs(45),
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Ask the peer for a sign of life.
    Ping,
    /// Show ours.
    Pong,
    /// Read what the kernel holds, all of it, then ask again what is to be done.
    Look,
    /// The peer is dead.
    Dead,
}

/// One link's watch. All times are milliseconds of one clock that never goes back.
#[derive(Debug)]
pub struct Liveness {
    watch: Option<Watch>,
    /// Between two signs of ours while we do not read.
    sign: u32,
    heard_at: u64,
    said_at: u64,
    silence: Silence,
    is_reading: bool,
    /// We did not read at some time since our last sign: what the peer has asked may wait unseen.
    was_deaf: bool,
}

#[derive(Clone, Copy, Debug)]
struct Watch {
    interval: u32,
    /// From the first question on.
    patience: u32,
}

/// How far the peer's silence has come.
#[derive(Clone, Copy, Debug)]
enum Silence {
    /// It was not asked since it was last heard.
    Unasked,
    /// It has not answered.
    Asked { first: u64, last: u64 },
    /// The last look was asked for then.
    Looking(u64),
}

impl Liveness {
    /// A link that is read from `now` on. `peer_timeout` is how long the peer bears our silence, where that
    /// is known. `None` if there is nothing to do.
    pub fn new(
        heartbeat: Option<Heartbeat>,
        peer_timeout: Option<Duration>,
        now: u64,
    ) -> Option<Self> {
        let watch = heartbeat.map(|Heartbeat { interval, timeout }| Watch {
            interval: millis(interval),
            patience: millis(timeout.saturating_sub(interval)),
        });
        let wanted = peer_timeout.map(|timeout| (millis(timeout) / SIGNS_IN_TIME).max(LEAST_SIGN));
        let sign = match (watch, wanted) {
            (Some(watch), Some(wanted)) => watch.interval.min(wanted),
            (Some(watch), None) => watch.interval,
            (None, wanted) => wanted?,
        };
        Some(Self {
            watch,
            sign,
            heard_at: now,
            said_at: now,
            silence: Silence::Unasked,
            is_reading: true,
            was_deaf: false,
        })
    }

    /// Something came.
    pub fn heard(&mut self, now: u64) {
        self.heard_at = now;
        self.silence = Silence::Unasked;
    }

    /// Whether what comes is read. From when it is again, the peer has all its time.
    pub fn set_reading(&mut self, is_reading: bool, now: u64) {
        if is_reading && !self.is_reading {
            self.heard(now);
        }
        self.is_reading = is_reading;
        self.was_deaf |= !is_reading;
    }

    /// Whether what comes is read, as it was last said.
    pub fn is_reading(&self) -> bool {
        self.is_reading
    }

    /// What is to be done now; to be asked until it is nothing, at [`due`](Self::due) or before.
    pub fn on_time(&mut self, now: u64) -> Option<Act> {
        if self.sign_due().is_some_and(|due| now >= due) {
            self.was_deaf = !self.is_reading;
            self.said_at = now;
            return Some(Act::Pong);
        }
        let watch = self.watch?;
        let due = self.watch_due().filter(|due| now >= *due)?;
        let was_asleep = now - due > u64::from(watch.interval / 2);
        Some(match self.silence {
            Silence::Unasked => self.ask(now, now),
            _ if was_asleep => self.ask(now, now),
            Silence::Looking(_) => Act::Dead,
            Silence::Asked { first, .. } if now >= first + u64::from(watch.patience) => {
                self.silence = Silence::Looking(now);
                Act::Look
            }
            Silence::Asked { first, .. } => self.ask(first, now),
        })
    }

    /// When there is something to be done, if nothing happens before.
    pub fn due(&self) -> Option<u64> {
        match (self.sign_due(), self.watch_due()) {
            (Some(sign), Some(watch)) => Some(sign.min(watch)),
            (sign, watch) => sign.or(watch),
        }
    }

    /// How long the peer may be silent, milliseconds.
    pub(crate) fn timeout_ms(&self) -> u32 {
        self.watch
            .map_or(0, |watch| watch.interval.saturating_add(watch.patience))
    }

    fn ask(&mut self, first: u64, last: u64) -> Act {
        self.silence = Silence::Asked { first, last };
        self.said_at = last;
        Act::Ping
    }

    fn sign_due(&self) -> Option<u64> {
        self.was_deaf.then_some(self.said_at + u64::from(self.sign))
    }

    fn watch_due(&self) -> Option<u64> {
        let Watch { interval, patience } = self.watch.filter(|_| self.is_reading)?;
        let (interval, patience) = (u64::from(interval), u64::from(patience));
        Some(match self.silence {
            Silence::Unasked => self.heard_at + interval,
            Silence::Asked { first, last } => (last + interval).min(first + patience),
            Silence::Looking(at) => at,
        })
    }
}

fn millis(time: Duration) -> u32 {
    // Options are at most half of it; so no sum overflows.
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors() {
        let vectors = include_str!("../../test/vectors/liveness.json");
        let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).expect("JSON");
        for vector in &vectors {
            let time = |name: &str| vector[name].as_u64().map(Duration::from_millis);
            let heartbeat = time("intervalMs").map(|interval| Heartbeat {
                interval,
                timeout: time("timeoutMs").expect("comes with an interval"),
            });
            let liveness = Liveness::new(heartbeat, time("peerTimeoutMs"), 0);
            let Some(mut liveness) = liveness else {
                assert!(vector["steps"].is_null(), "{}", vector["name"]);
                continue;
            };
            for step in vector["steps"].as_array().expect("steps") {
                let now = step["at"].as_u64().expect("a number");
                let act = match step["do"].as_str() {
                    Some("hear") => {
                        liveness.heard(now);
                        None
                    }
                    Some("pause" | "resume") => {
                        liveness.set_reading(step["do"] == "resume", now);
                        None
                    }
                    _ => liveness.on_time(now),
                };
                let act = act.map(|act| match act {
                    Act::Ping => "ping",
                    Act::Pong => "pong",
                    Act::Look => "look",
                    Act::Dead => "dead",
                });
                assert_eq!(act, step["act"].as_str(), "{} at {now}", vector["name"]);
                let due = step["due"].as_u64();
                assert_eq!(liveness.due(), due, "{} at {now}", vector["name"]);
            }
        }
    }
}
