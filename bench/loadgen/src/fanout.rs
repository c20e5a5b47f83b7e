//! Fan-out: one publisher, many subscribers, a window of publications under way.
//!
//! Subscribers send the text `subscribe` and wait for `subscribed`; a binary message is to be sent to
//! all of them. The publisher has a connection of its own, so what the server does per publication is
//! one message in and as many out as there are subscribers. A publication is followed by the next one
//! when every subscriber has it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};

use crate::caller::{Caller, Target};
use crate::channel::Channel;
use crate::error::Error;
use crate::options::LoadOptions;
use crate::outcome::{Outcome, Stopwatch, latencies, record};
use crate::pattern::Pattern;
use crate::wire::Wire;

/// The publisher among the connections; the subscribers follow.
const PUBLISHER: u32 = 0;

/// How long deliveries may take after the last publication. Generous: it only tells lost from slow.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs the load that `options` describe.
pub fn run(options: &LoadOptions) -> Result<Outcome, Error> {
    let mut fanout = Fanout::connect(options)?;
    fanout.publish(options.window)?;
    fanout.until(Instant::now() + options.warmup)?;

    fanout.latency.reset();
    fanout.batches = 0;
    let watch = Stopwatch::start(options.pid)?;
    fanout.until(watch.began() + options.measured)?;
    let interval = watch.stop()?;

    let (batches, latency) = (fanout.batches, fanout.latency.clone());
    fanout.drain()?;
    if latency.is_empty() {
        return Err(Error::Silent);
    }
    Ok(Outcome {
        messages: latency.len(),
        batches,
        checked: fanout.checked,
        latency,
        interval,
    })
}

struct Fanout {
    poll: Poll,
    events: Events,
    pattern: Pattern,
    publisher: Channel,
    subscribers: Vec<Subscriber>,
    /// The publication sent next; wraps.
    next: u32,
    /// Those under way, by their number modulo the window.
    underway: Box<[Publication]>,
    latency: Histogram<u64>,
    batches: u64,
    checked: u64,
}

struct Subscriber {
    channel: Channel,
    /// The publication due next; wraps.
    due: u32,
}

#[derive(Clone, Copy)]
struct Publication {
    at: Instant,
    /// Subscribers that do not have it yet.
    missing: usize,
}

impl Fanout {
    fn connect(options: &LoadOptions) -> Result<Self, Error> {
        let (window, size) = (options.window, options.size);
        let target = Target::find(&options.address, &options.path, options.tls)?;
        let poll = Poll::new()?;
        let open = |id, caller: Caller| {
            let stream = caller.into_polled()?;
            let mut channel = Channel::new(stream, Wire::WebSocket, id, size, window);
            let interests = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(channel.stream(), Token(id as usize), interests)?;
            Ok::<_, Error>(channel)
        };
        let publisher = open(PUBLISHER, Caller::connect(&target, PUBLISHER)?)?;
        let mut subscribers = Vec::new();
        for id in 1..=options.connections {
            let mut caller = Caller::connect(&target, id)?;
            if caller.ask("subscribe")? != "subscribed" {
                return Err(Error::Unsubscribed { connection: id });
            }
            let channel = open(id, caller)?;
            subscribers.push(Subscriber { channel, due: 0 });
        }
        let idle = Publication {
            at: Instant::now(),
            missing: 0,
        };
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            pattern: Pattern::new(size),
            publisher,
            subscribers,
            next: 0,
            underway: vec![idle; window].into(),
            latency: latencies(),
            batches: 0,
            checked: 0,
        })
    }

    /// Sends `count` new publications in one write.
    fn publish(&mut self, count: usize) -> Result<(), Error> {
        for _ in 0..count {
            let slot = self.next as usize % self.underway.len();
            self.underway[slot] = Publication {
                at: Instant::now(),
                missing: self.subscribers.len(),
            };
            self.publisher.push(&self.pattern, self.next);
            self.next = self.next.wrapping_add(1);
        }
        self.publisher.flush()
    }

    fn until(&mut self, deadline: Instant) -> Result<(), Error> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let complete = self.turn(left)?;
            if complete > 0 {
                self.publish(complete)?;
            }
        }
    }

    /// Publishes nothing more and waits until every subscriber has everything.
    fn drain(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + DRAIN;
        loop {
            let missing = self.underway.iter().map(|one| one.missing).sum();
            if missing == 0 {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Missing { missing });
            }
            self.turn(left)?;
        }
    }

    /// One wait and everything it brought. Returns how many publications all subscribers have now.
    fn turn(&mut self, longest: Duration) -> Result<usize, Error> {
        match self.poll.poll(&mut self.events, Some(longest)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(0),
            other => other?,
        }
        let mut complete = 0;
        for event in &self.events {
            if event.token() == Token(PUBLISHER as usize) {
                self.publisher.flush()?;
                self.publisher.receive(|_, _| {
                    Err(Error::Surplus {
                        connection: PUBLISHER,
                    })
                })?;
                continue;
            }
            let Subscriber { channel, due } = &mut self.subscribers[event.token().0 - 1];
            if event.is_writable() {
                channel.flush()?;
            }
            if !event.is_readable() {
                continue;
            }
            let connection = channel.id();
            let deliveries = channel.receive(|payload, now| {
                if *due == self.next {
                    return Err(Error::Surplus { connection });
                }
                if !self.pattern.matches(payload, PUBLISHER, *due) {
                    return Err(Error::Corrupt {
                        connection,
                        sequence: *due,
                    });
                }
                let slot = *due as usize % self.underway.len();
                let publication = &mut self.underway[slot];
                publication.missing -= 1;
                complete += usize::from(publication.missing == 0);
                record(&mut self.latency, publication.at, now);
                *due = due.wrapping_add(1);
                Ok(())
            })?;
            self.batches += u64::from(deliveries > 0);
            self.checked += deliveries as u64;
        }
        Ok(complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hall;
    use crate::scenario::Work;

    #[test]
    fn every_subscriber_gets_everything() {
        let outcome = run(&hall::open(Work::Fanout, |_| {})).unwrap();
        assert!(outcome.messages > 0 && outcome.checked.is_multiple_of(3));
    }

    #[test]
    fn one_wrong_byte_ends_the_run() {
        let wrong = run(&hall::open(Work::Fanout, |payload| payload[199] ^= 1));
        assert!(matches!(wrong, Err(Error::Corrupt { .. })));
    }
}
