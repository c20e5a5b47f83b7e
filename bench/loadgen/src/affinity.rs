//! Pins this process to one processor, so that server and load never share one by accident.

use crate::error::Error;

/// Pins the calling thread (and what it starts later) to `processor`; `None` leaves it free.
pub fn pin(processor: Option<usize>) -> Result<(), Error> {
    let Some(processor) = processor else {
        return Ok(());
    };
    set(processor).map_err(|source| Error::Pin { processor, source })
}

#[cfg(target_os = "linux")]
fn set(processor: usize) -> std::io::Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};

    if processor >= CpuSet::MAX_CPU {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    let mut set = CpuSet::new();
    set.set(processor);
    Ok(sched_setaffinity(None, &set)?)
}

#[cfg(not(target_os = "linux"))]
fn set(_processor: usize) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
