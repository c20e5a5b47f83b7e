//! Plain Node-API calls with the checks in one place.
#![allow(unsafe_code, reason = "Node-API is a C interface")]

use std::{ffi::c_void, ptr};

use napi_sys::{Status, napi_callback_info, napi_env, napi_ref, napi_value};

/// A Node-API call that did not succeed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed(pub i32);

pub(super) type Outcome<T> = Result<T, Failed>;

/// Turns a status into an outcome.
pub(super) fn check(status: napi_sys::napi_status) -> Outcome<()> {
    match status {
        Status::napi_ok => Ok(()),
        other => Err(Failed(other)),
    }
}

/// The arguments of a call, and the pointer its function was made with.
///
/// # Safety
/// `env` and `info` must be those of the running callback.
pub(super) unsafe fn arguments<const N: usize>(
    env: napi_env,
    info: napi_callback_info,
) -> Outcome<([napi_value; N], *mut c_void)> {
    let mut values = [ptr::null_mut(); N];
    let mut count = N;
    let mut data = ptr::null_mut();
    // SAFETY: `values` has room for `count` values, and the other pointers are live locals.
    check(unsafe {
        napi_sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            values.as_mut_ptr(),
            ptr::null_mut(),
            &raw mut data,
        )
    })?;
    Ok((values, data))
}

/// # Safety
/// `env` must be the running environment and `value` a value of it; so for the functions below.
pub(super) unsafe fn to_u32(env: napi_env, value: napi_value) -> Outcome<u32> {
    let mut number = 0;
    // SAFETY: by this function's contract; `number` is a live local.
    check(unsafe { napi_sys::napi_get_value_uint32(env, value, &raw mut number) })?;
    Ok(number)
}

/// # Safety
/// As for [`to_u32`].
pub(super) unsafe fn to_bool(env: napi_env, value: napi_value) -> Outcome<bool> {
    let mut truth = false;
    // SAFETY: by this function's contract; `truth` is a live local.
    check(unsafe { napi_sys::napi_get_value_bool(env, value, &raw mut truth) })?;
    Ok(truth)
}

/// Where an `ArrayBuffer` lies. The span stays valid while the value is reachable from JavaScript.
///
/// # Safety
/// As for [`to_u32`].
pub(super) unsafe fn array_buffer(env: napi_env, value: napi_value) -> Outcome<(*mut u8, usize)> {
    let mut start = ptr::null_mut();
    let mut len = 0;
    // SAFETY: by this function's contract; both out pointers are live locals.
    check(unsafe {
        napi_sys::napi_get_arraybuffer_info(env, value, &raw mut start, &raw mut len)
    })?;
    Ok((start.cast(), len))
}

/// Where the bytes of a `Uint8Array` lie, for the length of the call.
///
/// # Safety
/// As for [`to_u32`].
pub(super) unsafe fn bytes(env: napi_env, value: napi_value) -> Outcome<(*mut u8, usize)> {
    let mut kind = 0;
    let mut len = 0;
    let mut start = ptr::null_mut();
    // SAFETY: by this function's contract; the out pointers are live locals or null where allowed.
    check(unsafe {
        napi_sys::napi_get_typedarray_info(
            env,
            value,
            &raw mut kind,
            &raw mut len,
            &raw mut start,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    })?;
    match kind {
        napi_sys::TypedarrayType::uint8_array => Ok((start.cast(), len)),
        _ => Err(Failed(Status::napi_invalid_arg)),
    }
}

/// # Safety
/// As for [`to_u32`].
pub(super) unsafe fn string(env: napi_env, text: &str) -> Outcome<napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: by this function's contract; the text is valid for its length.
    check(unsafe {
        napi_sys::napi_create_string_utf8(
            env,
            text.as_ptr().cast(),
            text.len() as isize,
            &raw mut value,
        )
    })?;
    Ok(value)
}

/// # Safety
/// As for [`to_u32`].
pub(super) unsafe fn number(env: napi_env, number: u32) -> Outcome<napi_value> {
    let mut value = ptr::null_mut();
    // SAFETY: by this function's contract; the out pointer is a live local.
    check(unsafe { napi_sys::napi_create_uint32(env, number, &raw mut value) })?;
    Ok(value)
}

/// Keeps a value alive until the environment ends.
///
/// # Safety
/// As for [`to_u32`].
pub(super) unsafe fn keep(env: napi_env, value: napi_value) -> Outcome<napi_ref> {
    let mut reference = ptr::null_mut();
    // SAFETY: by this function's contract; `reference` is a live local.
    check(unsafe { napi_sys::napi_create_reference(env, value, 1, &raw mut reference) })?;
    Ok(reference)
}

/// Puts a native function with `data` onto `object`.
///
/// # Safety
/// As for [`to_u32`]; `data` must outlive the environment's last call.
pub(super) unsafe fn define(
    env: napi_env,
    object: napi_value,
    name: &std::ffi::CStr,
    callback: napi_sys::napi_callback,
    data: *mut c_void,
) -> Outcome<()> {
    let mut function = ptr::null_mut();
    // SAFETY: by this function's contract; the name is NUL-terminated and its length given.
    unsafe {
        check(napi_sys::napi_create_function(
            env,
            name.as_ptr(),
            name.count_bytes() as isize,
            callback,
            data,
            &raw mut function,
        ))?;
        check(napi_sys::napi_set_named_property(
            env,
            object,
            name.as_ptr(),
            function,
        ))
    }
}

/// Throws a JavaScript error, unless one is already on its way.
///
/// # Safety
/// `env` must be the running environment.
pub(super) unsafe fn throw(env: napi_env, code: &std::ffi::CStr, text: &str) {
    let Ok(text) = std::ffi::CString::new(text.replace('\0', " ")) else {
        return;
    };
    // SAFETY: both strings are NUL-terminated. A failure means that an exception is pending already.
    unsafe { napi_sys::napi_throw_error(env, code.as_ptr(), text.as_ptr()) };
}

/// Hands an exception that a callback left behind to the process, as an uncaught one.
///
/// # Safety
/// `env` must be the running environment.
pub(super) unsafe fn report_exception(env: napi_env) {
    let mut pending = false;
    let mut error = ptr::null_mut();
    // SAFETY: by this function's contract; the out pointers are live locals.
    unsafe {
        napi_sys::napi_is_exception_pending(env, &raw mut pending);
        if pending
            && napi_sys::napi_get_and_clear_last_exception(env, &raw mut error) == Status::napi_ok
        {
            napi_sys::napi_fatal_exception(env, error);
        }
    }
}
