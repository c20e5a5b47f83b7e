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
    sync::{Arc, Mutex, PoisonError},
};

use napi_sys::{napi_env, napi_value};

use super::raw::{Outcome, check};

/// How much memory that is not used waits for its next use, bytes. Fresh memory costs as much as what is done with
/// it: it is zeroed, page by page.
const SPARE: usize = 32 * 1024 * 1024;

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

/// An `ArrayBuffer` of the memory, which lives at least as long as whatever the buffer's bytes end up in.
///
/// # Safety
/// `env` must be the running environment.
pub(super) unsafe fn array_buffer(env: napi_env, memory: Arc<Memory>) -> Outcome<napi_value> {
    let mut value = ptr::null_mut();
    let (start, len) = (memory.start(), memory.len());
    let owner = Arc::into_raw(memory);
    // SAFETY: by this function's contract; the span is valid until `on_unused` gives up its owner.
    let created = check(unsafe {
        napi_sys::napi_create_external_arraybuffer(
            env,
            start.cast(),
            len,
            Some(on_unused),
            owner.cast_mut().cast(),
            &raw mut value,
        )
    });
    if created.is_err() {
        // SAFETY: no buffer was made, so nobody else gives it up.
        drop(unsafe { Arc::from_raw(owner) });
    }
    created.map(|()| value)
}

/// Nothing has the buffer's bytes any more.
///
/// # Safety
/// To be called by Node-API alone, once, for a buffer that [`array_buffer`] has made.
unsafe extern "C" fn on_unused(_env: napi_env, _data: *mut c_void, owner: *mut c_void) {
    // SAFETY: the hint is the owner that `array_buffer` leaked; Node calls this once.
    drop(unsafe { Arc::from_raw(owner.cast::<Memory>()) });
}
