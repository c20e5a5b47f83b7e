//! The run: connect, warm up, measure, then wait for the replies still due.

use std::net::TcpStream as BlockingStream;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::connection::Connection;
use crate::cpu::{Snapshot, Usage};
use crate::error::Error;
use crate::options::LoadOptions;
use crate::pattern::Pattern;

/// How long replies may take after the last message. Generous: it only tells lost from slow.
const DRAIN: Duration = Duration::from_secs(10);

/// Latencies are kept in nanoseconds to three digits, up to a minute; what is above counts as that.
const LONGEST_NS: u64 = 60_000_000_000;

/// What one run found.
pub struct Outcome {
    /// Replies within the measured interval.
    pub messages: u64,
    /// Reads that brought these replies; each was followed by one write of as many messages.
    pub batches: u64,
    /// Replies checked in all, warm-up and drain included.
    pub checked: u64,
    /// The measured interval as it really was.
    pub elapsed: Duration,
    /// Round trips in nanoseconds.
    pub latency: Histogram<u64>,
    /// What the server's process spent in the interval, when it was observed.
    pub server: Option<Usage>,
}

/// Runs the load that `options` describe.
pub fn run(options: &LoadOptions) -> Result<Outcome, Error> {
    let mut load = Load::connect(options)?;
    load.start(options.window)?;
    load.until(Instant::now() + options.warmup)?;

    load.forget();
    let before = observe(options.pid)?;
    let began = Instant::now();
    load.until(began + options.measured)?;
    let elapsed = began.elapsed();
    let after = observe(options.pid)?;

    let (messages, batches, latency) = (load.latency.len(), load.batches, load.latency.clone());
    load.drain()?;
    if messages == 0 {
        return Err(Error::Silent);
    }
    Ok(Outcome {
        messages,
        batches,
        checked: load.checked,
        elapsed,
        latency,
        server: before
            .zip(after)
            .map(|(before, after)| after.since(&before)),
    })
}

fn observe(pid: Option<u32>) -> Result<Option<Snapshot>, Error> {
    let Some(pid) = pid else {
        return Ok(None);
    };
    match Snapshot::take(pid) {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(source) => Err(Error::Observe { pid, source }),
    }
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
}

impl Load {
    fn connect(options: &LoadOptions) -> Result<Self, Error> {
        let poll = Poll::new()?;
        let pattern = Pattern::new(options.size);
        let mut connections = Vec::new();
        for id in 0..options.connections {
            let stream = connect(&options.address)?;
            let mut connection = Connection::new(stream, id, options.window, &pattern);
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
            pattern,
            latency: latencies(),
            batches: 0,
            checked: 0,
            sending: true,
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
            self.turn(left)?;
        }
    }

    /// Starts the figures afresh; the messages in flight stay.
    fn forget(&mut self) {
        self.latency.reset();
        self.batches = 0;
    }

    /// Sends nothing more and waits until every reply has arrived.
    fn drain(&mut self) -> Result<(), Error> {
        self.sending = false;
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
            let replies = connection.receive(&self.pattern, |sent, now| {
                latency
                    .saturating_record(u64::try_from((now - sent).as_nanos()).unwrap_or(u64::MAX));
            })?;
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

fn latencies() -> Histogram<u64> {
    // The bounds are constants that the histogram accepts: 1 <= low, 2 * low <= high, 0..=5 digits.
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("constant bounds are valid")
}

fn connect(address: &str) -> Result<TcpStream, Error> {
    let connected = BlockingStream::connect(address).and_then(|stream| {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(TcpStream::from_std(stream))
    });
    connected.map_err(|source| Error::Connect {
        address: address.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A run of a small load against a server that answers each read of it with what `answer` says.
    fn outcome(
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
            address,
            scenario: None,
            connections: 2,
            window: 3,
            size: 100,
            measured: Duration::from_millis(50),
            warmup: Duration::from_millis(10),
            pid: None,
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
                sent: 100,
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
}
