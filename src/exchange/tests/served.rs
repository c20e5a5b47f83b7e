//! An exchange that is served on the test's own thread, turn by turn, with real sockets.

use std::{io::Read, net::SocketAddr, net::TcpStream, time::Duration};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::oneshot;

use super::{
    super::{Descriptor, LinkId, descriptor::KIND_BITS, descriptor::Kind},
    consumer::{Batch, Consumer, RESUME, plan},
    live::{call, listen},
};
use crate::driver::{Bell, Inline};

const SLAB: usize = 256 * 1024;
const PATIENCE: Timespec = Timespec {
    tv_sec: 20,
    tv_nsec: 0,
};

pub(super) struct Served {
    consumer: Consumer<Inline>,
    descriptors: Vec<Descriptor>,
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Served {
    pub(super) fn start() -> Self {
        let mut consumer = Consumer::start(|host| Inline::start(host, Bell::new()?));
        consumer.lend(SLAB);
        consumer.lend(SLAB);
        let (address, stop) = listen(&[&consumer], &plan());
        Self {
            consumer,
            descriptors: vec![Descriptor::default(); 1024],
            address,
            _stop: stop,
        }
    }

    pub(super) fn ask(&self, batch: &Batch) {
        self.consumer.core.submit(&batch.0, false);
    }

    /// A connection that is read, with the peer's end.
    pub(super) fn accepted(&mut self) -> (LinkId, TcpStream) {
        let peer = call(self.address);
        let link = self.until(Kind::Opened, 1);
        self.ask(&Batch::default().ask(RESUME, link));
        (link, peer)
    }

    /// Takes turns when it is time for one, as an event loop does, until so many events of `kind` came; gives
    /// whose the last was.
    pub(super) fn until(&mut self, kind: Kind, mut count: usize) -> LinkId {
        loop {
            let taken = self.turn();
            let mut last = None;
            for [slot, stamp, .., aux] in &self.descriptors[..taken] {
                let came = stamp & ((1 << KIND_BITS) - 1);
                if came == Kind::Slab as u32 {
                    self.consumer.lend(SLAB);
                } else if *aux != 0 {
                    drop(self.consumer.core.parcel(*aux));
                }
                if came == kind as u32 {
                    count = count.checked_sub(1).expect("more than was waited for");
                    last = Some((*slot, stamp >> KIND_BITS));
                }
            }
            if let (Some((slot, generation)), 0) = (last, count) {
                return LinkId { slot, generation };
            }
        }
    }

    fn turn(&mut self) -> usize {
        let poller = self.consumer.core.poller();
        let descriptor = poller.descriptor();
        let mut waits = [PollFd::new(&descriptor, PollFlags::IN)];
        let ready = poll(&mut waits, Some(&PATIENCE)).expect("polls");
        assert_eq!(ready, 1, "there is nothing to be done");
        poller.turn(|| {});
        self.consumer.core.take(&mut self.descriptors)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.consumer.core.stop();
    }
}

/// Reads as much as `room` is.
pub(super) fn gets(mut peer: &TcpStream, room: &mut [u8]) {
    peer.set_read_timeout(Some(Duration::from_secs(20)))
        .expect("an option");
    peer.read_exact(room).expect("reads");
}
