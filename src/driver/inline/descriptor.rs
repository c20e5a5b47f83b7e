//! The descriptor on which a tokio runtime waits. Tokio does not give it away, the system does: it says of
//! each epoll instance what is registered there.

use std::{
    fs, io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use crate::error::{Code, Error, Result};

const DESCRIPTORS: &str = "/proc/self/fdinfo";

/// A descriptor of our own of the epoll instance at which `registered` is.
///
/// # Errors
/// `OptionUnsupported` where it is not found, with the reason.
pub(super) fn epoll_of(registered: &impl AsFd) -> Result<OwnedFd> {
    let unknown = |why: &str| {
        let what = format!("inline I/O needs /proc to find the descriptor to wait on: {why}");
        Error::new(Code::OptionUnsupported, what)
    };
    let number =
        find(registered.as_fd().as_raw_fd()).map_err(|error| unknown(&error.to_string()))?;
    let number = number.ok_or_else(|| unknown("it names none"))?;
    #[allow(
        unsafe_code,
        reason = "a number that the system names has no owner that the compiler knows"
    )]
    // SAFETY: the number is not negative. It is the runtime's, which lives in our caller and closes it only
    // with itself.
    let theirs = unsafe { BorrowedFd::borrow_raw(number) };
    theirs
        .try_clone_to_owned()
        .map_err(|error| Error::system(Code::Resources, "duplicating a descriptor", error))
}

fn find(registered: RawFd) -> io::Result<Option<RawFd>> {
    for entry in fs::read_dir(DESCRIPTORS)? {
        let entry = entry?;
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        // One that is closed meanwhile, as the one of this listing, is none of ours.
        let (Some(number), Ok(text)) = (number, fs::read_to_string(entry.path())) else {
            continue;
        };
        if names(&text, registered) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Whether an epoll instance, described by `text`, has `registered`: `tfd: 7 events: 19 data: …`.
fn names(text: &str, registered: RawFd) -> bool {
    let targets = text.lines().filter_map(|line| line.strip_prefix("tfd:"));
    let mut numbers = targets.filter_map(|line| line.split_whitespace().next()?.parse().ok());
    numbers.any(|number: RawFd| number == registered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoll_instance_is_told_by_what_is_registered_there() {
        let text = "pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1057\n\
                    tfd:        7 events:       19 data: 55d0  pos:0 ino:421 sdev:f\n\
                    tfd:       12 events: 8000001d data:    0  pos:0 ino:421 sdev:f\n";
        assert!(names(text, 7) && names(text, 12));
        assert!(!names(text, 1) && !names(text, 19));
        assert!(!names("pos:\t0\nflags:\t02\neventfd-count: 7\n", 7));
    }
}
