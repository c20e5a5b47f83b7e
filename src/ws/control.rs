//! Control frames of the peer (RFC 6455 §5.5): how many it may send, what they are answered with.

use std::{collections::VecDeque, time::Instant};

use super::{
    close::CloseFrame,
    frame::{MAX_CONTROL, Opcode, Role, write_frame},
    mask,
};
use crate::{
    allowance::Allowance,
    error::{Code, Error, Result},
    link::ReceiveLimits,
};

/// Pings that wait for their pongs. The newest are kept: one answer serves for all pings before it.
const MAX_PINGS: usize = 64;

/// Takes control frames.
#[derive(Debug)]
pub(super) struct Control {
    allowance: Allowance,
    /// What matters of those that came, if anything does.
    heard: Option<Box<Heard>>,
}

#[derive(Debug, Default)]
struct Heard {
    pings: VecDeque<Ping>,
    close: Option<CloseFrame>,
}

#[derive(Debug)]
struct Ping {
    payload: [u8; MAX_CONTROL],
    length: usize,
}

impl Control {
    pub(super) fn new(limits: &ReceiveLimits) -> Self {
        Self {
            allowance: Allowance::new(limits.control_burst, limits.control_per_second),
            heard: None,
        }
    }

    /// Takes one frame, its payload unmasked.
    pub(super) fn take(&mut self, opcode: Opcode, payload: &[u8], now: Instant) -> Result<()> {
        if !self.allowance.take(now) {
            return Err(self.flood());
        }
        match opcode {
            Opcode::Ping => self.queue(payload),
            Opcode::Close => {
                let close = CloseFrame::parse(payload)?;
                self.heard.get_or_insert_default().close = Some(close);
            }
            _ => {}
        }
        Ok(())
    }

    /// The pongs that are due, as frames.
    pub(super) fn take_replies(&mut self, role: Role) -> Result<Option<Vec<u8>>> {
        let Some(heard) = &mut self.heard else {
            return Ok(None);
        };
        let pings = std::mem::take(&mut heard.pings);
        if heard.close.is_none() {
            self.heard = None;
        }
        if pings.is_empty() {
            return Ok(None);
        }
        let mut replies = Vec::new();
        for ping in pings {
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
        self.heard.as_ref()?.close.as_ref()
    }

    #[cold]
    fn flood(&self) -> Error {
        let allowance = &self.allowance;
        Error::new(Code::Flood, format!("more than {allowance}"))
    }

    fn queue(&mut self, payload: &[u8]) {
        let pings = &mut self.heard.get_or_insert_default().pings;
        if pings.len() == MAX_PINGS {
            pings.pop_front();
        }
        let mut ping = Ping {
            payload: [0; MAX_CONTROL],
            length: payload.len(),
        };
        for (to, from) in ping.payload.iter_mut().zip(payload) {
            *to = *from;
        }
        pings.push_back(ping);
    }
}
