//! The handshakes of a listener that are not over, and which of them gives way when there are too many.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::handle::Handle;

/// Counts handshakes. Whoever opens connections and says nothing keeps nobody out: a newcomer gets the place of
/// the one that has been silent the longest.
#[derive(Debug)]
pub(crate) struct UnderWay {
    places: Mutex<Places>,
}

#[derive(Debug)]
struct Places {
    most: usize,
    next: u64,
    /// Those that have not said yet what they want, in the order in which they came.
    silent: BTreeMap<u64, Weak<Handle>>,
    /// Those that wait for our owner.
    kept: usize,
}

impl UnderWay {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Mutex::new(Places {
                most,
                next: 0,
                silent: BTreeMap::new(),
                kept: 0,
            }),
        })
    }

    /// How many there may be.
    pub(super) fn most(&self) -> usize {
        self.lock().most
    }

    /// From now on there may be so many.
    pub(super) fn set_most(&self, most: usize) {
        self.lock().most = most;
    }

    /// A place for one more, until it is dropped. `None` if all places are taken by those that wait for our
    /// owner.
    pub(super) fn enter(self: &Arc<Self>, handle: &Arc<Handle>) -> Option<Place> {
        let mut places = self.lock();
        let mut evicted = None;
        if places.silent.len() + places.kept >= places.most {
            evicted = Some(places.silent.pop_first()?.1);
        }
        let number = places.next;
        places.next += 1;
        places.silent.insert(number, Arc::downgrade(handle));
        drop(places);
        if let Some(evicted) = evicted.and_then(|evicted| evicted.upgrade()) {
            evicted.terminate();
        }
        Some(Place {
            of: Arc::clone(self),
            number,
            is_kept: false,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One handshake under way.
#[derive(Debug)]
pub(super) struct Place {
    of: Arc<UnderWay>,
    number: u64,
    is_kept: bool,
}

impl Place {
    /// Whether a newcomer has it now; its connection was terminated for that.
    pub(super) fn is_evicted(&self) -> bool {
        !self.is_kept && !self.of.lock().silent.contains_key(&self.number)
    }

    /// Its client has said what it wants, and keeps it whoever comes.
    pub(super) fn keep(&mut self) {
        let mut places = self.of.lock();
        // One that lost its place meanwhile is on its way out.
        if places.silent.remove(&self.number).is_some() {
            places.kept += 1;
            self.is_kept = true;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.of.lock();
        match self.is_kept {
            true => places.kept -= 1,
            false => drop(places.silent.remove(&self.number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{driver::Ledger, frame::Protocol, link::Released};

    struct NoLedger;

    impl Ledger for NoLedger {
        fn publish(&mut self, _: Released, _: usize) {}
    }

    fn handle() -> Arc<Handle> {
        Arc::new(Handle::new(Protocol::Raw, Box::new(NoLedger)))
    }

    fn is_cut(handle: &Handle) -> bool {
        handle.lock().wishes.terminate
    }

    #[test]
    fn the_longest_silent_gives_way_and_those_that_spoke_never_do() {
        let under_way = UnderWay::new(2);
        let [first, second, third, fourth] = [(); 4].map(|()| handle());
        let mut place = under_way.enter(&first).expect("room");
        place.keep();
        let silent = under_way.enter(&second).expect("room");
        let mut newcomer = under_way.enter(&third).expect("the silent one's place");
        assert!(is_cut(&second) && !is_cut(&first) && !is_cut(&third));
        assert!(silent.is_evicted() && !place.is_evicted() && !newcomer.is_evicted());
        newcomer.keep();
        assert!(under_way.enter(&fourth).is_none());
        drop(silent);
        assert!(
            under_way.enter(&fourth).is_none(),
            "it had no place any more"
        );
        drop(place);
        assert!(under_way.enter(&fourth).is_some());
        assert!(!is_cut(&third));
    }
}
