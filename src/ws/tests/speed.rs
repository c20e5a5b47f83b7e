//! Figures, not a test: `cargo test --release --no-default-features --lib speed -- --ignored --nocapture`.

use std::{hint::black_box, io::Read, time::Instant};

use crate::{
    link::{Marks, Payload, Room},
    ws::{Decoder, Limits, Opcode, Role, mask, write_frame},
};

/// Memory that is lent again and again.
struct Scratch {
    memory: Vec<u8>,
    count: Count,
}

#[derive(Default)]
struct Count(usize);

impl Marks for Count {
    fn message(&mut self, start: usize, len: usize, _: Payload) {
        self.0 += 1;
        black_box((start, len));
    }
}

impl Room for Scratch {
    type Marks = Count;

    fn space(&mut self, _: usize) -> Option<(&mut [u8], &mut Count)> {
        Some((&mut self.memory, &mut self.count))
    }

    fn commit(&mut self, _: usize) {}

    fn assembled(&mut self, _: Vec<u8>, _: Payload) {
        self.count.0 += 1;
    }

    fn hold(&mut self, _: isize) -> bool {
        true
    }
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    for size in [64, 1024, 64 * 1024] {
        let mut bytes = vec![1; size];
        let rounds = (1 << 20) / size;
        let mut best = u128::MAX;
        for _ in 0..2000 {
            let started = Instant::now();
            for _ in 0..rounds {
                mask(black_box(&mut bytes), black_box([1, 2, 3, 4]), 0);
            }
            best = best.min(started.elapsed().as_nanos());
        }
        let ns = best as f64 / rounds as f64;
        println!("mask {size} B: {ns:.1} ns, {:.1} GB/s", size as f64 / ns);
    }
    for (opcode, name) in [(Opcode::Binary, "binary"), (Opcode::Text, "text")] {
        for role in [Role::Server, Role::Client] {
            for size in [64, 1024, 16 * 1024] {
                frames(opcode, name, role, size);
            }
        }
    }
}

fn frames(opcode: Opcode, name: &str, role: Role, size: usize) {
    // Fits the caches, as what a socket gives does.
    const TOTAL: usize = 256 * 1024;
    let key = (role == Role::Server).then_some([9, 8, 7, 6]);
    let mut stream = Vec::new();
    let mut count = 0;
    while stream.len() < TOTAL {
        write_frame(&mut stream, key, opcode, false, &vec![b'x'; size]);
        count += 1;
    }
    let mut room = Scratch {
        memory: vec![0; 256 * 1024],
        count: Count::default(),
    };
    // The best of many rounds: others use this machine too.
    let (mut copy, mut decode) = (u128::MAX, u128::MAX);
    for _ in 0..2000 {
        let started = Instant::now();
        let mut io = &stream[..];
        while io
            .read(&mut room.memory[..68 * 1024])
            .is_ok_and(|count| count > 0)
        {}
        copy = copy.min(started.elapsed().as_nanos());
        let mut io = &stream[..];
        let mut decoder = Decoder::new(role, Limits::default(), None, Vec::new());
        let started = Instant::now();
        decoder
            .on_readable(&mut io, &mut room, usize::MAX, started)
            .unwrap();
        decode = decode.min(started.elapsed().as_nanos());
    }
    assert_eq!(room.count.0, count * 2000);
    let [copy, decode] = [copy, decode].map(|time| time as f64 / count as f64);
    println!("{name} {role:?} {size} B: {decode:.1} ns a frame, {copy:.1} of them the copy");
}
