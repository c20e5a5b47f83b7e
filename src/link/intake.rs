//! What has come in, counted as the application counts it.

use super::room::{Marks, Payload};

/// Messages received whole, ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Intake {
    /// Messages.
    pub messages: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Payload bytes of the last one.
    pub last: u64,
}

impl Intake {
    pub(super) fn add(&mut self, len: usize) {
        self.messages += 1;
        self.bytes += len as u64;
        self.last = len as u64;
    }
}

/// Marks that are counted on their way.
pub(super) struct Counted<'a, M> {
    pub marks: &'a mut M,
    pub intake: &'a mut Intake,
}

impl<M: Marks> Marks for Counted<'_, M> {
    fn message(&mut self, start: usize, len: usize, payload: Payload) {
        self.intake.add(len);
        self.marks.message(start, len, payload);
    }
}
