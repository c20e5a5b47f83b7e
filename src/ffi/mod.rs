//! The Node addon: the only code here that knows Node-API.
//!
//! Control plane: classes made by napi-rs ([`core`], [`server`], [`client`]). Hot path: a few plain
//! functions ([`functions`]) and one threadsafe function ([`channel`]), because a class method costs eight times a plain
//! function and a `Buffer` made here twenty times a view made in JavaScript. Errors cross as data;
//! TypeScript makes the typed error.

#![cfg_attr(
    test,
    allow(dead_code, reason = "exports are only registered outside of tests")
)]

mod channel;
mod client;
mod core;
mod fault;
mod functions;
mod io_memory;
mod log;
#[cfg(target_os = "linux")]
mod loop_watch;
mod memory;
mod raw;
mod server;
mod spec;
mod thread_wake;
mod tls;
#[cfg(target_os = "linux")]
mod uv;

use napi_derive::napi;

/// What both sides of the boundary agree on: the layout of descriptors and batches, and the names here.
/// It changes when either does; the loader refuses an addon with another number.
const SEAM_VERSION: u32 = 9;

/// The version of the boundary that this addon speaks.
#[napi(catch_unwind)]
pub fn seam_version() -> u32 {
    SEAM_VERSION
}

/// The version of the crate the addon was built from.
#[napi(catch_unwind)]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
