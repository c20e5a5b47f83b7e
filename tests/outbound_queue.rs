//! The sending queue against a simple model: whole records, in order, high first, counted exactly.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Write},
};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use qwormhole::{
    Class, Code,
    frame::{HEADER, Protocol},
    link::{Outbound, Released, Written},
};

const CLASSES: [Class; 3] = [Class::High, Class::Normal, Class::Low];

/// A kernel that takes what its moods say: so many bytes of a write, or none.
#[derive(Default)]
struct Kernel {
    taken: Vec<u8>,
    moods: VecDeque<Mood>,
}

#[derive(Clone, Copy, Debug)]
enum Mood {
    Takes(usize),
    Blocks,
    Interrupts,
    Breaks,
}

impl Kernel {
    fn with(moods: impl IntoIterator<Item = Mood>) -> Self {
        Self {
            taken: Vec::new(),
            moods: moods.into_iter().collect(),
        }
    }
}

impl Write for Kernel {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        assert!(
            slices.iter().any(|slice| !slice.is_empty()),
            "a write of nothing"
        );
        let most = match self.moods.pop_front() {
            None | Some(Mood::Blocks) => return Err(io::ErrorKind::WouldBlock.into()),
            Some(Mood::Interrupts) => return Err(io::ErrorKind::Interrupted.into()),
            Some(Mood::Breaks) => return Err(io::ErrorKind::BrokenPipe.into()),
            Some(Mood::Takes(most)) => most,
        };
        let before = self.taken.len();
        for slice in slices {
            let left = most - (self.taken.len() - before);
            self.taken
                .extend_from_slice(&slice[..slice.len().min(left)]);
        }
        Ok(self.taken.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the queue should do: messages of three classes, one byte after the other.
#[derive(Default)]
struct Model {
    raw: bool,
    queues: [VecDeque<Message>; 3],
    /// The class of the message that is partly written, and how much of it is.
    started: Option<(usize, usize)>,
    bytes: u32,
    messages: u32,
    /// Messages of no wire bytes, which only `raw` has. When exactly they count nobody can tell.
    invisible: u32,
}

struct Message {
    wire: Vec<u8>,
    header: usize,
}

impl Model {
    fn push(&mut self, class: usize, payload: &[u8]) {
        let mut wire = Vec::new();
        if !self.raw {
            wire.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        }
        let header = wire.len();
        wire.extend_from_slice(payload);
        match wire.is_empty() {
            true => self.invisible += 1,
            false => self.queues[class].push_back(Message { wire, header }),
        }
    }

    /// The kernel took `taken`: they must be what comes next.
    fn written(&mut self, mut taken: &[u8]) {
        while !taken.is_empty() {
            let next = || self.queues.iter().position(|queue| !queue.is_empty());
            let (class, at) = self
                .started
                .or_else(|| Some((next()?, 0)))
                .expect("something is queued");
            let Message { wire, header } = &self.queues[class][0];
            let count = taken.len().min(wire.len() - at);
            assert_eq!(
                taken[..count],
                wire[at..at + count],
                "class {class} from byte {at}"
            );
            self.bytes +=
                ((at + count).saturating_sub(*header) - at.saturating_sub(*header)) as u32;
            taken = &taken[count..];
            self.started = Some((class, at + count));
            if at + count == wire.len() {
                self.finish(class);
            }
        }
    }

    fn finish(&mut self, class: usize) {
        self.queues[class].pop_front();
        self.messages += 1;
        self.started = None;
    }

    fn is_empty(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// Payload bytes that are not written.
    fn queued(&self) -> usize {
        let payload = |message: &Message| message.wire.len() - message.header;
        let all: usize = self.queues.iter().flatten().map(payload).sum();
        let started = self.started.map_or(0, |(class, at)| {
            at.saturating_sub(self.queues[class][0].header)
        });
        all - started
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push {
        class: usize,
        sizes: Vec<usize>,
    },
    Share {
        class: usize,
        sizes: Vec<usize>,
    },
    WriteThrough {
        class: usize,
        sizes: Vec<usize>,
        moods: Vec<Mood>,
    },
    WriteMessage {
        class: usize,
        size: usize,
        moods: Vec<Mood>,
    },
    Write {
        moods: Vec<Mood>,
    },
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![
        3 => Just(0),
        6 => 1..40_usize,
        2 => 4_080..4_100_usize,
        1 => 60_000..70_000_usize,
        1 => 0..200_000_usize,
    ];
    vec(size, 1..8)
}

fn moods() -> impl Strategy<Value = Vec<Mood>> {
    let mood = prop_oneof![
        2 => (1..10_usize).prop_map(Mood::Takes),
        2 => (1..5_000_usize).prop_map(Mood::Takes),
        2 => (1..400_000_usize).prop_map(Mood::Takes),
        1 => Just(Mood::Interrupts),
        1 => Just(Mood::Blocks),
    ];
    vec(mood, 0..6)
}

fn step() -> impl Strategy<Value = Step> {
    let class = 0..3_usize;
    prop_oneof![
        3 => (class.clone(), sizes()).prop_map(|(class, sizes)| Step::Push { class, sizes }),
        2 => (class.clone(), sizes()).prop_map(|(class, sizes)| Step::Share { class, sizes }),
        2 => (class.clone(), sizes(), moods())
            .prop_map(|(class, sizes, moods)| Step::WriteThrough { class, sizes, moods }),
        2 => (class, sizes(), moods())
            .prop_map(|(class, sizes, moods)| Step::WriteMessage { class, size: sizes[0], moods }),
        4 => moods().prop_map(|moods| Step::Write { moods }),
    ]
}

/// The queue and its model, fed with the same.
struct Pair {
    queue: Outbound,
    model: Model,
    seed: u8,
}

impl Pair {
    fn new(protocol: Protocol) -> Self {
        Self {
            queue: Outbound::new(protocol),
            model: Model {
                raw: protocol == Protocol::Raw,
                ..Model::default()
            },
            seed: 0,
        }
    }

    /// Records of these sizes, which the model has queued.
    fn records(&mut self, class: usize, sizes: &[usize]) -> Bytes {
        let mut records = Vec::new();
        for size in sizes {
            self.seed = self.seed.wrapping_add(1);
            let payload: Vec<u8> = (0..*size)
                .map(|at| self.seed ^ (at as u8) ^ ((at >> 8) as u8))
                .collect();
            records.extend_from_slice(&(*size as u32).to_be_bytes());
            records.extend_from_slice(&payload);
            self.model.push(class, &payload);
        }
        records.into()
    }

    fn run(&mut self, step: &Step) {
        let mut kernel = Kernel::default();
        let result = match step {
            Step::Push { class, sizes } => {
                let records = self.records(*class, sizes);
                return self.queue.push(CLASSES[*class], &records);
            }
            Step::Share { class, sizes } => {
                let records = self.records(*class, sizes);
                return self.queue.push_shared(CLASSES[*class], records);
            }
            Step::WriteThrough {
                class,
                sizes,
                moods,
            } => {
                kernel.moods = moods.iter().copied().collect();
                let records = self.records(*class, sizes);
                let keep = |rest: &[u8]| records.slice_ref(rest);
                self.queue
                    .write_through(&mut kernel, CLASSES[*class], &records, keep)
            }
            Step::WriteMessage { class, size, moods } => {
                kernel.moods = moods.iter().copied().collect();
                let record = self.records(*class, &[*size]);
                self.queue
                    .write_message(&mut kernel, CLASSES[*class], &record[HEADER..], false)
            }
            Step::Write { moods } => {
                kernel.moods = moods.iter().copied().collect();
                self.queue.on_writable(&mut kernel)
            }
        };
        self.model.written(&kernel.taken);
        let written = result.expect("no fault");
        assert_eq!(written == Written::All, self.queue.is_empty());
        self.check();
    }

    fn check(&self) {
        let Released { bytes, messages } = self.queue.released();
        let Model {
            messages: visible,
            invisible,
            ..
        } = self.model;
        assert_eq!(bytes, self.model.bytes);
        assert_eq!(self.queue.queued(), self.model.queued());
        assert!(
            (visible..=visible + invisible).contains(&messages),
            "{messages} messages"
        );
    }

    /// Writes all that is left.
    fn finish(mut self) {
        let mut kernel = Kernel::with([Mood::Takes(usize::MAX / 2); 200]);
        let written = self.queue.on_writable(&mut kernel).expect("no fault");
        self.model.written(&kernel.taken);
        assert_eq!(written, Written::All);
        assert!(self.queue.is_empty() && self.model.is_empty());
        let Released { bytes, messages } = self.queue.released();
        assert_eq!(
            (bytes, messages),
            (self.model.bytes, self.model.messages + self.model.invisible)
        );
    }
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::LengthPrefixed), Just(Protocol::Raw)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_the_model(protocol in protocol(), steps in vec(step(), 1..30)) {
        let mut pair = Pair::new(protocol);
        for step in &steps {
            pair.run(step);
        }
        pair.finish();
    }
}

#[test]
fn high_overtakes_between_messages_only() {
    let mut pair = Pair::new(Protocol::LengthPrefixed);
    let half_a_message = vec![Mood::Takes(54), Mood::Blocks];
    pair.run(&Step::Push {
        class: 2,
        sizes: vec![100, 100],
    });
    pair.run(&Step::Write {
        moods: half_a_message,
    });
    pair.run(&Step::Push {
        class: 0,
        sizes: vec![10],
    });
    let mut kernel = Kernel::with([Mood::Takes(1 << 20); 8]);
    assert_eq!(
        pair.queue.on_writable(&mut kernel).expect("no fault"),
        Written::All
    );
    let starts: Vec<_> = kernel.taken[50..].iter().take(4).collect();
    assert_eq!(
        starts,
        [&0, &0, &0, &10],
        "the high message comes right behind the started one"
    );
    pair.model.written(&kernel.taken);
    pair.finish();
}

#[test]
fn many_small_messages_go_in_few_writes() {
    let mut pair = Pair::new(Protocol::LengthPrefixed);
    for _ in 0..500 {
        pair.run(&Step::Push {
            class: 1,
            sizes: vec![64],
        });
    }
    let mut kernel = Kernel::with([Mood::Takes(1 << 20)]);
    assert_eq!(
        pair.queue.on_writable(&mut kernel).expect("no fault"),
        Written::All
    );
    pair.model.written(&kernel.taken);
    pair.finish();
}

#[test]
fn a_broken_connection_is_told() {
    for protocol in [Protocol::LengthPrefixed, Protocol::Raw] {
        let mut queue = Outbound::new(protocol);
        let record = [0, 0, 0, 1, b'x'];
        let mut kernel = Kernel::with([Mood::Breaks]);
        let direct =
            queue.write_through(&mut kernel, Class::Normal, &record, Bytes::copy_from_slice);
        assert_eq!(direct.expect_err("broken").code(), Code::ConnectionLost);
        queue.push(Class::Normal, &record);
        let error = queue
            .on_writable(&mut Kernel::with([Mood::Breaks]))
            .expect_err("broken");
        assert_eq!(error.code(), Code::ConnectionLost);
        assert_eq!(queue.released(), Released::default());
    }
}

#[test]
fn messages_are_counted_by_what_is_there() {
    let mut queue = Outbound::new(Protocol::LengthPrefixed);
    let mut kernel = Kernel::with([Mood::Takes(1 << 20)]);
    let records = [&[0, 0, 0, 1, b'x'][..], &[0; 4], &[0; 4]].concat();
    let written = queue.write_through(&mut kernel, Class::Normal, &records, Bytes::copy_from_slice);
    assert_eq!(written.expect("no fault"), Written::All);
    let three_of_one_byte = Released {
        bytes: 1,
        messages: 3,
    };
    assert_eq!(queue.released(), three_of_one_byte);
}

#[test]
fn what_is_cleared_is_not_written() {
    let mut pair = Pair::new(Protocol::LengthPrefixed);
    pair.run(&Step::Push {
        class: 1,
        sizes: vec![100, 5_000],
    });
    pair.run(&Step::Share {
        class: 2,
        sizes: vec![70_000],
    });
    pair.run(&Step::Write {
        moods: vec![Mood::Takes(50), Mood::Blocks],
    });
    pair.queue.clear();
    assert!(pair.queue.is_empty());
    let mut kernel = Kernel::default();
    assert_eq!(
        pair.queue.on_writable(&mut kernel).expect("no fault"),
        Written::All
    );
    assert!(kernel.taken.is_empty());
}

proptest! {
    #[test]
    fn what_is_allowed_is_written_and_not_a_byte_more(
        messages in vec((0..3_usize, 0..400_usize), 1..40),
        raw in any::<bool>(),
        allowances in vec(0..300_usize, 1..200),
    ) {
        let protocol = if raw { Protocol::Raw } else { Protocol::LengthPrefixed };
        let (mut bounded, mut free) = (Outbound::new(protocol), Outbound::new(protocol));
        for (index, (class, size)) in messages.iter().enumerate() {
            let mut record = u32::try_from(*size).expect("fits").to_be_bytes().to_vec();
            record.resize(4 + size, index as u8);
            for out in [&mut bounded, &mut free] {
                out.push(CLASSES[*class], &record);
            }
        }
        let everything = || Kernel::with((0..10_000).map(|_| Mood::Takes(usize::MAX)));
        let (mut slow, mut fast) = (everything(), everything());
        prop_assert_eq!(free.on_writable(&mut fast)?, Written::All);
        for most in allowances {
            let before = slow.taken.len();
            let written = bounded.write_some(&mut slow, most)?;
            let taken = slow.taken.len() - before;
            prop_assert!(taken <= most);
            match written {
                Written::Held => prop_assert_eq!(taken, most),
                other => prop_assert_eq!(other, Written::All),
            }
        }
        prop_assert_eq!(bounded.write_some(&mut slow, usize::MAX)?, Written::All);
        prop_assert_eq!(slow.taken, fast.taken);
        prop_assert_eq!(bounded.released(), free.released());
        prop_assert_eq!(bounded.queued(), 0);
    }
}
