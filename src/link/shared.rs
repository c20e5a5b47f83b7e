//! Records that go to many links: checked once, and made into frames once for all links whose frames are alike.

use std::cell::OnceCell;

use bytes::Bytes;

use super::{
    outbound::Class,
    stage::{LARGE, STAGE},
};
use crate::{
    frame::{self, HEADER},
    ws::{Encoder, Role},
};

/// Messages of one class for many links.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) class: Class,
    pub(super) records: Bytes,
    pub(super) messages: usize,
    frames: OnceCell<Option<Vec<u8>>>,
}

impl Shared {
    /// `None` if `records` are anything else than whole records.
    #[cfg(any(feature = "addon", feature = "fuzzing", test))]
    pub(crate) fn new(class: Class, records: Bytes) -> Option<Self> {
        let Some(messages) = frame::count_records(&records, true) else {
            tracing::error!(
                bytes = records.len(),
                "what was to be sent to many is no sequence of records"
            );
            return None;
        };
        Some(Self {
            class,
            records,
            messages,
            frames: OnceCell::new(),
        })
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// The same memory.
    pub(crate) fn records(&self) -> Bytes {
        self.records.clone()
    }

    /// Payload bytes of all messages.
    pub(super) fn payload(&self) -> usize {
        self.records.len() - self.messages * HEADER
    }

    /// The frames of WebSocket that every server sends for it that does not compress. `None` where there is so much
    /// that a link had better take its turns, or a payload that goes out from where it lies.
    pub(super) fn frames(&self) -> Option<&[u8]> {
        self.frames.get_or_init(|| self.framed()).as_deref()
    }

    fn framed(&self) -> Option<Vec<u8>> {
        if self.records.len() > STAGE {
            return None;
        }
        let mut encoder = Encoder::new(Role::Server, None);
        let mut frames = Vec::with_capacity(2 * self.records.len());
        let mut rest = &*self.records;
        while let Some((length, is_text)) = frame::queued(rest) {
            let (record, behind) = rest.split_at(HEADER + length);
            if length >= LARGE {
                return None;
            }
            encoder
                .frame(&record[HEADER..], is_text, &mut frames)
                .ok()?;
            rest = behind;
        }
        Some(frames)
    }
}
