//! What the targets make of an input: `flags`, how many cuts, the cuts, and then what the peer sends.

use crate::qwh::{Hello, PeerLimits, Versions};

/// So many cuts at most.
const CUTS: u8 = 16;

/// An input, taken apart.
pub(crate) struct Input<'a> {
    flags: u8,
    /// Where the stream is cut into reads.
    pub(crate) cuts: Vec<usize>,
    /// What the peer sends.
    pub(crate) stream: &'a [u8],
}

impl<'a> Input<'a> {
    /// `None` for an input too short to say anything.
    pub(crate) fn new(data: &'a [u8]) -> Option<Self> {
        let (&[flags, count], rest) = data.split_first_chunk::<2>()?;
        let (steps, stream) = rest.split_at_checked((count % (CUTS + 1)).into())?;
        let cuts = steps.iter().scan(0, |at, step| {
            *at += usize::from(*step);
            Some(*at)
        });
        Some(Self {
            flags,
            cuts: cuts.collect(),
            stream,
        })
    }

    /// One of eight switches.
    pub(crate) fn flag(&self, bit: u8) -> bool {
        self.flags >> bit & 1 == 1
    }

    /// The stream, cut.
    pub(crate) fn pieces(&self) -> Vec<&'a [u8]> {
        let ends = self.cuts.iter().map(|cut| (*cut).min(self.stream.len()));
        let mut from = 0;
        ends.chain([self.stream.len()])
            .map(|to| &self.stream[std::mem::replace(&mut from, to)..to])
            .collect()
    }
}

/// A HELLO of ours.
pub(crate) fn our_hello() -> Hello {
    Hello {
        versions: Versions { min: 1, max: 1 },
        offered: 0,
        required: 0,
        limits: PeerLimits {
            max_message: 1 << 20,
            ..PeerLimits::default()
        },
        codec: "buffer".to_owned(),
        session: None,
        meta: None,
        trace: None,
        extensions: Vec::new(),
    }
}
