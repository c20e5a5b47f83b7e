//! What threads meet by: the standard library's, and in the model tests (the feature `model`) what looks the same and is
//! shuttle's, which lets another thread go on at every use of it.

#[cfg(all(test, feature = "model"))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
#[cfg(not(all(test, feature = "model")))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};
