//! Idle connections: opened, held in silence, weighed, and then asked whether each still lives.

use std::io;
use std::thread;
use std::time::Duration;

use crate::caller::{Caller, Target};
use crate::cpu::memory;
use crate::error::Error;
use crate::options::LoadOptions;
use crate::outcome::{Interval, Stopwatch};
use crate::pattern::Pattern;

/// Connections that come and go together before the server is weighed empty: its pools are warm then, and
/// two per cent of the connections to come cannot hide what they cost.
const REHEARSAL: u32 = 100;

/// How often they do: whatever compiles code as it runs has compiled that of thousands of visits then, which is no
/// connection's.
const REHEARSALS: u32 = 50;

/// How long any server may take to settle after the rehearsal.
const SETTLING: Duration = Duration::from_millis(500);

/// How long all is left alone before a server is weighed, empty or not, that collects its garbage: V8 looks 8 s after
/// it last did whether there is memory that it may give back, and takes a second or two for it. Weighed empty before
/// that, it would give back between the two what then seems to be less for the connections.
const RESTING: Duration = Duration::from_secs(12);

/// A page that one collection empties goes back to the system with the next one.
const COLLECTIONS: usize = 2;

/// How long a server may take to collect its garbage: twice what Node takes with 15,000 connections.
const COLLECTING: Duration = Duration::from_secs(1);

/// What was found.
pub struct Held {
    /// What it took to open them all, an opening handshake each.
    pub opening: Interval,
    /// What it took to hold them.
    pub holding: Interval,
    /// The server's resident memory, bytes, when it was observed: before, with all connections open, and
    /// after each of them has sent and got one message.
    pub memory: Option<Weights>,
}

pub struct Weights {
    pub empty: u64,
    pub held: u64,
    pub used: u64,
}

/// Runs the load that `options` describe; the measured time is that of holding.
pub fn run(options: &LoadOptions) -> Result<Held, Error> {
    let target = Target::find(&options.address, &options.path, options.tls)?;
    let pattern = Pattern::new(options.size);
    for _ in 0..REHEARSALS {
        rehearse(&target, &pattern, options.connections.min(REHEARSAL))?;
    }
    rest(options, SETTLING);
    let empty = weigh(options)?;

    let watch = Stopwatch::start(options.pid)?;
    let mut callers = open(&target, options.connections)?;
    let opening = watch.stop()?;
    let watch = Stopwatch::start(options.pid)?;
    rest(options, options.measured);
    let holding = watch.stop()?;
    let held = weigh(options)?;

    for caller in &mut callers {
        caller.echo(&pattern, 0)?;
    }
    let used = weigh(options)?;
    for caller in callers {
        caller.reset()?;
    }
    let memory = match (empty, held, used) {
        (Some(empty), Some(held), Some(used)) => Some(Weights { empty, held, used }),
        _ => None,
    };
    Ok(Held {
        opening,
        holding,
        memory,
    })
}

fn rehearse(target: &Target, pattern: &Pattern, connections: u32) -> Result<(), Error> {
    for mut caller in open(target, connections)? {
        caller.echo(pattern, 0)?;
        caller.close()?;
    }
    Ok(())
}

fn rest(options: &LoadOptions, least: Duration) {
    thread::sleep(if options.collect {
        least.max(RESTING)
    } else {
        least
    });
}

fn open(target: &Target, connections: u32) -> Result<Vec<Caller>, Error> {
    (0..connections)
        .map(|id| Caller::connect(target, id))
        .collect()
}

fn weigh(options: &LoadOptions) -> Result<Option<u64>, Error> {
    let Some(pid) = options.pid else {
        return Ok(None);
    };
    let collections = if options.collect { COLLECTIONS } else { 0 };
    for _ in 0..collections {
        ask_to_collect(pid).map_err(|source| Error::Observe { pid, source })?;
        thread::sleep(COLLECTING);
    }
    match memory(pid) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(source) => Err(Error::Observe { pid, source }),
    }
}

/// What the signal asks for is the server's affair; its script knows.
#[cfg(unix)]
fn ask_to_collect(pid: u32) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(pid, Signal::USR2)?)
}

#[cfg(not(unix))]
fn ask_to_collect(_pid: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hall;
    use crate::scenario::Work;

    #[test]
    fn connections_are_held_and_answer() {
        let held = run(&hall::open(Work::Idle, |_| {})).unwrap();
        assert!(held.holding.elapsed >= Duration::from_millis(50) && held.memory.is_none());
    }

    #[test]
    fn one_that_does_not_answer_ends_the_run() {
        let wrong = run(&hall::open(Work::Idle, |payload| payload.truncate(9)));
        assert!(matches!(wrong, Err(Error::Corrupt { .. })));
    }
}
