//! Without an I/O thread: the consumer takes turns, and the watchdog does.

use std::sync::Arc;

use shuttle::thread;

use super::{
    heard::{Heard, SLAB, all, dispatch},
    links::{deliver, link_of},
};
use crate::{
    driver::{Bell, Inline},
    exchange::fuzzing::Taker,
    model::tried,
};

#[test]
fn whoever_takes_the_turns_every_message_arrives_once_and_in_order() {
    tried(|| {
        let bell = Bell::new().expect("a descriptor");
        let wake = Arc::clone(&bell);
        let start = |host| Inline::modelled(host, bell);
        let mut taker = Taker::called(move || wake.call_consumer(), start);
        taker.lend(SLAB);
        let links = [link_of(&taker.core), link_of(&taker.core)];
        let ids = links.each_ref().map(|(id, _)| id.slot);
        for ((_, link), count) in links.into_iter().zip([4, 2]) {
            taker.core.poller().run(Box::pin(deliver(link, count)));
        }
        let core = Arc::clone(&taker.core);
        let watchdog = thread::spawn(move || {
            for _ in 0..3 {
                core.poller().watch();
                thread::yield_now();
            }
        });
        let mut heard = Heard::lending();
        // Whoever is forgotten here is waited for until the model runs out of steps.
        while heard.closed.len() < 2 {
            // As the event loop does.
            let core = Arc::clone(&taker.core);
            if core.poller().is_readable() {
                (core.poller()).turn(|| dispatch(&mut taker, 2, &mut heard));
            }
            thread::yield_now();
        }
        watchdog.join().expect("no panic");
        assert_eq!(ids.map(|id| heard.messages[&id].clone()), [all(4), all(2)]);
        taker.core.stop();
        assert_eq!(Arc::strong_count(&taker.core), 1);
    });
}
