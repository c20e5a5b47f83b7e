//! What an exchange has in a JavaScript environment.
#![allow(
    unsafe_code,
    reason = "Node-API is a C interface, and the buffers belong to JavaScript"
)]

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

#[cfg(target_os = "linux")]
use napi_sys::napi_async_cleanup_hook_handle;
use napi_sys::{Status, napi_env, napi_value};

#[cfg(target_os = "linux")]
use super::{loop_watch::LoopWatch, uv::Uv};
use super::{
    memory::Memory,
    raw::{self, Failed, Outcome, check},
    thread_wake::ThreadWake,
};
#[cfg(target_os = "linux")]
use crate::driver::{Bell, Inline};
#[cfg(not(target_os = "linux"))]
use crate::error::{Code, Error};
use crate::{
    driver::{Io, IoThread, panic_message},
    error::Result,
    exchange::{Core, Counters, Descriptor, Holdings},
};

/// Everything one exchange has in one JavaScript environment. Lives until nothing of the environment calls any more.
pub(super) struct Channel {
    core: OnceLock<Arc<Core<Io>>>,
    attention: OnceLock<Attention>,
    incoming: *mut Descriptor,
    incoming_len: usize,
    outgoing: *const u8,
    outgoing_len: usize,
    /// The memory that the I/O side may write to and that messages still to be dispatched lie in, oldest
    /// first. Only the JavaScript thread has to do with it.
    lent: RefCell<VecDeque<(u32, Arc<Memory>)>>,
    /// JavaScript dispatches the rest of a batch in a later turn of its loop: until then there is no other one.
    is_paused: Cell<bool>,
    /// By a test, of the next dispatch.
    panic_asked: Cell<bool>,
}

/// How JavaScript is got to look for events.
enum Attention {
    /// By an I/O thread.
    Wake(ThreadWake),
    /// By its event loop, which takes the turns.
    #[cfg(target_os = "linux")]
    Watch(LoopWatch),
}

/// Who serves the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Thread,
    Inline,
}

/// The buffers that JavaScript shares with one exchange, and the function it wants called.
pub(super) struct Shared {
    pub counters: napi_value,
    pub incoming: napi_value,
    pub outgoing: napi_value,
    pub dispatch: napi_value,
}

/// An exchange and its channel.
pub(super) type Opened = (Arc<Core<Io>>, *mut Channel);

/// Starts an exchange in this environment.
///
/// # Safety
/// `env` must be the running environment and the values its own.
pub(super) unsafe fn open(
    env: napi_env,
    kind: Kind,
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
        let channel = Channel {
            core: OnceLock::new(),
            attention: OnceLock::new(),
            incoming: incoming.cast(),
            incoming_len: incoming_len / size_of::<Descriptor>(),
            outgoing: outgoing.cast_const(),
            outgoing_len,
            lent: RefCell::default(),
            is_paused: Cell::new(false),
            panic_asked: Cell::new(false),
        };
        match kind {
            Kind::Thread => channel.on_thread(env, shared.dispatch, counters),
            Kind::Inline => channel.inline(env, shared.dispatch, counters),
        }
    }
}

/// The environment ends: no thread may touch its memory afterwards.
///
/// # Safety
/// To be called by Node-API alone, as the clean-up hook of `channel`, which is not freed yet.
unsafe extern "C" fn on_env_end(channel: *mut c_void) {
    // SAFETY: the hook runs before the channel's finaliser.
    let channel = unsafe { &*channel.cast::<Channel>() };
    channel.stop();
}

/// The same where the event loop has a handle, which it must get back before it ends.
///
/// # Safety
/// As for [`on_env_end`], or once in its place, with no hook, where none could be set; the channel is freed some time after.
#[cfg(target_os = "linux")]
unsafe extern "C" fn on_env_end_watched(
    hook: napi_async_cleanup_hook_handle,
    channel: *mut c_void,
) {
    // SAFETY: the channel is freed when the handle is closed, which begins here.
    unsafe {
        let channel = &*channel.cast::<Channel>();
        channel.stop();
        if let Some(watch) = channel.watch() {
            watch.close(hook);
        }
    }
}

impl Channel {
    /// Starts an I/O thread.
    ///
    /// # Safety
    /// As for [`open`].
    unsafe fn on_thread(
        self,
        env: napi_env,
        dispatch: napi_value,
        counters: Counters,
    ) -> Outcome<Result<Opened>> {
        let channel = Box::into_raw(Box::new(self));
        // SAFETY: by this function's contract; the threadsafe function frees the channel.
        unsafe {
            let wake = ThreadWake::new(env, dispatch, channel)?;
            let _ = (*channel).attention.set(Attention::Wake(wake));
            let start = |host| IoThread::start(host).map(Io::Thread);
            let core = match Core::start(counters, move || wake.call(), start) {
                Ok(core) => core,
                Err(error) => {
                    wake.release();
                    return Ok(Err(error));
                }
            };
            let _ = (*channel).core.set(Arc::clone(&core));
            // After the threadsafe function, so that it runs before that one's own clean-up.
            let hooked = check(napi_sys::napi_add_env_cleanup_hook(
                env,
                Some(on_env_end),
                channel.cast(),
            ));
            if hooked.is_err() {
                core.stop();
                wake.release();
            }
            hooked.map(|()| Ok((core, channel)))
        }
    }

    /// Has the event loop serve the sockets.
    ///
    /// # Safety
    /// As for [`open`].
    #[cfg(target_os = "linux")]
    unsafe fn inline(
        self,
        env: napi_env,
        dispatch: napi_value,
        counters: Counters,
    ) -> Outcome<Result<Opened>> {
        let started = Uv::load().and_then(|uv| {
            let bell = Bell::new()?;
            let wake = Arc::clone(&bell);
            let start = |host| Inline::start(host, bell).map(Io::Inline);
            let core = Core::start(counters, move || wake.call_consumer(), start)?;
            Ok((uv, core))
        });
        let (uv, core) = match started {
            Ok(started) => started,
            Err(error) => return Ok(Err(error)),
        };
        let _ = self.core.set(Arc::clone(&core));
        let channel = Box::into_raw(Box::new(self));
        let Io::Inline(poller) = core.poller() else {
            return Err(Failed(Status::napi_generic_failure));
        };
        // SAFETY: by this function's contract; the channel is freed when its handle is closed, or here.
        unsafe {
            let watched = LoopWatch::start(env, uv, poller.descriptor(), dispatch, channel);
            match watched {
                Ok(Ok(watch)) => drop((*channel).attention.set(Attention::Watch(watch))),
                Ok(Err(error)) => {
                    Box::from_raw(channel).stop();
                    return Ok(Err(error));
                }
                Err(failed) => {
                    Box::from_raw(channel).stop();
                    return Err(failed);
                }
            }
            let hooked = check(napi_sys::napi_add_async_cleanup_hook(
                env,
                Some(on_env_end_watched),
                channel.cast(),
                std::ptr::null_mut(),
            ));
            if hooked.is_err() {
                // Nothing else would end it. Its owner has not heard of the channel, which is freed some time after.
                on_env_end_watched(std::ptr::null_mut(), channel.cast());
            }
            hooked.map(|()| Ok((core, channel)))
        }
    }

    /// Inline I/O is Linux's alone.
    ///
    /// # Safety
    /// As for [`open`], of which nothing is used.
    #[cfg(not(target_os = "linux"))]
    unsafe fn inline(self, _: napi_env, _: napi_value, _: Counters) -> Outcome<Result<Opened>> {
        let why = "inline I/O needs epoll, which this platform does not have";
        Ok(Err(Error::new(Code::OptionUnsupported, why)))
    }

    /// No thread touches this environment's memory afterwards.
    fn stop(&self) {
        if let Some(core) = self.core.get() {
            // A panic must not cross into C; one in here leaves the thread to the process's end.
            let _ = catch_unwind(AssertUnwindSafe(|| core.stop()));
        }
    }

    /// What watches for turns, of inline I/O.
    #[cfg(target_os = "linux")]
    pub(super) fn watch(&self) -> Option<&LoopWatch> {
        match self.attention.get() {
            Some(Attention::Watch(watch)) => Some(watch),
            _ => None,
        }
    }

    /// Takes a turn, of inline I/O, which has `dispatch` look for events.
    #[cfg(target_os = "linux")]
    pub(super) fn turn(&self, dispatch: impl FnMut()) {
        if let Some(core) = self.core.get()
            && let Io::Inline(poller) = core.poller()
        {
            poller.turn(dispatch);
        }
    }

    pub(super) fn core(&self) -> Outcome<&Arc<Core<Io>>> {
        self.core.get().ok_or(Failed(Status::napi_generic_failure))
    }

    /// Hands over the beginning of the outgoing buffer. `portion` is its length, twice, and one more for what is
    /// one run for one link and may be written at once.
    ///
    /// # Safety
    /// JavaScript, which writes to the buffer, must wait for it.
    pub(super) unsafe fn submit(&self, portion: u32) -> Outcome<()> {
        let length = (portion >> 1) as usize;
        // SAFETY: the buffer is kept by a reference; nobody writes by this function's contract.
        let bytes =
            unsafe { std::slice::from_raw_parts(self.outgoing, length.min(self.outgoing_len)) };
        self.core()?.submit(bytes, portion & 1 == 1);
        Ok(())
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
        match self.attention.get() {
            // SAFETY: by this function's contract.
            Some(Attention::Wake(wake)) => unsafe { wake.hold(env, alive) },
            #[cfg(target_os = "linux")]
            Some(Attention::Watch(watch)) => {
                watch.hold(alive);
                Ok(())
            }
            None => Err(Failed(Status::napi_generic_failure)),
        }
    }

    /// Whether the buffer still has events that JavaScript is to dispatch: there is no other batch until it has.
    pub(super) fn pause(&self, paused: bool) -> Outcome<()> {
        self.is_paused.set(paused);
        if !paused {
            self.core()?.go_on();
        }
        Ok(())
    }

    /// Has the next dispatch panic, as a defect in it would: for tests of what follows.
    pub(super) fn inject_panic(&self) {
        self.panic_asked.set(true);
    }

    /// Takes one batch of events and has `call` dispatch it. Ticks and promise jobs have their turn behind it: what
    /// there is besides is for another call. Nothing unwinds out of here.
    ///
    /// # Safety
    /// `env` must be the running environment.
    pub(super) unsafe fn dispatch(&self, env: napi_env, call: impl Fn(u32) -> Outcome<()>) {
        // SAFETY: by this function's contract.
        let result = catch_unwind(AssertUnwindSafe(|| unsafe { self.try_dispatch(env, call) }));
        if let Err(panic) = result {
            // SAFETY: as above. libuv, which calls inline, has opened no scope.
            unsafe {
                let _ = raw::scoped(env, || {
                    raw::throw(env, c"ERR_QW_INTERNAL", panic_message(&*panic));
                    Ok(())
                });
                raw::report_exception(env);
            }
        }
    }

    /// # Safety
    /// As for [`dispatch`](Self::dispatch).
    unsafe fn try_dispatch(&self, env: napi_env, call: impl Fn(u32) -> Outcome<()>) {
        if self.panic_asked.take() {
            panic!("a panic was injected into a dispatch");
        }
        // The event loop watches inline I/O all the same, whose sockets are served meanwhile.
        if self.is_paused.get() {
            return;
        }
        let Some(core) = self.core.get() else {
            return;
        };
        // SAFETY: the buffer is kept by a reference; JavaScript reads it inside the call below, and while it has paused.
        let incoming = unsafe { std::slice::from_raw_parts_mut(self.incoming, self.incoming_len) };
        let count = core.take(incoming);
        if count == 0 {
            return;
        }
        if call(count as u32).is_err() {
            // SAFETY: the environment is the running one.
            unsafe { raw::report_exception(env) };
        }
        // To be called again would not end the turn: Node goes on with calls that come meanwhile.
        if !self.is_paused.get() {
            core.go_on();
        }
    }
}
