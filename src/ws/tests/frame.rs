//! Headers: the examples of RFC 6455 §5.7 and everything that §5.2 forbids.

use crate::{
    error::Code,
    ws::{Header, Opcode, Role, write_frame},
};

fn refused(bytes: &[u8], role: Role, compression: bool) -> bool {
    match Header::parse(bytes, role, compression) {
        Err(error) => {
            assert_eq!(error.code(), Code::Protocol);
            true
        }
        Ok(_) => false,
    }
}

fn parsed(bytes: &[u8], role: Role) -> (Header, usize) {
    for cut in 0..bytes.len().min(2) {
        assert_eq!(Header::parse(&bytes[..cut], role, true).unwrap(), None);
    }
    Header::parse(bytes, role, true).unwrap().unwrap()
}

#[test]
fn examples_of_the_rfc() {
    let mut frame = Vec::new();
    write_frame(&mut frame, None, Opcode::Text, false, b"Hello");
    assert_eq!(frame, b"\x81\x05Hello");

    let key = [0x37, 0xfa, 0x21, 0x3d];
    frame.clear();
    write_frame(&mut frame, Some(key), Opcode::Text, false, b"Hello");
    assert_eq!(frame, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    let (header, used) = parsed(&frame, Role::Server);
    assert_eq!((header.mask, header.length, used), (Some(key), 5, 6));

    let (header, used) = parsed(b"\x01\x03Hel", Role::Client);
    assert_eq!((header.opcode, header.fin, used), (Opcode::Text, false, 2));
    let (header, _) = parsed(b"\x80\x02lo", Role::Client);
    assert_eq!((header.opcode, header.fin), (Opcode::Continuation, true));
    let (header, used) = parsed(b"\x82\x7e\x01\x00", Role::Client);
    assert_eq!((header.length, used), (256, 4));
    let (header, used) = parsed(b"\x82\x7f\0\0\0\0\0\x01\0\0", Role::Client);
    assert_eq!((header.length, used), (65536, 10));
}

#[test]
fn what_is_written_is_read() {
    for length in [0, 1, 125, 126, 127, 65535, 65536, 1 << 40] {
        for (role, mask) in [(Role::Client, None), (Role::Server, Some([1, 2, 3, 4]))] {
            for (fin, rsv1) in [(true, true), (false, true), (true, false)] {
                let opcode = Opcode::Binary;
                let header = Header {
                    opcode,
                    fin,
                    rsv1,
                    mask,
                    length,
                };
                let (bytes, used) = header.bytes();
                assert_eq!(parsed(&bytes, role), (header, used));
                for cut in 0..used {
                    let part = Header::parse(&bytes[..cut], role, true).unwrap();
                    assert_eq!(part, None, "{cut} of {used}");
                }
            }
        }
    }
}

#[test]
fn reserved_bits_and_opcodes() {
    for first in 0..=u8::MAX {
        let (rsv1, rsv2_3, opcode) = (first & 0x40 != 0, first & 0x30 != 0, first & 0x0f);
        let (fin, control) = (first & 0x80 != 0, opcode >= 8);
        let known = matches!(opcode, 0..=2 | 8..=10);
        for compression in [false, true] {
            let legal_rsv1 = !rsv1 || compression && matches!(opcode, 1 | 2);
            let legal = known && !rsv2_3 && legal_rsv1 && (fin || !control);
            // Already the first byte tells.
            assert_eq!(
                refused(&[first], Role::Client, compression),
                !legal,
                "{first:x}"
            );
            assert_eq!(refused(&[first, 0], Role::Client, compression), !legal);
        }
    }
}

#[test]
fn masked_by_the_client_only() {
    assert!(refused(b"\x82\x05", Role::Server, false));
    assert!(refused(b"\x82\x85", Role::Client, false));
    assert!(!refused(b"\x82\x85", Role::Server, false));
    assert!(!refused(b"\x82\x05", Role::Client, false));
}

#[test]
fn lengths_that_are_not_minimal_or_too_long() {
    for bytes in [
        &b"\x82\x7e\x00\x7d"[..],
        b"\x82\x7e\x00\x00",
        b"\x82\x7f\0\0\0\0\0\0\xff\xff",
        b"\x82\x7f\0\0\0\0\0\0\0\0",
        b"\x82\x7f\x80",
        b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        assert!(refused(bytes, Role::Client, false), "{bytes:x?}");
    }
    for (bytes, length) in [
        (
            &b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"[..],
            u64::MAX >> 1,
        ),
        (b"\x82\x7f\x00\x20\0\0\0\0\0\0", 1 << 53),
    ] {
        assert_eq!(parsed(bytes, Role::Client).0.length, length);
    }
}

#[test]
fn control_frames_are_small_and_whole() {
    for opcode in [0x88, 0x89, 0x8a] {
        assert!(refused(&[opcode, 126], Role::Client, false));
        assert!(refused(&[opcode, 127], Role::Client, false));
        assert!(!refused(&[opcode, 125], Role::Client, false));
        assert!(refused(&[opcode & 0x7f], Role::Client, false));
    }
}
