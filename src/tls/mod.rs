//! TLS without its sockets: what is agreed on, who is trusted, and one session's bytes.
//!
//! The protocol is rustls', with the cryptography of aws-lc-rs passed explicitly. What is here turns this
//! crate's settings into its configurations, its failures into the codes of the table, and its connection
//! into something that reads and writes like a socket ([`Session`]). It does not wait and knows no socket.

mod alert;
mod dialing;
mod fault;
mod fingerprint;
mod hello;
mod identity;
mod info;
mod listening;
mod session;
mod settings;
mod trust;
mod verifier;

pub(crate) use alert::{ACCESS_DENIED, INTERNAL_ERROR, final_alert};
pub(crate) use dialing::{DialParts, Dialing};
pub(crate) use fault::{fault, gone, or_left};
pub use fingerprint::Fingerprint;
pub(crate) use fingerprint::Rules;
pub(crate) use hello::{ClientHello, HelloReader, is_tls};
pub(crate) use identity::{Identity, certificates};
pub(crate) use info::Info;
pub(crate) use listening::{ListenParts, Listening};
pub(crate) use session::Session;
pub(crate) use settings::{PostQuantum, Settings, Version};

#[cfg(test)]
mod tests;
