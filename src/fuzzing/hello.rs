//! HELLO with its TLVs, GOAWAY and `meta`: what is accepted is written, read again, and the same.
use super::our_hello;
use crate::qwh::{GoAway, Hello, check_meta, negotiate};

pub(super) fn run(bytes: &[u8]) {
    for from_initiator in [false, true] {
        let Ok(hello) = Hello::parse(bytes, from_initiator) else {
            continue;
        };
        let encoded = hello.encode(from_initiator).expect("what was accepted");
        assert_eq!(Hello::parse(&encoded, from_initiator).as_ref(), Ok(&hello));
        let _ = negotiate(&hello, &our_hello());
    }
    if let Ok(goaway) = GoAway::parse(bytes) {
        assert_eq!(GoAway::parse(&goaway.encode()).as_ref(), Ok(&goaway));
    }
    if let Ok(meta) = check_meta(bytes) {
        assert_eq!(meta.as_bytes(), bytes);
    }
}
