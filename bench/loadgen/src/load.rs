//! Echo: connect, warm up, measure, then wait for the replies still due.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::caller::{Caller, Target};
use crate::channel::Channel;
use crate::connection::Connection;
use crate::error::Error;
use crate::options::LoadOptions;
use crate::outcome::{Outcome, Stopwatch, latencies, record};
use crate::pattern::Pattern;
use crate::qwh;
use crate::transport::Transport;
use crate::wire::Wire;

/// How long replies may take after the last message. Generous: it only tells lost from slow.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs the load that `options` describe.
pub fn run(options: &LoadOptions) -> Result<Outcome, Error> {
    let mut load = Load::connect(options)?;
    if load.pace.is_none() {
        load.start(options.window)?;
    }
    load.until(Instant::now() + options.warmup)?;

    load.forget();
    let watch = Stopwatch::start(options.pid)?;
    load.until(watch.began() + options.measured)?;
    let interval = watch.stop()?;

    let (batches, latency) = (load.batches, load.latency.clone());
    load.drain()?;
    if latency.is_empty() {
        return Err(Error::Silent);
    }
    Ok(Outcome {
        messages: latency.len(),
        batches,
        checked: load.checked,
        latency,
        interval,
    })
}

/// All connections and the loop that drives them.
struct Load {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    pattern: Pattern,
    latency: Histogram<u64>,
    batches: u64,
    checked: u64,
    /// While set, every reply is followed by a new message.
    sending: bool,
    pace: Option<Pace>,
}

/// Messages at a rate, in turn on all connections.
struct Pace {
    period: Duration,
    /// When the next one is due, and how many were sent.
    due: Instant,
    sent: usize,
}

impl Load {
    fn connect(options: &LoadOptions) -> Result<Self, Error> {
        let (wire, window, size) = (options.wire, options.window, options.size);
        let target = Target::find(&options.address, &options.path, options.tls)?;
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        for id in 0..options.connections {
            let stream = connect(&target, wire, id)?;
            let channel = Channel::new(stream, wire, id, size, window);
            let mut connection = Connection::new(channel, window);
            // Both interests at once and for good: edge-triggered, an idle one costs nothing.
            let interests = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(connection.stream(), Token(id as usize), interests)?;
            connections.push(connection);
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(256),
            connections,
            pattern: Pattern::new(size),
            latency: latencies(),
            batches: 0,
            checked: 0,
            sending: options.rate == 0,
            pace: (options.rate > 0).then(|| Pace {
                period: Duration::from_secs(1) / options.rate,
                due: Instant::now(),
                sent: 0,
            }),
        })
    }

    /// Fills every connection's window.
    fn start(&mut self, window: usize) -> Result<(), Error> {
        for connection in &mut self.connections {
            connection.send(window, &self.pattern)?;
        }
        Ok(())
    }

    fn until(&mut self, deadline: Instant) -> Result<(), Error> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.keep_pace()?;
            // A wait is whole milliseconds long, and messages are due more often: with a pace it spins.
            self.turn(if self.pace.is_some() {
                Duration::ZERO
            } else {
                left
            })?;
        }
    }

    /// Sends what is due.
    fn keep_pace(&mut self) -> Result<(), Error> {
        let Some(pace) = &mut self.pace else {
            return Ok(());
        };
        while pace.due <= Instant::now() {
            let turn = pace.sent % self.connections.len();
            if !self.connections[turn].send_due(pace.due, &self.pattern)? {
                break;
            }
            pace.sent += 1;
            pace.due += pace.period;
        }
        Ok(())
    }

    /// Starts the figures afresh; the messages in flight stay.
    fn forget(&mut self) {
        self.latency.reset();
        self.batches = 0;
    }

    /// Sends nothing more and waits until every reply has arrived.
    fn drain(&mut self) -> Result<(), Error> {
        self.sending = false;
        self.pace = None;
        let deadline = Instant::now() + DRAIN;
        loop {
            let missing = self.connections.iter().map(Connection::outstanding).sum();
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

    /// One wait and everything it brought.
    fn turn(&mut self, longest: Duration) -> Result<(), Error> {
        match self.poll.poll(&mut self.events, Some(longest)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            let connection = &mut self.connections[event.token().0];
            if event.is_writable() {
                connection.flush()?;
            }
            if !event.is_readable() {
                continue;
            }
            let latency = &mut self.latency;
            let replies =
                connection.receive(&self.pattern, |sent, now| record(latency, sent, now))?;
            if replies == 0 {
                continue;
            }
            self.batches += 1;
            self.checked += replies as u64;
            if self.sending {
                connection.send(replies, &self.pattern)?;
            }
        }
        Ok(())
    }
}

fn connect(target: &Target, wire: Wire, id: u32) -> Result<Transport<TcpStream>, Error> {
    match wire {
        Wire::Prefixed => Ok(target.dial(id)?.polled()?),
        Wire::WebSocket => Caller::connect(target, id)?.into_polled(),
        Wire::Qwh => {
            let mut stream = target.dial(id)?;
            qwh::shake_hands(&mut stream)?;
            Ok(stream.polled()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hall;
    use crate::scenario::Work;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A run of a small load against a server that answers each read of it with what `answer` says.
    fn outcome(
        answer: impl Fn(&[u8]) -> Vec<u8> + Copy + Send + 'static,
    ) -> Result<Outcome, Error> {
        paced(0, answer)
    }

    fn paced(
        rate: u32,
        answer: impl Fn(&[u8]) -> Vec<u8> + Copy + Send + 'static,
    ) -> Result<Outcome, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(count @ 1..) = stream.read(&mut buffer) {
                        let reply = answer(&buffer[..count]);
                        if reply.is_empty() || stream.write_all(&reply).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        run(&LoadOptions {
            rate,
            address,
            path: "/".into(),
            scenario: None,
            wire: Wire::Prefixed,
            tls: false,
            work: Work::Echo,
            connections: 2,
            window: 3,
            size: 100,
            measured: Duration::from_millis(50),
            warmup: Duration::from_millis(10),
            pid: None,
            collect: false,
            pin: None,
            json: false,
        })
    }

    #[test]
    fn an_honest_echo_is_counted() {
        let outcome = outcome(<[u8]>::to_vec).unwrap();
        assert!(outcome.messages > 0 && outcome.checked >= outcome.messages);
        assert!(outcome.latency.max() > 0);
    }

    #[test]
    fn at_a_pace_it_is_as_fast_as_that_and_waiting_counts() {
        // Each answer takes longer than the next message is away.
        let slowly = |bytes: &[u8]| {
            std::thread::sleep(Duration::from_millis(5));
            bytes.to_vec()
        };
        let outcome = paced(1000, slowly).unwrap();
        // Half of the messages, at least, were due long before they were sent.
        assert!(outcome.latency.value_at_quantile(0.5) > 8_000_000);
        let outcome = paced(200, <[u8]>::to_vec).unwrap();
        assert!((5..=20).contains(&outcome.messages), "{}", outcome.messages);
    }

    #[test]
    fn one_wrong_byte_ends_the_run() {
        let wrong = outcome(|bytes| {
            bytes
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ u8::from(at == 50))
                .collect()
        });
        assert!(matches!(wrong, Err(Error::Corrupt { .. })));
    }

    #[test]
    fn a_wrong_length_ends_the_run() {
        let wrong = outcome(|bytes| {
            bytes
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ u8::from(at == 3))
                .collect()
        });
        assert!(matches!(
            wrong,
            Err(Error::Length {
                announced: 101,
                due: 100,
                ..
            })
        ));
    }

    #[test]
    fn replies_nobody_asked_for_end_the_run() {
        let wrong = outcome(|bytes| bytes.repeat(2));
        assert!(matches!(
            wrong,
            Err(Error::Surplus { .. } | Error::Corrupt { .. })
        ));
    }

    #[test]
    fn a_closed_connection_ends_the_run() {
        assert!(matches!(outcome(|_| Vec::new()), Err(Error::Closed { .. })));
    }

    #[test]
    fn websocket_messages_are_counted_and_checked() {
        let outcome = run(&hall::open(Work::Echo, |_| {})).unwrap();
        assert!(outcome.messages > 0 && outcome.checked >= outcome.messages);
        let corrupt = run(&hall::open(Work::Echo, |payload| payload[199] ^= 1));
        assert!(matches!(corrupt, Err(Error::Corrupt { .. })));
        let short = run(&hall::open(Work::Echo, |payload| payload.truncate(150)));
        assert!(matches!(short, Err(Error::Length { .. })));
    }
}
