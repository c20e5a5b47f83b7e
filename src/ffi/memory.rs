//! Memory that the I/O side writes to and JavaScript reads.
//!
//! It is owned here and not by an `ArrayBuffer`: JavaScript can take the memory out of any `ArrayBuffer` that it
//! reaches, through byte streams on every version of Node, and a message's `buffer` is one.
#![allow(
    unsafe_code,
    reason = "Node-API is a C interface, and the bytes are shared with JavaScript"
)]

use std::{
    ffi::c_void,
    ptr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use napi_sys::{napi_env, napi_value};

use super::raw::{Outcome, check};

/// Bytes of buffers that V8 does not know of, a process.
///
/// It frees buffers of others by full collections only, and begins one whenever so many bytes of buffers
/// were made since the last one: with the heap of a small server every 20 MB, a few hundred large messages, of which each
/// pays more for that than for all else together. What is not counted is garbage that waits a little longer.
const UNCOUNTED: usize = 64 * 1024 * 1024;

/// Bytes of live buffers that are not counted.
static HIDDEN: AtomicUsize = AtomicUsize::new(0);

/// How much memory that is not used waits for its next use, bytes. Fresh memory costs as much as what is done with
/// it: it is zeroed, page by page.
const SPARE: usize = 16 * 1024 * 1024;

static SPARES: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// A span of bytes that does not move. They are those of some earlier use, or zero: JavaScript reaches more of a buffer
/// than one message anyhow, as it does with Node's own pool.
pub(super) struct Memory {
    start: *mut u8,
    len: usize,
}

// SAFETY: it is nothing but the ownership of bytes; who touches which of them is settled elsewhere.
unsafe impl Send for Memory {}
// SAFETY: as above; a shared reference gives nothing but where they lie.
unsafe impl Sync for Memory {}

impl Memory {
    pub(super) fn of(len: usize) -> Arc<Self> {
        let bytes = spare(len).unwrap_or_else(|| vec![0; len].into_boxed_slice());
        let start = Box::into_raw(bytes).cast();
        Arc::new(Self { start, len })
    }

    pub(super) fn start(&self) -> *mut u8 {
        self.start
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let span = ptr::slice_from_raw_parts_mut(self.start, self.len);
        // SAFETY: the span is that of the box which `of` leaked, and this was its only owner.
        put_by(unsafe { Box::from_raw(span) });
    }
}

fn spare(len: usize) -> Option<Box<[u8]>> {
    let mut spares = SPARES.lock().unwrap_or_else(PoisonError::into_inner);
    // What was used last is what caches still have.
    let at = spares.iter().rposition(|bytes| bytes.len() == len)?;
    Some(spares.remove(at))
}

fn put_by(bytes: Box<[u8]>) {
    let mut spares = SPARES.lock().unwrap_or_else(PoisonError::into_inner);
    let held: usize = spares.iter().map(|bytes| bytes.len()).sum();
    if held + bytes.len() <= SPARE {
        spares.push(bytes);
    }
}

/// What keeps a buffer's memory.
struct Owner {
    _memory: Arc<Memory>,
    /// Bytes that V8 was told to forget, and is to be told of again.
    hidden: i64,
}

impl Owner {
    /// # Safety
    /// `env` must be the running environment.
    unsafe fn new(env: napi_env, memory: Arc<Memory>) -> Self {
        let len = memory.len();
        let fits = HIDDEN.fetch_add(len, Ordering::Relaxed) + len <= UNCOUNTED;
        if !fits {
            HIDDEN.fetch_sub(len, Ordering::Relaxed);
        }
        let hidden = if fits { len as i64 } else { 0 };
        // SAFETY: by this function's contract.
        unsafe { adjust(env, -hidden) };
        Self {
            _memory: memory,
            hidden,
        }
    }
}

/// # Safety
/// `env` must be the running environment.
unsafe fn adjust(env: napi_env, bytes: i64) {
    let mut total = 0;
    if bytes != 0 {
        // SAFETY: by this function's contract; the out pointer is a live local. It fails for no valid environment.
        unsafe { napi_sys::napi_adjust_external_memory(env, bytes, &raw mut total) };
    }
}

/// An `ArrayBuffer` of the memory, which lives at least as long as whatever the buffer's bytes end up in.
///
/// # Safety
/// `env` must be the running environment.
pub(super) unsafe fn array_buffer(env: napi_env, memory: Arc<Memory>) -> Outcome<napi_value> {
    let mut value = ptr::null_mut();
    let (start, len) = (memory.start(), memory.len());
    // SAFETY: by this function's contract.
    let owner = Box::into_raw(Box::new(unsafe { Owner::new(env, memory) }));
    // SAFETY: by this function's contract; the span is valid until `on_unused` gives up its owner.
    let created = check(unsafe {
        napi_sys::napi_create_external_arraybuffer(
            env,
            start.cast(),
            len,
            Some(on_unused),
            owner.cast(),
            &raw mut value,
        )
    });
    if created.is_err() {
        // SAFETY: no buffer was made, so nobody else gives it up.
        unsafe { give_up(env, owner) };
    }
    created.map(|()| value)
}

unsafe extern "C" fn on_unused(env: napi_env, _data: *mut c_void, owner: *mut c_void) {
    // SAFETY: the hint is the owner that `array_buffer` leaked; Node calls this once.
    unsafe { give_up(env, owner.cast()) };
}

/// # Safety
/// `env` must be the running environment and `owner` one that `array_buffer` leaked, to be used no more.
unsafe fn give_up(env: napi_env, owner: *mut Owner) {
    // SAFETY: by this function's contract.
    let owner = unsafe { Box::from_raw(owner) };
    HIDDEN.fetch_sub(owner.hidden as usize, Ordering::Relaxed);
    // SAFETY: by this function's contract.
    unsafe { adjust(env, owner.hidden) };
}
