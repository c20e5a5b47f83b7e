//! What the I/O threads of one environment hold together, as JavaScript holds it.
#![allow(unsafe_code, reason = "the buffer belongs to JavaScript")]

use std::sync::Arc;

use napi::bindgen_prelude::ArrayBuffer;
use napi::{Env, JsValue};
use napi_derive::napi;
use napi_sys::Status;

use super::{
    core::refused,
    raw::{self, Failed, Outcome},
};
use crate::{driver::STUCK, exchange::Holdings};

/// The memory that all I/O threads of one environment account for.
#[napi]
pub struct IoMemory {
    holdings: Arc<Holdings>,
}

#[napi]
impl IoMemory {
    /// `kept`: a zeroed word, in which JavaScript says how many bytes of delivered messages it keeps
    /// back for links that are paused.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, kept: ArrayBuffer) -> napi::Result<Self> {
        // SAFETY: the environment runs this constructor, and the value is its argument.
        let holdings = unsafe { holdings(env.raw(), kept.value().value) }.map_err(refused)?;
        Ok(Self {
            holdings: Arc::new(holdings),
        })
    }

    pub(super) fn holdings(&self) -> Arc<Holdings> {
        Arc::clone(&self.holdings)
    }
}

/// # Safety
/// `env` must be the running environment and the value its own.
unsafe fn holdings(env: napi_sys::napi_env, kept: napi_sys::napi_value) -> Outcome<Holdings> {
    // SAFETY: by this function's contract. The reference keeps the word where it is until the environment
    // ends, and all I/O threads are stopped before.
    unsafe {
        let (start, len) = raw::array_buffer(env, kept)?;
        if len < size_of::<u32>() {
            return Err(Failed(Status::napi_invalid_arg));
        }
        raw::keep(env, kept)?;
        Ok(Holdings::new(start.cast(), STUCK))
    }
}
