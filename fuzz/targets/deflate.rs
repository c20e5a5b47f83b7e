//! `src/fuzzing/mod.rs` says what it does with an input.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| qwormhole::fuzzing::run("deflate", input));
