//! The plain functions that JavaScript calls per batch.
#![allow(
    unsafe_code,
    reason = "Node-API is a C interface, and the buffers belong to JavaScript"
)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
};

use napi_sys::{Status, napi_callback_info, napi_env, napi_value};

use super::{
    channel::Channel,
    memory::{self, Memory},
    raw::{self, Failed, Outcome, check},
};
use crate::{
    driver::panic_message,
    exchange::{LinkId, Manner, Parcel, Slab},
};

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
        raw::define(env, object, c"submit", Some(enter::<1, Submit>), data)?;
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
        raw::define(env, object, c"pause", Some(enter::<1, Pause>), data)?;
        raw::define(env, object, c"lend", Some(enter::<2, Lend>), data)?;
        raw::define(env, object, c"slab", Some(enter::<1, OpenSlab>), data)?;
        raw::define(env, object, c"copyLent", Some(enter::<3, CopyLent>), data)?;
        raw::define(env, object, c"takeText", Some(enter::<1, TakeText>), data)?;
        raw::define(env, object, c"takeBytes", Some(enter::<2, TakeBytes>), data)?;
        raw::define(env, object, c"hold", Some(enter::<1, Hold>), data)?;
        raw::define(
            env,
            object,
            c"injectPanic",
            Some(enter::<1, InjectPanic>),
            data,
        )?;
    }
    Ok(object)
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
///
/// # Safety
/// To be called by Node-API alone, as a function that [`functions`] has defined.
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

/// `submit(portion)`: hands over the beginning of the outgoing buffer.
struct Submit;

impl Function<1> for Submit {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [portion]: [napi_value; 1],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`; JavaScript, which writes to the buffer, waits for us.
        unsafe { channel.submit(raw::to_u32(env, portion)?)? };
        Ok(ptr::null_mut())
    }
}

/// `pause(paused)`: whether JavaScript is still to dispatch the rest of a batch, and is given no other one meanwhile.
struct Pause;

impl Function<1> for Pause {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [paused]: [napi_value; 1],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`.
        channel.pause(unsafe { raw::to_bool(env, paused)? })?;
        Ok(ptr::null_mut())
    }
}

/// `submitLarge(slot, generation, class, payload)`: hands over one message that is not worth the way
/// through the outgoing buffer. Bit 8 of `class` says that it is text, bit 9 that the link is idle.
struct SubmitLarge;

impl Function<4> for SubmitLarge {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [slot, generation, class, payload]: [napi_value; 4],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`; the bytes are written or copied before JavaScript runs again.
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
        channel.keep(id, memory);
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
        let memory = channel
            .lent(id)
            .filter(|memory| offset + len <= memory.len())
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
        // SAFETY: by the contract of `Function`.
        unsafe { channel.hold(env, raw::to_bool(env, alive)?)? };
        Ok(ptr::null_mut())
    }
}

/// `injectPanic(later)`: panics, or has the next dispatch panic, as a defect in them would: for tests of what follows.
struct InjectPanic;

impl Function<1> for InjectPanic {
    unsafe fn call(
        channel: &Channel,
        env: napi_env,
        [later]: [napi_value; 1],
    ) -> Outcome<napi_value> {
        // SAFETY: by the contract of `Function`.
        if unsafe { raw::to_bool(env, later)? } {
            channel.inject_panic();
            return Ok(ptr::null_mut());
        }
        panic!("a panic was injected into a plain function");
    }
}

/// A slice that may be empty, where JavaScript gives a null pointer.
///
/// # Safety
/// `start` must be valid for `len` bytes, and nobody write them while the slice is used.
unsafe fn slice<'a>(start: *const u8, len: usize) -> &'a [u8] {
    match len {
        0 => &[],
        // SAFETY: by the caller's contract `start` is valid for `len` bytes.
        _ => unsafe { std::slice::from_raw_parts(start, len) },
    }
}
