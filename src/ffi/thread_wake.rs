//! How an I/O thread gets JavaScript to look: a threadsafe function.
#![allow(unsafe_code, reason = "Node-API is a C interface")]

use std::{ffi::c_void, ptr};

use napi_sys::{napi_env, napi_threadsafe_function, napi_value};

use super::{
    channel::Channel,
    raw::{self, Outcome, check},
};

/// A weak threadsafe function: by itself it does not keep the process alive.
#[derive(Clone, Copy)]
pub(super) struct ThreadWake(napi_threadsafe_function);

// SAFETY: calling it from any thread is what a threadsafe function is for.
unsafe impl Send for ThreadWake {}
// SAFETY: as above.
unsafe impl Sync for ThreadWake {}

impl ThreadWake {
    /// Has `dispatch` called with the events of `channel`, which the function frees when it is finalised: that
    /// is after its last call.
    ///
    /// # Safety
    /// `env` must be the running environment, `dispatch` a function of it, and `channel` leaked for this.
    pub(super) unsafe fn new(
        env: napi_env,
        dispatch: napi_value,
        channel: *mut Channel,
    ) -> Outcome<Self> {
        let mut function = ptr::null_mut();
        // SAFETY: by this function's contract.
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
        Ok(Self(function))
    }

    /// From any thread.
    pub(super) fn call(self) {
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

    /// Gives the function up, before anybody has called it: its channel is freed with it, some time after.
    ///
    /// # Safety
    /// Once, on the thread of the environment; nothing may call it afterwards.
    pub(super) unsafe fn release(self) {
        // SAFETY: by this function's contract.
        unsafe {
            napi_sys::napi_release_threadsafe_function(
                self.0,
                napi_sys::ThreadsafeFunctionReleaseMode::release,
            )
        };
    }

    /// Whether it keeps the process alive.
    ///
    /// # Safety
    /// `env` must be the running environment.
    pub(super) unsafe fn hold(self, env: napi_env, alive: bool) -> Outcome<()> {
        // SAFETY: by this function's contract; the function lives as long as its channel.
        check(unsafe {
            match alive {
                true => napi_sys::napi_ref_threadsafe_function(env, self.0),
                false => napi_sys::napi_unref_threadsafe_function(env, self.0),
            }
        })
    }
}

/// The JavaScript side of a wake. Node has opened a scope for it.
///
/// # Safety
/// To be called by Node-API alone, as the callback of a function that [`ThreadWake::new`] has made.
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
    // SAFETY: the environment is the one of this callback; `call` is only used in it.
    unsafe { channel.dispatch(env, |count| call(channel, env, dispatch, count)) };
}

/// The threadsafe function is gone: frees its channel.
///
/// # Safety
/// To be called by Node-API alone, once, behind the last call of the function.
unsafe extern "C" fn on_finalised(_env: napi_env, data: *mut c_void, context: *mut c_void) {
    let _ = data;
    // SAFETY: the context is the channel that was leaked for this function; nothing calls any more.
    drop(unsafe { Box::from_raw(context.cast::<Channel>()) });
}

/// Calls `dispatch(count)` in a scope of its own, and submits what it gives.
///
/// # Safety
/// `env` must be the running environment, and `dispatch` a function of it.
unsafe fn call(channel: &Channel, env: napi_env, dispatch: napi_value, count: u32) -> Outcome<()> {
    let (mut undefined, mut portion) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: all values are of the running environment and the out pointers live locals.
    unsafe {
        raw::scoped(env, || {
            check(napi_sys::napi_get_undefined(env, &raw mut undefined))?;
            let argument = raw::number(env, count)?;
            check(napi_sys::napi_call_function(
                env,
                undefined,
                dispatch,
                1,
                &raw const argument,
                &raw mut portion,
            ))?;
            channel.submit(raw::to_u32(env, portion)?)
        })
    }
}
