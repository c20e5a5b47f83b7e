//! What two HELLOs come to. A pure function, symmetric in its parts, that both ends compute by
//! themselves: nobody has to be believed.

use super::{fault::Fault, hello::Hello};
use crate::close_code::CloseCode;

/// What a connection has, for both ends alike. Limits are not part of it: each end obeys the other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The newest version that both speak.
    pub version: u8,
    /// Capabilities that both offer.
    pub caps: u64,
    /// The codec of both.
    pub codec: String,
}

/// What both ends can do together.
///
/// # Errors
/// `version`, `caps` or `codec`, in this order, if that is too little.
pub fn negotiate(one: &Hello, other: &Hello) -> Result<Agreement, Fault> {
    let Some(version) = one.versions.common(other.versions) else {
        let reason = "there is no version in common";
        return Err(Fault::new(CloseCode::VERSION, reason));
    };
    let caps = one.offered & other.offered;
    if (one.required | other.required) & !caps != 0 {
        let reason = "a required capability is missing";
        return Err(Fault::new(CloseCode::CAPS, reason));
    }
    if !knows(one, other) || !knows(other, one) {
        let reason = "a required extension is missing";
        return Err(Fault::new(CloseCode::CAPS, reason));
    }
    if one.codec != other.codec {
        return Err(Fault::new(CloseCode::CODEC, "the codecs differ"));
    }
    Ok(Agreement {
        version,
        caps,
        codec: one.codec.clone(),
    })
}

/// Whether `one` has every extension that `other` says it must know.
fn knows(one: &Hello, other: &Hello) -> bool {
    let mut needed = other
        .extensions
        .iter()
        .filter(|extension| extension.must_be_known());
    needed.all(|needed| one.extensions.iter().any(|known| known.name == needed.name))
}
