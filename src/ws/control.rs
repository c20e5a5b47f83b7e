//! Control frames of the peer (RFC 6455 §5.5): how many it may send, what they are answered with.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    close::CloseFrame,
    decoder::Limits,
    frame::{MAX_CONTROL, Opcode, Role, write_frame},
    mask,
};
use crate::error::{Code, Error, Result};

/// Pings that wait for their pongs. The newest are kept: one answer serves for all pings before it.
const MAX_PINGS: usize = 64;

/// Takes control frames.
#[derive(Debug)]
pub(super) struct Control {
    allowance: Allowance,
    pings: VecDeque<Ping>,
    close: Option<CloseFrame>,
}

#[derive(Debug)]
struct Ping {
    payload: [u8; MAX_CONTROL],
    length: usize,
}

impl Control {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            allowance: Allowance::new(limits.control_burst, limits.control_per_second),
            pings: VecDeque::new(),
            close: None,
        }
    }

    /// Takes one frame, its payload unmasked.
    pub(super) fn take(&mut self, opcode: Opcode, payload: &[u8], now: Instant) -> Result<()> {
        self.allowance.take(now)?;
        match opcode {
            Opcode::Ping => self.queue(payload),
            Opcode::Close => self.close = Some(CloseFrame::parse(payload)?),
            _ => {}
        }
        Ok(())
    }

    /// The pongs that are due, as frames.
    pub(super) fn take_replies(&mut self, role: Role) -> Result<Option<Vec<u8>>> {
        if self.pings.is_empty() {
            return Ok(None);
        }
        let mut replies = Vec::new();
        for ping in std::mem::take(&mut self.pings) {
            let key = match role {
                Role::Client => Some(mask::new_key()?),
                Role::Server => None,
            };
            let payload = ping.payload.get(..ping.length).unwrap_or_default();
            write_frame(&mut replies, key, Opcode::Pong, false, payload);
        }
        Ok(Some(replies))
    }

    /// What the peer closed with.
    pub(super) fn close(&self) -> Option<&CloseFrame> {
        self.close.as_ref()
    }

    fn queue(&mut self, payload: &[u8]) {
        if self.pings.len() == MAX_PINGS {
            self.pings.pop_front();
        }
        let mut ping = Ping {
            payload: [0; MAX_CONTROL],
            length: payload.len(),
        };
        for (to, from) in ping.payload.iter_mut().zip(payload) {
            *to = *from;
        }
        self.pings.push_back(ping);
    }
}

/// A bucket of tokens: so many at once, so many a second from then on.
#[derive(Debug)]
struct Allowance {
    burst: u32,
    per_second: u32,
    tokens: u32,
    /// When tokens were last added.
    since: Option<Instant>,
}

impl Allowance {
    fn new(burst: u32, per_second: u32) -> Self {
        Self {
            burst,
            per_second,
            tokens: burst,
            since: None,
        }
    }

    fn take(&mut self, now: Instant) -> Result<()> {
        self.refill(now);
        match self.tokens.checked_sub(1) {
            Some(rest) => {
                self.tokens = rest;
                Ok(())
            }
            None => Err(Error::new(
                Code::Flood,
                format!(
                    "more than {} control frames at once and {} a second",
                    self.burst, self.per_second
                ),
            )),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_so_many_a_second() {
        let start = Instant::now();
        let mut allowance = Allowance::new(64, 32);
        let taken = |allowance: &mut Allowance, at: u64| {
            let now = start + Duration::from_millis(at);
            (0..1000)
                .take_while(|_| allowance.take(now).is_ok())
                .count()
        };
        assert_eq!(taken(&mut allowance, 0), 64);
        assert_eq!(taken(&mut allowance, 30), 0);
        assert_eq!(taken(&mut allowance, 32), 1);
        assert_eq!(taken(&mut allowance, 1000), 31);
        assert_eq!(taken(&mut allowance, 60_000), 64);
        assert_eq!(taken(&mut Allowance::new(2, 0), 60_000), 2);
    }
}
