//! HELLO with its TLVs, GOAWAY and `meta`: what is accepted is written, read again, and the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qwormhole::qwh::{GoAway, Hello, check_meta, negotiate};
use qwormhole_fuzz::our_hello;

fuzz_target!(|bytes: &[u8]| {
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
});
