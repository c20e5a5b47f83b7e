//! Random streams: mostly legal, with everything that can be wrong mixed in.

use proptest::prelude::*;

use crate::ws::{Deflater, Header, Opcode, Role, Side, close_payload, mask};

/// What a peer does next.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Binary(Vec<u8>),
    Text(String),
    Bytes(Vec<u8>),
    Fragments(Vec<Vec<u8>>, bool),
    Compressed(String),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    /// Any frame, legal or not.
    Odd(u8, Vec<u8>),
}

pub(super) fn acts(compression: bool) -> impl Strategy<Value = Vec<Act>> {
    let small = prop::collection::vec(any::<u8>(), 0..200);
    let text = "[a-z\u{e4}\u{20ac}\u{1f600}]{0,80}";
    let large = (any::<u8>(), 0usize..6_000).prop_map(|(seed, length)| {
        (0..length)
            .map(|at| (at as u8).wrapping_mul(seed))
            .collect()
    });
    let act = prop_oneof![
        6 => small.clone().prop_map(Act::Binary),
        2 => large.prop_map(Act::Binary),
        6 => text.prop_map(Act::Text),
        1 => small.clone().prop_map(Act::Bytes),
        4 => (prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6), Just(false))
            .prop_map(|(parts, text)| Act::Fragments(parts, text)),
        3 => (text, 1usize..7).prop_map(|(text, size)| {
            Act::Fragments(text.as_bytes().chunks(size).map(<[u8]>::to_vec).collect(), true)
        }),
        4 => "[a-d]{0,6000}".prop_map(move |text| match compression {
            true => Act::Compressed(text),
            false => Act::Text(text),
        }),
        2 => prop::collection::vec(any::<u8>(), 0..125).prop_map(Act::Ping),
        1 => prop::collection::vec(any::<u8>(), 0..125).prop_map(Act::Pong),
        1 => (prop_oneof![Just(1000), 0u16..5100], "[a-z\u{e4}]{0,40}")
            .prop_map(|(code, reason)| Act::Close(code, reason)),
        1 => (any::<u8>(), small).prop_map(|(first, payload)| Act::Odd(first, payload)),
    ];
    prop::collection::vec(act, 0..12)
}

/// The acts as the peer of `role` sends them.
pub(super) fn stream(acts: &[Act], role: Role) -> Vec<u8> {
    let mut writer = Writer {
        bytes: Vec::new(),
        key: (role == Role::Server).then_some([0x12, 0xf4, 0x00, 0x9b]),
        deflater: Deflater::new(Side::default(), 6).unwrap(),
    };
    for act in acts {
        writer.act(act);
    }
    writer.bytes
}

struct Writer {
    bytes: Vec<u8>,
    key: Option<[u8; 4]>,
    deflater: Deflater,
}

impl Writer {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Binary(payload) => self.frame(0x82, payload),
            Act::Text(text) => self.frame(0x81, text.as_bytes()),
            Act::Bytes(payload) => self.frame(0x81, payload),
            Act::Fragments(parts, text) => {
                let first = if *text { 0x01 } else { 0x02 };
                for (at, part) in parts.iter().enumerate() {
                    let fin = if at + 1 == parts.len() { 0x80 } else { 0 };
                    let opcode = if at == 0 { first } else { 0 };
                    self.frame(fin | opcode, part);
                    if at == 1 {
                        self.frame(0x89, b"between");
                    }
                }
            }
            Act::Compressed(text) => self.compressed(text),
            Act::Ping(payload) => self.frame(0x89, payload),
            Act::Pong(payload) => self.frame(0x8a, payload),
            Act::Close(code, reason) => self.frame(0x88, &close_payload(*code, reason)),
            Act::Odd(first, payload) => self.frame(*first, payload),
        }
    }

    /// In two frames.
    fn compressed(&mut self, text: &str) {
        let mut payload = Vec::new();
        self.deflater
            .compress(text.as_bytes(), &mut payload)
            .unwrap();
        let (first, second) = payload.split_at(payload.len() / 2);
        self.frame(0x41, first);
        self.frame(0x80, second);
    }

    fn frame(&mut self, first: u8, payload: &[u8]) {
        let header = Header {
            opcode: Opcode::Binary,
            fin: true,
            rsv1: false,
            mask: self.key,
            length: payload.len() as u64,
        };
        let (bytes, used) = header.bytes();
        self.bytes.push(first);
        self.bytes.extend_from_slice(&bytes[1..used]);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        if let Some(key) = self.key {
            mask(&mut self.bytes[start..], key, 0);
        }
    }
}

/// Flips bits here and there.
pub(super) fn mutate(stream: &mut [u8], flips: &[(prop::sample::Index, u8)]) {
    for (at, bits) in flips {
        if !stream.is_empty() {
            stream[at.index(stream.len())] ^= bits;
        }
    }
}
