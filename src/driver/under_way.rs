//! The handshakes of a listener that are not over, and which of them gives way when there are too many.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
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
    /// From one address.
    most_each: usize,
    next: u64,
    /// Those whose turn it is, in the order in which it came to them.
    silent: BTreeMap<u64, Silent>,
    /// Those that wait for our owner.
    kept: usize,
    /// All of them by address, where that is bounded.
    by_address: HashMap<u128, usize>,
}

#[derive(Debug)]
struct Silent {
    handle: Weak<Handle>,
    from: u128,
}

impl Places {
    fn is_full(&self) -> bool {
        self.silent.len() + self.kept >= self.most
    }

    fn is_crowded(&self, from: u128) -> bool {
        self.by_address.get(&from).copied().unwrap_or(0) >= self.most_each
    }

    fn put(&mut self, silent: Silent) -> u64 {
        let number = self.next;
        self.next += 1;
        self.silent.insert(number, silent);
        number
    }

    /// Takes the place of the one that has been silent the longest, of one address or of all.
    fn evict(&mut self, from: Option<u128>) -> Option<Weak<Handle>> {
        let (&number, _) = self
            .silent
            .iter()
            .find(|(_, silent)| from.is_none_or(|from| silent.from == from))?;
        let silent = self.silent.remove(&number)?;
        self.leave(silent.from);
        Some(silent.handle)
    }

    fn enter(&mut self, from: u128) {
        if self.most_each != usize::MAX {
            *self.by_address.entry(from).or_default() += 1;
        }
    }

    fn leave(&mut self, from: u128) {
        if let Some(count) = self.by_address.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&from);
            }
        }
    }
}

impl UnderWay {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Self::with_most_per_address(most, usize::MAX)
    }

    /// `each`: so many of them from one address; `usize::MAX` for no bound of its own.
    pub(crate) fn with_most_per_address(most: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Mutex::new(Places {
                most,
                most_each: each,
                next: 0,
                silent: BTreeMap::new(),
                kept: 0,
                by_address: HashMap::new(),
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

    /// A place for one more, until it is dropped; of an address that has too many it is one of its own that gives
    /// way. `None` if all those wait for our owner.
    pub(super) fn enter(self: &Arc<Self>, handle: &Arc<Handle>, from: IpAddr) -> Option<Place> {
        let from = place_of(from);
        let mut places = self.lock();
        let evicted = match places.is_crowded(from) {
            true => Some(places.evict(Some(from))?),
            false if places.is_full() => Some(places.evict(None)?),
            false => None,
        };
        let handle = Arc::downgrade(handle);
        let number = places.put(Silent {
            handle: Weak::clone(&handle),
            from,
        });
        places.enter(from);
        drop(places);
        if let Some(evicted) = evicted.and_then(|evicted| evicted.upgrade()) {
            evicted.terminate();
        }
        Some(Place {
            of: Arc::clone(self),
            number,
            handle,
            from,
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
    handle: Weak<Handle>,
    from: u128,
    is_kept: bool,
}

impl Place {
    /// Whether a newcomer has it now; its connection was terminated for that.
    pub(super) fn is_evicted(&self) -> bool {
        !self.is_kept && !self.of.lock().silent.contains_key(&self.number)
    }

    /// Its client has said what it wants, and keeps it whoever comes until `release`.
    pub(super) fn keep(&mut self) {
        let mut places = self.of.lock();
        // One that lost its place meanwhile is on its way out.
        if places.silent.remove(&self.number).is_some() {
            places.kept += 1;
            self.is_kept = true;
        }
    }

    /// It is its client's turn again.
    pub(super) fn release(&mut self) {
        if !std::mem::take(&mut self.is_kept) {
            return;
        }
        let mut places = self.of.lock();
        places.kept -= 1;
        self.number = places.put(Silent {
            handle: Weak::clone(&self.handle),
            from: self.from,
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.of.lock();
        match self.is_kept {
            true => places.kept -= 1,
            // One that lost it has been counted out.
            false if places.silent.remove(&self.number).is_none() => return,
            false => {}
        }
        places.leave(self.from);
    }
}

/// What counts as one address: an IPv4 address, however it is written, or the network of 64 bits of an IPv6 address.
fn place_of(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        driver::Ledger,
        frame::Protocol,
        link::{Rates, Released},
    };

    struct NoLedger;

    impl Ledger for NoLedger {
        fn release(&self, _: u32, _: Released) {}
        fn queue(&self, _: isize) {}
    }

    fn handle() -> Arc<Handle> {
        Arc::new(Handle::new(
            Protocol::Raw,
            &Rates::default(),
            Arc::new(NoLedger),
            0,
        ))
    }

    fn is_cut(handle: &Handle) -> bool {
        handle.lock().wishes.terminate
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_longest_silent_gives_way_and_those_that_spoke_never_do() {
        let under_way = UnderWay::new(2);
        let [first, second, third, fourth] = [(); 4].map(|()| handle());
        let mut place = under_way.enter(&first, HERE).expect("room");
        place.keep();
        let silent = under_way.enter(&second, HERE).expect("room");
        let mut newcomer = under_way
            .enter(&third, HERE)
            .expect("the silent one's place");
        assert!(is_cut(&second) && !is_cut(&first) && !is_cut(&third));
        assert!(silent.is_evicted() && !place.is_evicted() && !newcomer.is_evicted());
        newcomer.keep();
        assert!(under_way.enter(&fourth, HERE).is_none());
        drop(silent);
        assert!(
            under_way.enter(&fourth, HERE).is_none(),
            "it had no place any more"
        );
        drop(place);
        assert!(under_way.enter(&fourth, HERE).is_some());
        assert!(!is_cut(&third));
    }

    #[test]
    fn after_the_verdict_a_place_can_be_lost_again() {
        let under_way = UnderWay::new(2);
        let [first, second, third] = [(); 3].map(|()| handle());
        let mut judged = under_way.enter(&first, HERE).expect("room");
        judged.keep();
        let _silent = under_way.enter(&second, HERE).expect("room");
        judged.release();
        let mut newcomer = under_way.enter(&third, HERE).expect("a place");
        assert!(
            is_cut(&second) && !is_cut(&first),
            "its turn has just begun"
        );
        newcomer.keep();
        let _next = under_way.enter(&handle(), HERE).expect("a place");
        assert!(is_cut(&first) && judged.is_evicted() && !is_cut(&third));
    }

    #[test]
    fn an_address_that_has_too_many_displaces_its_own() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let under_way = UnderWay::with_most_per_address(10, 2);
        let [other, first, second, third, fourth] = [(); 5].map(|()| handle());
        let _other = under_way
            .enter(&other, address("2001:db8:0:1::1"))
            .expect("room");
        let mut kept = under_way
            .enter(&first, address("2001:db8::1"))
            .expect("room");
        kept.keep();
        let silent = under_way
            .enter(&second, address("2001:db8::2"))
            .expect("room");
        let mut newcomer = under_way
            .enter(&third, address("2001:db8::3"))
            .expect("a place");
        assert!(is_cut(&second) && !is_cut(&first) && !is_cut(&other));
        drop(silent);
        newcomer.keep();
        assert!(under_way.enter(&fourth, address("2001:db8::4")).is_none());
        assert!(
            under_way
                .enter(&fourth, address("::ffff:10.0.0.1"))
                .is_some()
        );
        drop(newcomer);
        assert!(under_way.enter(&fourth, address("2001:db8::4")).is_some());
        drop(kept);
        assert_eq!(under_way.lock().by_address.len(), 1);
    }
}
