//! Churn: visitors that connect, shake hands, send one message, check its reply, close, and come again.

use std::io::{Read, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use socket2::SockRef;

use crate::caller::{Caller, Target};
use crate::error::Error;
use crate::options::LoadOptions;
use crate::outcome::{Outcome, Stopwatch, latencies, record};
use crate::pattern::Pattern;
use crate::wire::Wire;

/// Runs the load that `options` describe: as many visitors at once as it has connections.
pub fn run(options: &LoadOptions) -> Result<Outcome, Error> {
    let churn = Churn {
        target: Target::find(&options.address, &options.path, options.tls)?,
        wire: options.wire,
        size: options.size,
        pattern: Pattern::new(options.size),
        is_over: AtomicBool::new(false),
        visits: AtomicU32::new(0),
        latency: Mutex::new(latencies()),
    };
    let (interval, latency) = thread::scope(|scope| {
        let visitors: Vec<_> = (0..options.connections)
            .map(|_| scope.spawn(|| churn.keep_visiting()))
            .collect();
        let measured = churn.measure(options);
        churn.is_over.store(true, Ordering::Relaxed);
        for visitor in visitors {
            // A visitor that panicked has said so itself.
            visitor.join().expect("visitors do not panic")?;
        }
        measured
    })?;
    if latency.is_empty() {
        return Err(Error::Silent);
    }
    Ok(Outcome {
        messages: latency.len(),
        batches: latency.len(),
        checked: churn.visits.into_inner().into(),
        latency,
        interval,
    })
}

/// What all visitors share.
struct Churn {
    target: Target,
    wire: Wire,
    size: usize,
    pattern: Pattern,
    is_over: AtomicBool,
    visits: AtomicU32,
    latency: Mutex<Histogram<u64>>,
}

impl Churn {
    fn measure(
        &self,
        options: &LoadOptions,
    ) -> Result<(crate::outcome::Interval, Histogram<u64>), Error> {
        thread::sleep(options.warmup);
        let watch = Stopwatch::start(options.pid)?;
        self.histogram().reset();
        thread::sleep(options.measured);
        let latency = self.histogram().clone();
        Ok((watch.stop()?, latency))
    }

    fn keep_visiting(&self) -> Result<(), Error> {
        while !self.is_over.load(Ordering::Relaxed) {
            let id = self.visits.fetch_add(1, Ordering::Relaxed);
            let began = Instant::now();
            match self.wire {
                Wire::WebSocket => {
                    let mut caller = Caller::connect(&self.target, id)?;
                    caller.echo(&self.pattern, 0)?;
                    caller.close()?;
                }
                Wire::Prefixed | Wire::Qwh => self.visit(id)?,
            }
            record(&mut self.histogram(), began, Instant::now());
        }
        Ok(())
    }

    /// One message there and back on a connection without an opening handshake, then a reset: nobody is
    /// left waiting for ports.
    fn visit(&self, id: u32) -> Result<(), Error> {
        let mut stream = self.target.dial(id)?;
        let size = self.size;
        let mut message = Vec::new();
        self.wire.append(&mut message, size, 0, |output| {
            self.pattern.write(output, id, 0);
        });
        stream.write_all(&message)?;
        stream.flush()?;
        let mut answer = vec![0; message.len()];
        stream.read_exact(&mut answer)?;
        SockRef::from(&*stream.socket()).set_linger(Some(Duration::ZERO))?;
        if answer == message {
            return Ok(());
        }
        Err(Error::Corrupt {
            connection: id,
            sequence: 0,
        })
    }

    fn histogram(&self) -> std::sync::MutexGuard<'_, Histogram<u64>> {
        // Nothing panics while it is held.
        self.latency.lock().expect("the histogram is not poisoned")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hall;
    use crate::scenario::Work;

    #[test]
    fn visits_are_counted() {
        let outcome = run(&hall::open(Work::Churn, |_| {})).unwrap();
        assert!(outcome.messages > 0 && outcome.checked >= outcome.messages);
    }

    #[test]
    fn one_wrong_byte_ends_the_run() {
        let wrong = run(&hall::open(Work::Churn, |payload| payload[0] ^= 1));
        assert!(matches!(wrong, Err(Error::Corrupt { .. })));
    }
}
