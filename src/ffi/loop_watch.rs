//! How inline I/O gets its turns: Node's event loop watches its descriptor.
#![allow(
    unsafe_code,
    reason = "Node-API and libuv are C interfaces, and the handle's memory is shared with libuv"
)]

use std::{
    cell::Cell,
    ffi::c_int,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use napi_sys::{
    napi_async_cleanup_hook_handle, napi_async_context, napi_env, napi_ref, napi_value,
};

use super::{
    channel::Channel,
    raw::{self, Outcome, check},
    uv::{Handle, HandleRoom, Uv},
};
use crate::error::Result;

/// A watched descriptor, and what its callback needs.
pub(super) struct LoopWatch {
    uv: Uv,
    /// libuv's, whose first word is the channel; freed when it is closed.
    handle: Handle,
    env: napi_env,
    dispatch: napi_ref,
    /// `this` of calls, and what async hooks see.
    resource: napi_ref,
    context: napi_async_context,
    /// What the environment's end waits for.
    hook: Cell<napi_async_cleanup_hook_handle>,
}

impl LoopWatch {
    /// Has a turn taken whenever `descriptor` is readable, and `dispatch` called with the events of `channel`
    /// after it.
    ///
    /// # Safety
    /// `env` must be the running environment, `dispatch` a function of it, and `channel` live until the handle
    /// is closed.
    pub(super) unsafe fn start(
        env: napi_env,
        uv: Uv,
        descriptor: BorrowedFd<'_>,
        dispatch: napi_value,
        channel: *mut Channel,
    ) -> Outcome<Result<Self>> {
        let (mut to, mut resource) = (ptr::null_mut(), ptr::null_mut());
        let mut context = ptr::null_mut();
        // SAFETY: by this function's contract; the out pointers are live locals.
        unsafe {
            check(napi_sys::napi_get_uv_event_loop(env, &raw mut to))?;
            check(napi_sys::napi_create_object(env, &raw mut resource))?;
            let name = raw::string(env, "qwormhole")?;
            let (dispatch, this) = (raw::keep(env, dispatch)?, raw::keep(env, resource)?);
            check(napi_sys::napi_async_init(
                env,
                resource,
                name,
                &raw mut context,
            ))?;
            let room = HandleRoom::of(channel.cast());
            let watched = uv.watch(to, room, descriptor.as_raw_fd(), on_readable);
            if watched.is_err() {
                napi_sys::napi_async_destroy(env, context);
            }
            Ok(watched.map(|handle| Self {
                uv,
                handle,
                env,
                dispatch,
                resource: this,
                context,
                hook: Cell::new(ptr::null_mut()),
            }))
        }
    }

    /// Whether it keeps the process alive.
    pub(super) fn hold(&self, alive: bool) {
        // SAFETY: the handle is watched until the environment's end, and this is its loop's thread: `LoopWatch`
        // is not `Send`.
        unsafe { self.uv.hold(self.handle, alive) };
    }

    /// The environment ends: gives the handle back. `hook` is what it waits for.
    ///
    /// # Safety
    /// Once, in the environment's hook; the channel is freed some time after.
    pub(super) unsafe fn close(&self, hook: napi_async_cleanup_hook_handle) {
        self.hook.set(hook);
        // SAFETY: by this function's contract.
        unsafe {
            napi_sys::napi_async_destroy(self.env, self.context);
            self.uv.close(self.handle, on_closed);
        }
    }

    /// Calls `dispatch(count)` as the event loop does, and submits what it gives before anything else runs: what
    /// it has left to the end of the tick is done after that.
    ///
    /// # Safety
    /// To be called by the loop, in no other call's scope.
    unsafe fn call(&self, channel: &Channel, count: u32) -> Outcome<()> {
        let env = self.env;
        let (mut this, mut dispatch) = (ptr::null_mut(), ptr::null_mut());
        let (mut scope, mut portion) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: all values are of the running environment and the out pointers live locals.
        unsafe {
            raw::scoped(env, || {
                check(napi_sys::napi_get_reference_value(
                    env,
                    self.resource,
                    &raw mut this,
                ))?;
                check(napi_sys::napi_get_reference_value(
                    env,
                    self.dispatch,
                    &raw mut dispatch,
                ))?;
                let argument = raw::number(env, count)?;
                check(napi_sys::napi_open_callback_scope(
                    env,
                    this,
                    self.context,
                    &raw mut scope,
                ))?;
                let called = check(napi_sys::napi_call_function(
                    env,
                    this,
                    dispatch,
                    1,
                    &raw const argument,
                    &raw mut portion,
                ))
                .and_then(|()| channel.submit(raw::to_u32(env, portion)?));
                if called.is_err() {
                    raw::report_exception(env);
                }
                check(napi_sys::napi_close_callback_scope(env, scope))
            })
        }
    }
}

/// The descriptor is readable: takes a turn, and dispatches what it has brought.
///
/// # Safety
/// To be called by libuv alone, on its loop's thread, with a handle that [`LoopWatch::start`] has it watch.
unsafe extern "C" fn on_readable(handle: Handle, _status: c_int, _events: c_int) {
    // SAFETY: the handle's owner is the channel, which lives until the handle is closed. Whoever watches was put
    // there before the loop could run.
    unsafe {
        let channel = &*HandleRoom::owner(handle).cast::<Channel>();
        let Some(watch) = channel.watch() else {
            return;
        };
        channel.turn(|| channel.dispatch(watch.env, |count| watch.call(channel, count)));
    }
}

/// The handle is given back: frees it and its channel, and lets the environment end.
///
/// # Safety
/// To be called by libuv alone, once, for a handle that is closed; nobody may use its channel afterwards.
unsafe extern "C" fn on_closed(handle: Handle) {
    // SAFETY: libuv is done with the handle, and nothing else refers to the channel any more.
    unsafe {
        let channel = Box::from_raw(HandleRoom::owner(handle).cast::<Channel>());
        HandleRoom::free(handle);
        // None waits for a channel that could not be opened to its end.
        if let Some(watch) = channel.watch()
            && !watch.hook.get().is_null()
        {
            napi_sys::napi_remove_async_cleanup_hook(watch.hook.get());
        }
    }
}
