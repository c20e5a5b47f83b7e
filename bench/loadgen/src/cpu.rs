//! Processor time of another process and of each of its threads, and its memory, from Linux's /proc.
//!
//! The scheduler's own nanosecond count (`schedstat`) is used where the kernel has it, the 10 ms
//! ticks of `stat` where not. User and system time are only known in ticks.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// The unit of `stat`: USER_HZ, which is 100 on every architecture Linux shares with Rust's std.
const TICK: Duration = Duration::from_millis(10);

/// Where a process stood at one moment.
pub struct Snapshot {
    pid: u32,
    memory: u64,
    user: Duration,
    system: Duration,
    threads: BTreeMap<u32, Thread>,
}

struct Thread {
    name: String,
    spent: Duration,
}

/// What a process spent between two snapshots.
pub struct Usage {
    pub process: Duration,
    /// The split of `process` by the kernel's ticks, so only as fine as these.
    pub user: Duration,
    pub system: Duration,
    /// Resident memory at the end, bytes.
    pub memory: u64,
    /// Threads that spent anything, the greatest spender first.
    pub threads: Vec<ThreadUsage>,
}

/// What one thread spent.
pub struct ThreadUsage {
    pub id: u32,
    pub name: String,
    /// Whether it is the process's first thread: in Node, the one that runs JavaScript.
    pub main: bool,
    pub spent: Duration,
}

impl Snapshot {
    /// Reads where process `pid` stands now.
    pub fn take(pid: u32) -> io::Result<Self> {
        let (user, system) = ticks(&format!("/proc/{pid}/stat"))?;
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let Some(id) = entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            match Thread::read(&format!("/proc/{pid}/task/{id}")) {
                Ok(thread) => threads.insert(id, thread),
                // It ended between the listing and the reading.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
        }
        Ok(Self {
            pid,
            memory: memory(pid)?,
            user,
            system,
            threads,
        })
    }

    /// What was spent since `earlier`, a snapshot of the same process.
    pub fn since(&self, earlier: &Self) -> Usage {
        let mut threads = Vec::new();
        for (&id, thread) in &self.threads {
            let before = earlier
                .threads
                .get(&id)
                .map_or(Duration::ZERO, |thread| thread.spent);
            let spent = thread.spent.saturating_sub(before);
            if !spent.is_zero() {
                let (name, main) = (thread.name.clone(), id == self.pid);
                threads.push(ThreadUsage {
                    id,
                    name,
                    main,
                    spent,
                });
            }
        }
        threads.sort_by_key(|thread| std::cmp::Reverse(thread.spent));
        let user = self.user.saturating_sub(earlier.user);
        let system = self.system.saturating_sub(earlier.system);
        // A thread that ended took its count along; the process's ticks still hold it.
        let complete = earlier
            .threads
            .keys()
            .all(|id| self.threads.contains_key(id));
        let sum = threads.iter().map(|thread| thread.spent).sum();
        Usage {
            process: if complete { sum } else { user + system },
            user,
            system,
            memory: self.memory,
            threads,
        }
    }
}

impl Thread {
    fn read(folder: &str) -> io::Result<Self> {
        let name = fs::read_to_string(format!("{folder}/comm"))?
            .trim_end()
            .to_owned();
        let spent = match fs::read_to_string(format!("{folder}/schedstat")) {
            Ok(text) => Duration::from_nanos(field(&text, 0)?),
            Err(_) => {
                let (user, system) = ticks(&format!("{folder}/stat"))?;
                user + system
            }
        };
        Ok(Self { name, spent })
    }
}

/// Resident memory of process `pid`, bytes.
pub fn memory(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    // A process that has ended but was not waited for has no such line.
    Ok(field(line.ok_or(ErrorKind::NotFound)?, 0)? * 1024)
}

/// User and system time from a `stat` file.
fn ticks(path: &str) -> io::Result<(Duration, Duration)> {
    let text = fs::read_to_string(path)?;
    // The second field is the name in parentheses and may itself hold spaces and parentheses.
    let (_, after_name) = text.rsplit_once(')').ok_or(ErrorKind::InvalidData)?;
    let time =
        |index| io::Result::Ok(TICK * u32::try_from(field(after_name, index)?).unwrap_or(u32::MAX));
    // utime and stime are fields 14 and 15; what is left begins with field 3.
    Ok((time(11)?, time(12)?))
}

fn field(text: &str, index: usize) -> io::Result<u64> {
    let word = text
        .split_ascii_whitespace()
        .nth(index)
        .ok_or(ErrorKind::InvalidData)?;
    word.parse().map_err(|_| ErrorKind::InvalidData.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_busy_thread_is_charged_by_name() {
        let busy = || {
            let before = Snapshot::take(std::process::id()).unwrap();
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(60) {}
            Snapshot::take(std::process::id()).unwrap().since(&before)
        };
        let usage = std::thread::Builder::new()
            .name("spinner".into())
            .spawn(busy)
            .unwrap()
            .join()
            .unwrap();
        let spinner = usage
            .threads
            .iter()
            .find(|thread| thread.name == "spinner")
            .unwrap();
        assert!(spinner.spent > Duration::from_millis(10) && !spinner.main);
        assert!(usage.process >= spinner.spent);
    }
}
