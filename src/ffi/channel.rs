//! What an exchange has in a JavaScript environment, and the wake that calls JavaScript.
#![allow(
    unsafe_code,
    reason = "Node-API is a C interface, and the buffers belong to JavaScript"
)]

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::{Arc, OnceLock},
};

use napi_sys::{Status, napi_env, napi_threadsafe_function, napi_value};

use super::{
    memory::Memory,
    raw::{self, Failed, Outcome, check},
};
use crate::{
    driver::{IoThread, panic_message},
    error::Result,
    exchange::{Core, Counters, Descriptor, Holdings},
};

/// Everything one exchange has in one JavaScript environment. Lives until the environment's
/// threadsafe function is finalised, which is after its last call.
pub(super) struct Channel {
    core: OnceLock<Arc<Core<IoThread>>>,
    wake: OnceLock<Wake>,
    incoming: *mut Descriptor,
    incoming_len: usize,
    outgoing: *const u8,
    outgoing_len: usize,
    /// The memory that the I/O side may write to and that messages still to be dispatched lie in, oldest
    /// first. Only the JavaScript thread has to do with it.
    lent: RefCell<VecDeque<(u32, Arc<Memory>)>>,
    /// JavaScript has stopped dispatching until the loop had its turn: it takes what follows by itself.
    has_stopped: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Wake(napi_threadsafe_function);

// SAFETY: calling it from any thread is what a threadsafe function is for.
unsafe impl Send for Wake {}
// SAFETY: as above.
unsafe impl Sync for Wake {}

impl Wake {
    fn call(self) {
        // SAFETY: the function lives until the environment's end, before which the I/O thread, the
        // only other caller, was joined. A refusal means that the environment is closing.
        unsafe {
            napi_sys::napi_call_threadsafe_function(
                self.0,
                ptr::null_mut(),
                napi_sys::ThreadsafeFunctionCallMode::nonblocking,
            )
        };
    }
}

/// The buffers that JavaScript shares with one exchange, and the function it wants called.
pub(super) struct Shared {
    pub counters: napi_value,
    pub incoming: napi_value,
    pub outgoing: napi_value,
    pub dispatch: napi_value,
}

/// An exchange and its channel.
pub(super) type Opened = (Arc<Core<IoThread>>, *mut Channel);

/// Starts an exchange with its I/O thread in this environment.
///
/// # Safety
/// `env` must be the running environment and the values its own.
pub(super) unsafe fn open(
    env: napi_env,
    shared: &Shared,
    holdings: Arc<Holdings>,
) -> Outcome<Result<Opened>> {
    // SAFETY: by this function's contract. The references keep the three buffers where they are until
    // the environment ends, and the channel with all that points into them ends before.
    unsafe {
        let (words, words_len) = raw::array_buffer(env, shared.counters)?;
        let (incoming, incoming_len) = raw::array_buffer(env, shared.incoming)?;
        let (outgoing, outgoing_len) = raw::array_buffer(env, shared.outgoing)?;
        for buffer in [shared.counters, shared.incoming, shared.outgoing] {
            raw::keep(env, buffer)?;
        }
        let slots = words_len / (2 * size_of::<u32>());
        let slots = u32::try_from(slots).unwrap_or(u32::MAX);
        let counters = Counters::new(words.cast(), slots, holdings);
        let channel = Box::into_raw(Box::new(Channel {
            core: OnceLock::new(),
            wake: OnceLock::new(),
            incoming: incoming.cast(),
            incoming_len: incoming_len / size_of::<Descriptor>(),
            outgoing: outgoing.cast_const(),
            outgoing_len,
            lent: RefCell::default(),
            has_stopped: Cell::new(false),
        }));
        let wake = threadsafe(env, shared.dispatch, channel)?;
        let _ = (*channel).wake.set(wake);
        let core = match Core::start(counters, move || wake.call(), IoThread::start) {
            Ok(core) => core,
            Err(error) => return Ok(Err(error)),
        };
        let _ = (*channel).core.set(Arc::clone(&core));
        // After the threadsafe function, so that it runs before that one's own clean-up.
        check(napi_sys::napi_add_env_cleanup_hook(
            env,
            Some(on_env_end),
            channel.cast(),
        ))?;
        Ok(Ok((core, channel)))
    }
}

/// A weak threadsafe function: by itself it does not keep the process alive.
unsafe fn threadsafe(env: napi_env, dispatch: napi_value, channel: *mut Channel) -> Outcome<Wake> {
    let mut function = ptr::null_mut();
    // SAFETY: the values are of the running environment, and the channel is freed only by the
    // finaliser given here.
    unsafe {
        let name = raw::string(env, "qwormhole")?;
        check(napi_sys::napi_create_threadsafe_function(
            env,
            dispatch,
            ptr::null_mut(),
            name,
            0,
            1,
            ptr::null_mut(),
            Some(on_finalised),
            channel.cast(),
            Some(on_wake),
            &raw mut function,
        ))?;
        check(napi_sys::napi_unref_threadsafe_function(env, function))?;
    }
    Ok(Wake(function))
}

/// The JavaScript side of a wake: takes events and dispatches them until there are none.
unsafe extern "C" fn on_wake(
    env: napi_env,
    dispatch: napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() {
        return;
    }
    // SAFETY: the context is the channel, which lives as long as the function.
    let channel = unsafe { &*context.cast::<Channel>() };
    let result = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the environment is the one of this callback.
        unsafe { channel.dispatch(env, dispatch) };
    }));
    if let Err(panic) = result {
        // SAFETY: as above.
        unsafe {
            raw::throw(env, c"ERR_QW_INTERNAL", panic_message(&*panic));
            raw::report_exception(env);
        }
    }
}

unsafe extern "C" fn on_finalised(_env: napi_env, data: *mut c_void, context: *mut c_void) {
    let _ = data;
    // SAFETY: the context is the channel that `open` leaked for this function; nothing calls any more.
    drop(unsafe { Box::from_raw(context.cast::<Channel>()) });
}

/// The environment ends: no thread may touch its memory afterwards.
unsafe extern "C" fn on_env_end(channel: *mut c_void) {
    // SAFETY: the hook runs before the channel's finaliser.
    let channel = unsafe { &*channel.cast::<Channel>() };
    if let Some(core) = channel.core.get() {
        // A panic must not cross into C; one in here leaves the thread to the process's end.
        let _ = catch_unwind(AssertUnwindSafe(|| core.stop()));
    }
}

impl Channel {
    pub(super) fn core(&self) -> Outcome<&Arc<Core<IoThread>>> {
        self.core.get().ok_or(Failed(Status::napi_generic_failure))
    }

    /// The first `length` bytes of the outgoing buffer, or what there is of it.
    ///
    /// # Safety
    /// JavaScript must not run as long as they are used.
    pub(super) unsafe fn outgoing(&self, length: usize) -> &[u8] {
        // SAFETY: the buffer is kept by a reference; nobody writes by this function's contract.
        unsafe { std::slice::from_raw_parts(self.outgoing, length.min(self.outgoing_len)) }
    }

    /// Owns memory that is lent as slab `id`.
    pub(super) fn keep(&self, id: u32, memory: Arc<Memory>) {
        self.lent.borrow_mut().push_back((id, memory));
    }

    /// The memory lent as slab `id`.
    pub(super) fn lent(&self, id: u32) -> Option<Arc<Memory>> {
        let lent = self.lent.borrow();
        let (_, memory) = lent.iter().find(|(other, _)| *other == id)?;
        Some(Arc::clone(memory))
    }

    /// As [`lent`](Self::lent); what was lent before it is owned no longer.
    pub(super) fn open(&self, id: u32) -> Option<Arc<Memory>> {
        let mut lent = self.lent.borrow_mut();
        let at = lent.iter().position(|(other, _)| *other == id)?;
        lent.drain(..at);
        lent.front().map(|(_, memory)| Arc::clone(memory))
    }

    /// Whether the exchange keeps the process alive.
    ///
    /// # Safety
    /// `env` must be the running environment.
    pub(super) unsafe fn hold(&self, env: napi_env, alive: bool) -> Outcome<()> {
        let wake = self.wake.get();
        let Wake(function) = *wake.ok_or(Failed(Status::napi_generic_failure))?;
        // SAFETY: by this function's contract; the threadsafe function lives as long as its channel.
        check(unsafe {
            match alive {
                true => napi_sys::napi_ref_threadsafe_function(env, function),
                false => napi_sys::napi_unref_threadsafe_function(env, function),
            }
        })
    }

    /// Moves events to where JavaScript reads them; gives their number. Zero means: sleep until woken.
    ///
    /// # Safety
    /// JavaScript must not run meanwhile, and be done with those that it had before.
    pub(super) unsafe fn take(&self) -> Outcome<usize> {
        self.has_stopped.set(false);
        // SAFETY: the buffer is kept by a reference; nobody reads it by this function's contract.
        let incoming = unsafe { std::slice::from_raw_parts_mut(self.incoming, self.incoming_len) };
        Ok(self.core()?.take(incoming))
    }

    unsafe fn dispatch(&self, env: napi_env, dispatch: napi_value) {
        // How much there may be in one turn of the loop is for JavaScript to say. To be called again would not end
        // the turn: Node goes on with calls that come meanwhile.
        while !self.has_stopped.get() {
            // SAFETY: JavaScript runs inside of the call below only, and has not stopped in the middle.
            let count = match unsafe { self.take() } {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            // SAFETY: the environment is the running one.
            match unsafe { call(env, dispatch, count as u32) } {
                Ok(has_stopped) => self.has_stopped.set(has_stopped),
                // SAFETY: as above.
                Err(_) => unsafe { raw::report_exception(env) },
            }
        }
    }
}

/// Calls `function(count)` in a scope of its own; gives its answer.
unsafe fn call(env: napi_env, function: napi_value, count: u32) -> Outcome<bool> {
    let mut scope = ptr::null_mut();
    let (mut undefined, mut argument) = (ptr::null_mut(), ptr::null_mut());
    let mut answer = ptr::null_mut();
    // SAFETY: all values are of the running environment and the out pointers live locals.
    unsafe {
        check(napi_sys::napi_open_handle_scope(env, &raw mut scope))?;
        let called = check(napi_sys::napi_get_undefined(env, &raw mut undefined))
            .and_then(|()| check(napi_sys::napi_create_uint32(env, count, &raw mut argument)))
            .and_then(|()| {
                check(napi_sys::napi_call_function(
                    env,
                    undefined,
                    function,
                    1,
                    &raw const argument,
                    &raw mut answer,
                ))
            })
            .and_then(|()| raw::to_bool(env, answer));
        napi_sys::napi_close_handle_scope(env, scope);
        called
    }
}
