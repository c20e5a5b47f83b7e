//! The watch over a running link's peer: its clock and its timer, and what is said.
//!
//! The timer is armed for when something may be due, and not touched by what comes in between: a link that is
//! busy costs one look at the clock for each turn of reading and one wake for each interval.

use std::{
    future::Future,
    pin::Pin,
    task::Context,
    time::{Duration, Instant},
};

use tokio::time::Sleep;

use super::{
    here::{attend, sleep_until},
    incoming::Incoming,
};
use crate::{
    error::{Code, Error, Result},
    link::{Act, Heartbeat, Liveness, Released},
    qwh,
    ws::{self, Opcode, Role},
};

/// Milliseconds between the last look and the verdict: in them the thread asks the kernel for what has come.
const LOOK: u64 = 10;

/// One link's watch.
pub(super) struct Pulse {
    liveness: Liveness,
    since: Instant,
    timer: Pin<Box<Sleep>>,
    /// What the timer is armed for, milliseconds; at first for nothing, which is later than all.
    armed: u64,
    /// Bytes received when last looked.
    received: u64,
    /// The kernel took no more when the timer last fired, and had taken so much.
    blocked_at: Option<Released>,
}

impl Pulse {
    /// `None` where nobody is watched and nobody watches.
    pub(super) fn start(
        heartbeat: Option<Heartbeat>,
        peer_timeout: Option<Duration>,
    ) -> Option<Box<Self>> {
        let since = Instant::now();
        attend(patience(heartbeat, peer_timeout)?);
        Some(Box::new(Self {
            liveness: Liveness::new(heartbeat, peer_timeout, 0)?,
            since,
            timer: Box::pin(sleep_until(since.into())),
            armed: u64::MAX,
            received: 0,
            blocked_at: None,
        }))
    }

    /// A turn is over: bytes received ever, and whether more would have been read.
    pub(super) fn observe(&mut self, received: u64, is_reading: bool) {
        let is_fresh = received != self.received;
        if !is_fresh && is_reading == self.liveness.is_reading() {
            return;
        }
        let now = self.now();
        if is_fresh {
            self.received = received;
            self.liveness.heard(now);
        }
        self.liveness.set_reading(is_reading, now);
    }

    /// What is to be done now; else the task is woken when it may be something. `blocked` is what the kernel
    /// had taken when it took no more.
    pub(super) fn poll(&mut self, blocked: Option<Released>, cx: &mut Context<'_>) -> Option<Act> {
        let due = self.liveness.due()?;
        let is_early = due < self.armed;
        if !is_early && !self.timer.is_elapsed() {
            return None;
        }
        let now = self.now();
        if now >= due {
            // Only a kernel that hears of its peer has room again.
            let blocked_before = std::mem::replace(&mut self.blocked_at, blocked);
            if blocked_before.is_some_and(|taken| blocked != Some(taken)) {
                self.liveness.heard(now);
            }
        }
        let act = self.liveness.on_time(now);
        let due = self.liveness.due();
        self.armed = due.unwrap_or(u64::MAX);
        let next = match act {
            Some(Act::Look) => Some(now + LOOK),
            _ => due,
        };
        if let Some(next) = next {
            let next = self.since + Duration::from_millis(next);
            self.timer.as_mut().reset(next.into());
            if self.timer.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        act
    }

    /// The peer is dead.
    pub(super) fn verdict(&self) -> Error {
        let timeout = self.liveness.timeout_ms();
        let why = format!("the peer gave no sign of life for {timeout} ms");
        let timeout = usize::try_from(timeout).unwrap_or(usize::MAX);
        Error::new(Code::HeartbeatTimeout, why).with("timeoutMs", timeout)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// How soon whoever serves the link must notice what has come: in a fraction of the time that an answer may take.
fn patience(heartbeat: Option<Heartbeat>, peer_timeout: Option<Duration>) -> Option<Duration> {
    let answer = heartbeat.map(|beat| {
        beat.interval
            .min(beat.timeout.saturating_sub(beat.interval))
    });
    let patience = match (answer, peer_timeout) {
        (Some(answer), Some(timeout)) => answer.min(timeout / 2),
        (answer, timeout) => answer.or(timeout.map(|timeout| timeout / 2))?,
    };
    Some(patience / 4)
}

/// The control frame that asks for a sign of life, or that is one; of a carrier that has them.
///
/// # Errors
/// `Resources` without random bytes for a mask.
pub(super) fn sign(incoming: &Incoming, is_ping: bool) -> Result<Vec<u8>> {
    let mut frame = Vec::new();
    match incoming {
        Incoming::Stream(_) => {}
        Incoming::WebSocket(decoder) => {
            let opcode = match is_ping {
                true => Opcode::Ping,
                false => Opcode::Pong,
            };
            let mask = match decoder.role() {
                Role::Client => Some(ws::new_key()?),
                Role::Server => None,
            };
            ws::write_frame(&mut frame, mask, opcode, false, &[]);
        }
        Incoming::Qwh(_) => frame = record(qwh::Carrier::Stream, is_ping),
        Incoming::Records(records) => {
            let record = record(qwh::Carrier::Messages, is_ping);
            ws::push_message(records.role(), &record, &mut frame)?;
        }
    }
    Ok(frame)
}

fn record(carrier: qwh::Carrier, is_ping: bool) -> Vec<u8> {
    let mut encoder = qwh::Encoder::new(carrier);
    let mut record = Vec::new();
    // No answer is told from another.
    match is_ping {
        true => encoder.ping(0, &mut record),
        false => encoder.pong(0, &mut record),
    }
    encoder.seal(&mut record);
    record
}
