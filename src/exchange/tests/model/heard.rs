//! What a consumer makes of its events.

use std::collections::HashMap;

use crate::{
    driver::Poller,
    exchange::{
        LinkId,
        fuzzing::{Event, Taker},
    },
};

/// Room in a slab, bytes: for two messages, so that the next one is soon needed.
pub(super) const SLAB: usize = 2;

/// What a consumer has heard of its links.
#[derive(Default)]
pub(super) struct Heard {
    pub messages: HashMap<u32, Vec<u8>>,
    pub closed: Vec<LinkId>,
    pub slabs: usize,
    /// Lends another slab for each that is begun.
    pub lends: bool,
    pub notices: usize,
}

/// One batch, as the addon dispatches it.
pub(super) fn dispatch<P: Poller>(taker: &mut Taker<P>, most: usize, heard: &mut Heard) {
    let events = taker.take(most);
    if events.is_empty() {
        return;
    }
    let before = heard.slabs;
    heard.hear(events);
    if heard.lends {
        (before..heard.slabs).for_each(|_| taker.lend(SLAB));
    }
    taker.core.go_on();
}

impl Heard {
    pub(super) fn lending() -> Self {
        Self {
            lends: true,
            ..Self::default()
        }
    }

    fn hear(&mut self, events: Vec<(LinkId, Event)>) {
        for (link, event) in events {
            assert!(!self.closed.contains(&link), "{event:?} behind the end");
            match event {
                Event::Message(bytes) => self.messages.entry(link.slot).or_default().extend(bytes),
                Event::Closed(_) => self.closed.push(link),
                Event::Slab => self.slabs += 1,
                Event::Released => self.notices += 1,
                other => panic!("{other:?}"),
            }
        }
    }
}

/// As many messages as [`deliver`] delivers.
pub(super) fn all(count: u8) -> Vec<u8> {
    (0..count).collect()
}
