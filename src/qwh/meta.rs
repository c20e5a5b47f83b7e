//! The JSON in a HELLO: telemetry that a peer declares of itself. Nothing that a limit or a permission
//! depends on is in there, because parsers disagree about keys that come twice and about large numbers.

use serde::de::IgnoredAny;

use super::{
    fault::Fault,
    limits::{MAX_META, MAX_META_DEPTH},
};

/// Checks that `bytes` are an object in JSON, within the limits, and gives it as text.
///
/// # Errors
/// `protocol` for anything else.
pub fn check(bytes: &[u8]) -> Result<&str, Fault> {
    if bytes.len() > MAX_META {
        return Err(Fault::protocol("meta is too long"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Fault::protocol("meta is not UTF-8"));
    };
    // Before anything is built of it, so that no parser's stack depends on a peer.
    if depth(bytes) > MAX_META_DEPTH {
        return Err(Fault::protocol("meta is nested too deep"));
    }
    let is_object = text
        .trim_start_matches([' ', '\t', '\n', '\r'])
        .starts_with('{');
    // Only whether it is JSON: what a number or an escape stands for is no concern of ours.
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) if is_object => Ok(text),
        _ => Err(Fault::protocol("meta is no JSON object")),
    }
}

/// How deep brackets are nested, those in strings aside. For what is JSON, this is its depth.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut in_string = false;
    let mut escaped = false;
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (true, _) => {}
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (false, _) => {}
        }
    }
    deepest
}
