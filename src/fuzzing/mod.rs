//! What the fuzz targets do with an input, for libFuzzer (`fuzz/`) and for the tests, which do the same with the
//! inputs that are kept in `fuzz/corpora/`. Behind the feature `fuzzing`: no part of the API.
#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "called by the targets alone; a panic is what they look for"
)]

mod deflate;
mod handshake;
mod hello;
mod input;
mod length_prefixed;
mod lent;
mod opening;
mod records;
mod websocket;

pub(crate) use self::{
    input::{Input, our_hello},
    lent::{Found, Lent, Pieces},
};

/// What is fuzzed, by name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets: one each in `fuzz/targets/`.
pub const TARGETS: [Target; 9] = [
    ("deflate", deflate::run),
    ("handshake", handshake::run),
    ("hello", hello::run),
    ("length_prefixed", length_prefixed::run),
    ("link", crate::exchange::fuzzing::link),
    ("opening", opening::run),
    ("records", records::run),
    ("slabs", crate::exchange::fuzzing::slabs),
    ("websocket", websocket::run),
];

/// Runs the target `name` on one input.
pub fn run(name: &str, input: &[u8]) {
    let (_, run) = TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a target's name");
    run(input);
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use base64::{Engine, prelude::BASE64_STANDARD};

    /// Every input that is kept, a line each in Base64: what covers the most, and whatever once failed.
    #[test]
    fn what_was_found_once_is_not_found_again() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpora");
        for (name, run) in super::TARGETS {
            let corpus =
                fs::read_to_string(kept.join(name).with_extension("txt")).expect("a corpus");
            let mut inputs = corpus
                .lines()
                .filter(|line| !line.starts_with('#'))
                .peekable();
            assert!(inputs.peek().is_some(), "{name} has no inputs");
            for input in inputs {
                // Shown when it fails.
                println!("{name}: {input}");
                run(&BASE64_STANDARD.decode(input).expect("Base64"));
            }
        }
    }
}
