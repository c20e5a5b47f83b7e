//! Errors as data.

use napi_derive::napi;

use crate::error::Error;

/// A failure as it crosses: TypeScript makes the typed error of it.
#[napi(object)]
pub struct Fault {
    /// A code of the table that both languages share.
    pub code: String,
    /// What was being done.
    pub context: String,
    /// The operating system's error number, where it is the cause.
    pub os: Option<i32>,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self {
            code: error.code().as_str().to_owned(),
            context: error.context().to_owned(),
            os: error.os_code(),
        }
    }
}
