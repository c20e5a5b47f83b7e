//! Messaging transport.
#[allow(dead_code)]
mod driver;
pub mod error;
pub mod frame;
pub mod link;
#[allow(dead_code)]
mod exchange;
mod socket;

#[cfg(feature = "addon")]
mod ffi;
