//! The one number space of close codes: why a connection was refused or ended, on every carrier and
//! protocol. The same table as `ts/close-codes.ts`; `test/vectors/qwh/codes.json` holds both to it.

use std::fmt;

use crate::error::{Code, Error};

/// Why a connection was refused or ended. Peers may send numbers that have no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

/// Every code: number, name, whether another try may help.
macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal, $retriable:literal;)*) => {
        impl CloseCode {
            $($(#[$doc])* pub const $constant: Self = Self($number);)*

            const FACTS: &[(u16, &str, bool)] = &[$(($number, $name, $retriable)),*];
        }
    };
}

codes! {
    /// Ended on purpose, nothing is wrong.
    OK = 0x00, "ok", false;
    /// No protocol version in common.
    VERSION = 0x01, "version", false;
    /// The peer broke the rules of the protocol.
    PROTOCOL = 0x02, "protocol", false;
    /// The peer could not prove who it is.
    AUTH_FAILED = 0x03, "auth_failed", false;
    /// Refused or ended by a rule of the application.
    REJECTED_BY_POLICY = 0x04, "rejected_by_policy", false;
    /// A required capability is missing.
    CAPS = 0x05, "caps", false;
    /// The peer sent more than it was allowed to.
    FLOW = 0x06, "flow", false;
    /// A message above the size limit.
    TOO_BIG = 0x07, "too_big", false;
    /// The peer did not answer in time.
    TIMEOUT = 0x08, "timeout", true;
    /// Nothing was received for too long.
    IDLE = 0x09, "idle", true;
    /// The server is going away: connect elsewhere or later.
    SHUTDOWN = 0x0a, "shutdown", true;
    /// Another connection took over this session.
    TAKEN_OVER = 0x0b, "taken_over", false;
    /// Too much in too short a time.
    RATE_LIMITED = 0x0c, "rate_limited", true;
    /// A fault of this side.
    INTERNAL = 0x0d, "internal", false;
    /// Received data fail authentication. Only ever seen locally, never sent.
    TAMPER = 0x0e, "tamper", false;
    /// A stream was not accepted.
    REFUSED_STREAM = 0x0f, "refused_stream", true;
    /// The operation was cancelled.
    CANCELLED = 0x10, "cancelled", false;
    /// The deadline of an operation passed.
    DEADLINE = 0x11, "deadline", false;
    /// The required level of security was not reached.
    SECURITY = 0x12, "security", false;
    /// No cipher suite or handshake pattern in common.
    SUITE = 0x13, "suite", false;
    /// The resumption ticket is not known here.
    TICKET_UNKNOWN = 0x14, "ticket_unknown", false;
    /// No room for another connection at the moment.
    BUSY = 0x15, "busy", true;
    /// The first bytes are not those of this protocol.
    BAD_PREAMBLE = 0x16, "bad_preamble", false;
    /// The two ends use different codecs.
    CODEC = 0x17, "codec", false;
}

impl CloseCode {
    /// The name of the number, if it is in the table.
    pub fn name(self) -> Option<&'static str> {
        self.facts().map(|(_, name, _)| *name)
    }

    /// Whether a client may try again after this code; an unknown code says no.
    pub fn is_retriable(self) -> bool {
        self.facts().is_some_and(|(_, _, retriable)| *retriable)
    }

    /// What a peer is told of a fault, be it one of the WebSocket below, which has numbers of its own.
    pub(crate) fn of(error: &Error) -> Self {
        /// Where the numbers of WebSocket begin.
        const WEBSOCKET: u16 = 1000;
        let said = (error.detail("closeCode")).and_then(|code| u16::try_from(code).ok());
        match (said, error.code()) {
            (Some(code), _) if code < WEBSOCKET || error.code() != Code::Protocol => Self(code),
            (_, Code::TooBig) => Self::TOO_BIG,
            (_, Code::Flood | Code::RateLimited) => Self::RATE_LIMITED,
            // Nobody is there to be told.
            (_, Code::ConnectionLost) => Self::OK,
            (_, Code::Protocol | Code::Truncated | Code::InvalidUtf8) => Self::PROTOCOL,
            _ => Self::INTERNAL,
        }
    }

    /// The close code of WebSocket that stands for it.
    pub(crate) fn on_websocket(self) -> u16 {
        /// Where our numbers begin among the private codes, and how many there are.
        const OURS: u16 = 4400;
        const MOST: u16 = 599;
        match self {
            Self::OK => 1000,
            Self::PROTOCOL => 1002,
            Self::REJECTED_BY_POLICY | Self::RATE_LIMITED => 1008,
            Self::TOO_BIG => 1009,
            Self::SHUTDOWN => 1012,
            Self::BUSY => 1013,
            Self(code) if code <= MOST && self != Self::INTERNAL => OURS + code,
            _ => 1011,
        }
    }

    fn facts(self) -> Option<&'static (u16, &'static str, bool)> {
        Self::FACTS.iter().find(|(number, ..)| *number == self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_the_vectors() {
        let vectors = include_str!("../test/vectors/qwh/codes.json");
        let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).unwrap();
        assert_eq!(vectors.len(), CloseCode::FACTS.len());
        for vector in &vectors {
            let code = CloseCode(vector["code"].as_u64().unwrap() as u16);
            assert_eq!(code.name(), vector["name"].as_str());
            assert_eq!(Some(code.is_retriable()), vector["retriable"].as_bool());
        }
        assert_eq!(CloseCode(0x18).name(), None);
    }
}
