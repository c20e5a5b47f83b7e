//! WebSocket frames, or records of QWH/1, on their way to the kernel.
//!
//! Messages wait as records of their own, like everywhere here, and become frames only when the kernel takes more:
//! so a message of a higher class overtakes, a message for many links is shared by all of them, and
//! what is compressed is compressed as late as can be.

use std::{
    cell::Cell,
    collections::VecDeque,
    io::{IoSlice, Write},
};

use bytes::Bytes;

use super::outbound::{Released, write_once};
use crate::{error::Result, ws::Encoder};

/// Frames are packed up to this many bytes at a time: enough that a system call is worth its cost,
/// little enough that what overtakes does not wait long.
pub(super) const STAGE: usize = 64 * 1024;

/// From this size on a payload goes out from where it lies, if its frame has it as it is.
pub(super) const LARGE: usize = 16 * 1024;

/// A spare stage larger than this would only hold memory.
const SPARE: usize = 2 * STAGE;

thread_local! {
    /// Idle links have no stage: whoever packs takes this one and gives it back empty.
    static SPARE_STAGE: Cell<Option<Box<Stage>>> = const { Cell::new(None) };
}

/// Packed frames that are not all written.
#[derive(Debug, Default)]
pub(super) struct Stage {
    frames: Vec<u8>,
    /// The messages in `frames`, in order.
    marks: VecDeque<Mark>,
    /// Payload of one more message; its header is the end of `frames`.
    large: Option<Bytes>,
    written: usize,
}

/// Messages in the stage: where the frame or record ends that they end in, and their size as the application
/// knows it.
#[derive(Debug)]
struct Mark {
    end: usize,
    payload: usize,
    messages: usize,
}

impl Stage {
    /// An empty one.
    pub(super) fn take() -> Box<Self> {
        SPARE_STAGE.take().unwrap_or_default()
    }

    /// Keeps its memory for the next who asks on this thread.
    pub(super) fn give_back(mut self: Box<Self>) {
        if self.frames.capacity() > SPARE {
            return;
        }
        self.frames.clear();
        self.marks.clear();
        self.large = None;
        self.written = 0;
        SPARE_STAGE.set(Some(self));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether another frame should wait for the next stage.
    pub(super) fn is_full(&self) -> bool {
        self.large.is_some() || self.frames.len() >= STAGE
    }

    /// Payload bytes that are not accounted for as written.
    pub(super) fn payload(&self) -> usize {
        let small: usize = self.marks.iter().map(|mark| mark.payload).sum();
        let large = self.large.as_ref().map_or(0, |large| {
            large.len() - self.written.saturating_sub(self.frames.len())
        });
        small + large
    }

    /// Adds a frame that is no message.
    pub(super) fn control(&mut self, frame: &[u8]) {
        self.frames.extend_from_slice(frame);
    }

    /// Adds a message.
    pub(super) fn message(
        &mut self,
        encoder: &mut Encoder,
        payload: &[u8],
        is_text: bool,
    ) -> Result<()> {
        encoder.frame(payload, is_text, &mut self.frames)?;
        self.mark(payload.len(), 1);
        Ok(())
    }

    /// What is packed, to add to.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.frames
    }

    /// What was added last counts for so much.
    pub(super) fn mark(&mut self, payload: usize, messages: usize) {
        if payload > 0 || messages > 0 {
            self.marks.push_back(Mark {
                end: self.frames.len(),
                payload,
                messages,
            });
        }
    }

    /// Adds a message whose payload goes out from where it lies. The stage is full then.
    pub(super) fn large(&mut self, encoder: &mut Encoder, payload: Bytes, is_text: bool) {
        encoder.header(payload.len(), is_text, &mut self.frames);
        self.large = Some(payload);
    }

    /// As [`large`](Self::large), of an empty stage, and writes once from where the payload lies; it is copied where
    /// something of it is left. True when all of it is written.
    pub(super) fn write_large(
        &mut self,
        io: &mut impl Write,
        encoder: &mut Encoder,
        payload: &[u8],
        is_text: bool,
        released: &mut Released,
    ) -> Result<bool> {
        encoder.header(payload.len(), is_text, &mut self.frames);
        let taken = write_once(io, &[IoSlice::new(&self.frames), IoSlice::new(payload)])?;
        if taken == self.frames.len() + payload.len() {
            released.add(payload.len(), 1);
            return Ok(true);
        }
        self.large = Some(Bytes::copy_from_slice(payload));
        self.account(taken, released);
        Ok(false)
    }

    /// Writes once; true when all of it is written.
    pub(super) fn write(&mut self, io: &mut impl Write, released: &mut Released) -> Result<bool> {
        let framed = self.frames.len();
        let large = self.large.as_deref().unwrap_or_default();
        let frames = &self.frames[self.written.min(framed)..];
        let rest = &large[self.written.saturating_sub(framed)..];
        let offered = frames.len() + rest.len();
        let taken = match rest {
            [] => write_once(io, &[IoSlice::new(frames)])?,
            rest => write_once(io, &[IoSlice::new(frames), IoSlice::new(rest)])?,
        };
        self.account(taken, released);
        Ok(taken == offered)
    }

    /// The kernel has taken so much more.
    pub(super) fn account(&mut self, taken: usize, released: &mut Released) {
        let framed = self.frames.len();
        let of_large = self.written.saturating_sub(framed);
        self.written += taken;
        while let Some(mark) = self.marks.front()
            && mark.end <= self.written
        {
            released.add(mark.payload, mark.messages);
            self.marks.pop_front();
        }
        if let Some(large) = &self.large {
            let now = self.written.saturating_sub(framed);
            let whole = now == large.len() && self.written >= framed;
            released.add(now - of_large, usize::from(whole && taken > 0));
        }
    }
}
