//! A broken rule, and the code that ends the connection for it.

use std::fmt;

use crate::{
    close_code::CloseCode,
    error::{Code, Error},
};

/// What the peer did wrong. The reason is sent to it, so it never quotes what the peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The code that goes into the reject or GOAWAY.
    pub code: CloseCode,
    /// The rule that was broken.
    pub reason: &'static str,
}

impl Fault {
    #[cold]
    pub(super) fn new(code: CloseCode, reason: &'static str) -> Self {
        Self { code, reason }
    }

    /// A broken rule of records, frames or TLVs.
    #[cold]
    pub(super) fn protocol(reason: &'static str) -> Self {
        Self::new(CloseCode::PROTOCOL, reason)
    }

    /// Bytes that are no preamble, or none of this protocol.
    #[cold]
    pub(super) fn preamble(reason: &'static str) -> Self {
        Self::new(CloseCode::BAD_PREAMBLE, reason)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.code)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let code = match fault.code {
            CloseCode::PROTOCOL => Code::Protocol,
            CloseCode::TOO_BIG => Code::TooBig,
            CloseCode::RATE_LIMITED => Code::Flood,
            _ => Code::Handshake,
        };
        Self::new(code, fault.reason).with("closeCode", fault.code.0.into())
    }
}
