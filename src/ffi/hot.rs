//! The hot path: the functions that JavaScript calls per batch, and the wake that calls JavaScript.
#![allow(
    unsafe_code,
    reason = "Node-API is a C interface, and the buffers belong to JavaScript"
)]

use std::{
    cell::RefCell,
    collections::VecDeque,
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::{Arc, OnceLock},
};

use napi_sys::{Status, napi_callback_info, napi_env, napi_threadsafe_function, napi_value};

use super::{
    memory::{self, Memory},
    raw::{self, Failed, Outcome, check},
};
use crate::{
    driver::{IoThread, panic_message},
    error::Result,
    exchange::{Core, Counters, Descriptor, Holdings, LinkId, Manner, Parcel, Slab},
};

/// Events handled in one wake before Node's loop has its turn: some hundred microseconds of work.
const EVENTS_PER_WAKE: usize = 4 * 1024;

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

/// An object with the functions of `channel`.
///
/// # Safety
/// `env` must be the running environment and `channel` one that [`open`] gave in it.
pub(super) unsafe fn functions(env: napi_env, channel: *mut Channel) -> Outcome<napi_value> {
    let mut object = ptr::null_mut();
    let data = channel.cast();
    // SAFETY: by this function's contract; the channel outlives every call of the functions.
    unsafe {
        check(napi_sys::napi_create_object(env, &raw mut object))?;
        raw::define(env, object, c"submit", Some(enter::<2, Submit>), data)?;
        raw::define(
            env,
            object,
            c"submitLarge",
            Some(enter::<4, SubmitLarge>),
            data,
        )?;
        raw::define(
            env,
            object,
            c"submitFanOut",
            Some(enter::<3, SubmitFanOut>),
            data,
        )?;
        raw::define(env, object, c"lend", Some(enter::<2, Lend>), data)?;
        raw::define(env, object, c"slab", Some(enter::<1, OpenSlab>), data)?;
        raw::define(env, object, c"copyLent", Some(enter::<3, CopyLent>), data)?;
        raw::define(env, object, c"takeText", Some(enter::<1, TakeText>), data)?;
        raw::define(env, object, c"takeBytes", Some(enter::<2, TakeBytes>), data)?;
        raw::define(env, object, c"hold", Some(enter::<1, Hold>), data)?;
    }
    Ok(object)
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
    fn core(&self) -> Outcome<&Arc<Core<IoThread>>> {
        self.core.get().ok_or(Failed(Status::napi_generic_failure))
    }

    /// The memory lent as slab `id`; what was lent before it is owned no longer.
    fn open(&self, id: u32) -> Option<Arc<Memory>> {
        let mut lent = self.lent.borrow_mut();
        let at = lent.iter().position(|(other, _)| *other == id)?;
        lent.drain(..at);
        lent.front().map(|(_, memory)| Arc::clone(memory))
    }

    unsafe fn dispatch(&self, env: napi_env, dispatch: napi_value) {
        let Some(core) = self.core.get() else {
            return;
        };
        let mut handled = 0;
        while handled < EVENTS_PER_WAKE {
            // SAFETY: the buffer is kept by a reference; JavaScript reads it only inside the call below.
            let incoming =
                unsafe { std::slice::from_raw_parts_mut(self.incoming, self.incoming_len) };
            let count = core.take(incoming);
            if count == 0 {
                return;
            }
            handled += count;
            // SAFETY: the environment is the running one.
            if unsafe { call(env, dispatch, count as u32) }.is_err() {
                // SAFETY: as above.
                unsafe { raw::report_exception(env) };
            }
        }
        core.wake_again();
    }
}

/// Calls `function(count)` in a scope of its own.
unsafe fn call(env: napi_env, function: napi_value, count: u32) -> Outcome<()> {
    let mut scope = ptr::null_mut();
    let (mut undefined, mut argument) = (ptr::null_mut(), ptr::null_mut());
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
                    ptr::null_mut(),
                ))
            });
        napi_sys::napi_close_handle_scope(env, scope);
        called
    }
}

/// One of the plain functions.
trait Function<const N: usize> {
    /// # Safety
    /// `env` must be the running environment and the arguments its values.
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        arguments: [napi_value; N],
    ) -> Outcome<napi_value>;
}

/// Where JavaScript enters: nothing unwinds out of here.
unsafe extern "C" fn enter<const N: usize, F: Function<N>>(
    env: napi_env,
    info: napi_callback_info,
) -> napi_value {
    let result = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: env and info are those of this callback, and the data is the function's channel.
        unsafe {
            let (arguments, data) = raw::arguments::<N>(env, info)?;
            F::call(&*data.cast::<Channel>(), env, arguments)
        }
    }));
    match result {
        Ok(Ok(value)) => return value,
        // SAFETY: env is that of this callback.
        Ok(Err(Failed(status))) => unsafe {
            raw::throw(
                env,
                c"ERR_QW_INTERNAL",
                &format!("Node-API status {status}"),
            );
        },
        // SAFETY: as above.
        Err(panic) => unsafe { raw::throw(env, c"ERR_QW_INTERNAL", panic_message(&*panic)) },
    }
    ptr::null_mut()
}

/// `submit(length, direct)`: hands over that many bytes of the outgoing buffer.
struct Submit;

impl Function<2> for Submit {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [length, direct]: [napi_value; 2],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`; the length is cut to the buffer's.
        let bytes = unsafe {
            let length = (raw::to_u32(env, length)? as usize).min(channel.outgoing_len);
            std::slice::from_raw_parts(channel.outgoing, length)
        };
        // SAFETY: by the contract of `Function`.
        channel
            .core()?
            .submit(bytes, unsafe { raw::to_bool(env, direct)? });
        Ok(ptr::null_mut())
    }
}

/// `submitLarge(slot, generation, class, payload)`: hands over one message that is not worth the way
/// through the outgoing buffer. Bit 8 of `class` says that it is text.
struct SubmitLarge;

impl Function<4> for SubmitLarge {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [slot, generation, class, payload]: [napi_value; 4],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`; the bytes are copied before JavaScript runs again.
        unsafe {
            let to = LinkId {
                slot: raw::to_u32(env, slot)?,
                generation: raw::to_u32(env, generation)?,
            };
            let (start, len) = raw::bytes(env, payload)?;
            let class = raw::to_u32(env, class)?;
            channel
                .core()?
                .submit_large(to, Manner::from(class), slice(start, len));
        }
        Ok(ptr::null_mut())
    }
}

/// `submitFanOut(class, payload, targets)`: hands over one large message for many links; `targets` has
/// the bytes of slot and generation of each.
struct SubmitFanOut;

impl Function<3> for SubmitFanOut {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [class, payload, targets]: [napi_value; 3],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`; the bytes are copied before JavaScript runs again.
        unsafe {
            let (payload, length) = raw::bytes(env, payload)?;
            let (targets, count) = raw::bytes(env, targets)?;
            let manner = Manner::from(raw::to_u32(env, class)?);
            channel
                .core()?
                .submit_fan_out(manner, slice(payload, length), slice(targets, count));
        }
        Ok(ptr::null_mut())
    }
}

/// `lend(id, bytes)`: gives the I/O side memory to read into.
struct Lend;

impl Function<2> for Lend {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [id, bytes]: [napi_value; 2],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`.
        let (id, len) = unsafe { (raw::to_u32(env, id)?, raw::to_u32(env, bytes)?) };
        let memory = Memory::of(len as usize);
        // SAFETY: the memory is initialised at birth and does not move. The channel owns it until the I/O side
        // has moved on or, as the channel outlives the I/O thread, has ended, whatever JavaScript does with
        // its buffer meanwhile; there it is only read below what descriptors announce.
        let slab = unsafe { Slab::new(id, memory.start(), memory.len()) };
        channel.lent.borrow_mut().push_back((id, memory));
        channel.core()?.lend(slab);
        Ok(ptr::null_mut())
    }
}

/// `slab(id)`: an `ArrayBuffer` of memory that is lent, not before JavaScript needs it: what lives long is freed
/// late. What was lent before is given up: an event said that the I/O side has moved on.
struct OpenSlab;

impl Function<1> for OpenSlab {
    unsafe fn call(channel: &Channel, env: napi_env, [id]: [napi_value; 1]) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`.
        let id = unsafe { raw::to_u32(env, id)? };
        let memory = channel.open(id).ok_or(Failed(Status::napi_invalid_arg))?;
        // SAFETY: as above.
        unsafe { memory::array_buffer(env, memory) }
    }
}

/// `copyLent(id, offset, target)`: copies from memory that is lent, or was last. For messages whose
/// `ArrayBuffer` has lost its memory to a transfer.
struct CopyLent;

impl Function<3> for CopyLent {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [id, offset, target]: [napi_value; 3],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`.
        let (id, offset, (to, len)) = unsafe {
            (
                raw::to_u32(env, id)?,
                raw::to_u32(env, offset)? as usize,
                raw::bytes(env, target)?,
            )
        };
        let lent = channel.lent.borrow();
        let (_, memory) = lent
            .iter()
            .find(|(other, memory)| *other == id && offset + len <= memory.len())
            .ok_or(Failed(Status::napi_invalid_arg))?;
        // SAFETY: the span lies within the memory, was announced and is therefore not written any more; the
        // target is another allocation.
        unsafe { ptr::copy(memory.start().add(offset), to, len) };
        Ok(ptr::null_mut())
    }
}

/// `takeText(ticket)`: the text of a parcel, or undefined.
struct TakeText;

impl Function<1> for TakeText {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [ticket]: [napi_value; 1],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`.
        let ticket = unsafe { raw::to_u32(env, ticket)? };
        match channel.core()?.parcel(ticket) {
            // SAFETY: as above.
            Some(Parcel::Text(text)) => unsafe { raw::string(env, &text) },
            _ => Ok(ptr::null_mut()),
        }
    }
}

/// `takeBytes(ticket, target)`: copies the bytes of a parcel to a `Uint8Array` of their length.
struct TakeBytes;

impl Function<2> for TakeBytes {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [ticket, target]: [napi_value; 2],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`.
        let (ticket, (start, len)) =
            unsafe { (raw::to_u32(env, ticket)?, raw::bytes(env, target)?) };
        match channel.core()?.parcel(ticket) {
            Some(Parcel::Bytes(bytes)) if bytes.len() == len => {
                // SAFETY: both spans are `len` bytes, and one was just allocated by either side.
                unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), start, len) };
                Ok(ptr::null_mut())
            }
            _ => Err(Failed(Status::napi_invalid_arg)),
        }
    }
}

/// `hold(alive)`: whether the exchange keeps the process alive.
struct Hold;

impl Function<1> for Hold {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [alive]: [napi_value; 1],
    ) -> Outcome<napi_value> {
        let wake = channel
            .wake
            .get()
            .ok_or(Failed(Status::napi_generic_failure))?;
        // SAFETY: by the contract of `Function`; the threadsafe function lives as long as its channel.
        unsafe {
            check(match raw::to_bool(env, alive)? {
                true => napi_sys::napi_ref_threadsafe_function(env, wake.0),
                false => napi_sys::napi_unref_threadsafe_function(env, wake.0),
            })?;
        }
        Ok(ptr::null_mut())
    }
}

/// A slice that may be empty, where JavaScript gives a null pointer.
unsafe fn slice<'a>(start: *const u8, len: usize) -> &'a [u8] {
    match len {
        0 => &[],
        // SAFETY: by the caller's contract `start` is valid for `len` bytes.
        _ => unsafe { std::slice::from_raw_parts(start, len) },
    }
}
