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

    /// Calls `dispatch(count)` as the event loop does: what it leaves to the end of the tick is done after it.
    ///
    /// # Safety
    /// To be called by the loop, in no other call's scope.
    unsafe fn call(&self, count: u32) -> Outcome<()> {
        let (mut this, mut dispatch) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: all values are of the running environment and the out pointers live locals.
        unsafe {
            raw::scoped(self.env, || {
                let env = self.env;
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
                check(napi_sys::napi_make_callback(
                    env,
                    self.context,
                    this,
                    dispatch,
                    1,
                    &raw const argument,
                    ptr::null_mut(),
                ))
            })
        }
    }
}

unsafe extern "C" fn on_readable(handle: Handle, _status: c_int, _events: c_int) {
    // SAFETY: the handle's owner is the channel, which lives until the handle is closed. Whoever watches was put
    // there before the loop could run.
    unsafe {
        let channel = &*HandleRoom::owner(handle).cast::<Channel>();
        let Some(watch) = channel.watch() else {
            return;
        };
        channel.turn();
        let env = watch.env;
        // An exception that is reported is a value of some scope.
        let _ = raw::scoped(env, || {
            channel.dispatch(env, |count| watch.call(count));
            Ok(())
        });
    }
}

unsafe extern "C" fn on_closed(handle: Handle) {
    // SAFETY: libuv is done with the handle, and nothing else refers to the channel any more.
    unsafe {
        let channel = Box::from_raw(HandleRoom::owner(handle).cast::<Channel>());
        HandleRoom::free(handle);
        if let Some(watch) = channel.watch() {
            napi_sys::napi_remove_async_cleanup_hook(watch.hook.get());
        }
    }
}
