//! The functions of libuv that are used, found in the running process.
//!
//! They are looked up and not linked: not every runtime that loads this addon has them.
#![allow(unsafe_code, reason = "libuv is a C interface")]

use std::ffi::{c_int, c_uint, c_void};

use libloading::os::unix::Library;
use napi_sys::uv_loop_s;

use crate::error::{Code, Error, Result};

/// The major version whose interface this is, and the oldest that was tested: that of the oldest Node that is
/// supported. Newer ones keep their interface within a major version.
const MAJOR: u32 = 1;
const OLDEST_MINOR: u32 = 46;

/// `UV_POLL` of `uv_handle_type`, `UV_READABLE` of `uv_poll_event`.
const POLL: c_int = 8;
const READABLE: c_int = 1;

/// A handle of any kind.
pub(super) type Handle = *mut c_void;
type PollCallback = unsafe extern "C" fn(Handle, c_int, c_int);
type CloseCallback = unsafe extern "C" fn(Handle);

/// The memory of a poll handle, which takes 160 bytes on 64-bit Linux; that it has room is checked. Its first word
/// is its owner's.
#[repr(C, align(16))]
pub(super) struct HandleRoom {
    owner: *mut c_void,
    rest: [u8; 504],
}

impl HandleRoom {
    pub(super) fn of(owner: *mut c_void) -> Box<Self> {
        let rest = [0; 504];
        Box::new(Self { owner, rest })
    }

    /// # Safety
    /// `handle` must be one that is not freed; so for [`free`](Self::free).
    pub(super) unsafe fn owner(handle: Handle) -> *mut c_void {
        // SAFETY: by this function's contract; libuv does not touch the first word.
        unsafe { (*handle.cast::<Self>()).owner }
    }

    /// # Safety
    /// As for [`owner`](Self::owner), once libuv has closed it.
    pub(super) unsafe fn free(handle: Handle) {
        // SAFETY: by this function's contract; `Uv::watch` has leaked it.
        drop(unsafe { Box::from_raw(handle.cast::<Self>()) });
    }
}

/// libuv, as far as it is used here. All of it is for the loop's own thread.
pub(super) struct Uv {
    poll_init: unsafe extern "C" fn(*mut uv_loop_s, Handle, c_int) -> c_int,
    poll_start: unsafe extern "C" fn(Handle, c_int, PollCallback) -> c_int,
    poll_stop: unsafe extern "C" fn(Handle) -> c_int,
    close: unsafe extern "C" fn(Handle, CloseCallback),
    reference: unsafe extern "C" fn(Handle),
    unreference: unsafe extern "C" fn(Handle),
}

impl Uv {
    /// # Errors
    /// `OptionUnsupported` where the process has none, or one that is not known.
    pub(super) fn load() -> Result<Self> {
        let process = Library::this();
        // SAFETY: the types are those of libuv's interface, which a major version keeps.
        unsafe {
            let version: unsafe extern "C" fn() -> c_uint = symbol(&process, "uv_version")?;
            let size: unsafe extern "C" fn(c_int) -> usize = symbol(&process, "uv_handle_size")?;
            check_version(version(), size(POLL))?;
            Ok(Self {
                poll_init: symbol(&process, "uv_poll_init")?,
                poll_start: symbol(&process, "uv_poll_start")?,
                poll_stop: symbol(&process, "uv_poll_stop")?,
                close: symbol(&process, "uv_close")?,
                reference: symbol(&process, "uv_ref")?,
                unreference: symbol(&process, "uv_unref")?,
            })
        }
    }

    /// Watches `descriptor` for being readable, without keeping the loop alive.
    ///
    /// # Safety
    /// `to` must be a loop that runs on this thread.
    pub(super) unsafe fn watch(
        &self,
        to: *mut uv_loop_s,
        room: Box<HandleRoom>,
        descriptor: c_int,
        callback: PollCallback,
    ) -> Result<Handle> {
        let handle: Handle = Box::into_raw(room).cast();
        // SAFETY: by this function's contract; the memory stays until the handle is closed, or is none.
        unsafe {
            if let Err(error) = checked((self.poll_init)(to, handle, descriptor)) {
                HandleRoom::free(handle);
                return Err(error);
            }
            (self.unreference)(handle);
            if let Err(error) = checked((self.poll_start)(handle, READABLE, callback)) {
                (self.close)(handle, on_given_up);
                return Err(error);
            }
        }
        Ok(handle)
    }

    /// Whether a handle keeps the loop alive.
    ///
    /// # Safety
    /// `handle` must be one that is watched; so for [`close`](Self::close).
    pub(super) unsafe fn hold(&self, handle: Handle, alive: bool) {
        // SAFETY: by this function's contract.
        unsafe {
            match alive {
                true => (self.reference)(handle),
                false => (self.unreference)(handle),
            }
        }
    }

    /// Stops watching, and calls back when the handle can be freed.
    ///
    /// # Safety
    /// As for [`hold`](Self::hold), once.
    pub(super) unsafe fn close(&self, handle: Handle, callback: CloseCallback) {
        // SAFETY: by this function's contract.
        unsafe {
            (self.poll_stop)(handle);
            (self.close)(handle, callback);
        }
    }
}

/// The handle of a watch that could not begin is closed.
///
/// # Safety
/// To be called by libuv alone, once, for a handle of [`Uv::watch`].
unsafe extern "C" fn on_given_up(handle: Handle) {
    // SAFETY: libuv has closed it.
    unsafe { HandleRoom::free(handle) };
}

/// # Safety
/// `T` must be the type of what `name` names.
unsafe fn symbol<T: Copy>(process: &Library, name: &str) -> Result<T> {
    // SAFETY: by this function's contract. The process is never unloaded.
    unsafe { process.get::<T>(name) }
        .map(|symbol| *symbol)
        .map_err(|_| unsupported(format!("this process has no {name}")))
}

fn check_version(version: c_uint, handle_size: usize) -> Result<()> {
    let (major, minor) = (version >> 16, version >> 8 & 0xff);
    match major == MAJOR && minor >= OLDEST_MINOR && handle_size <= size_of::<HandleRoom>() {
        true => Ok(()),
        false => Err(unsupported(format!(
            "it is known to work with libuv {MAJOR}.{OLDEST_MINOR} and what follows, and this is {major}.{minor}"
        ))),
    }
}

/// libuv's errors are negated numbers of the system's.
fn checked(result: c_int) -> Result<()> {
    match result {
        0.. => Ok(()),
        error => Err(Error::system(
            Code::Resources,
            "watching a descriptor in the event loop",
            std::io::Error::from_raw_os_error(-error),
        )),
    }
}

fn unsupported(why: String) -> Error {
    Error::new(
        Code::OptionUnsupported,
        format!("inline I/O needs Node's event loop: {why}"),
    )
}
