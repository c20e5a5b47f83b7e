//! Endpoints that are Unix sockets: `unix:///run/chat.sock`.
//!
//! The grammar is that of the TypeScript side (`ts/endpoint-path.ts`).

use std::{fmt::Write, path::Path};

use super::endpoint::Shown;
use crate::error::{Code, Error, Result};

/// The path of a Unix socket, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SocketPath(String);

const SCHEME: &str = "unix";
/// What the kernel's address has room for, bytes, the final zero aside.
const MAX_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
/// What stands for itself in a URL's path besides letters and digits.
const PLAIN: &[u8] = b"-_.!~*'();/:@&=+$,";

impl SocketPath {
    /// `None` for an endpoint of another kind.
    pub(super) fn parse(text: &str) -> Option<Result<Self>> {
        let (scheme, rest) = text.split_once("://")?;
        scheme.eq_ignore_ascii_case(SCHEME).then(|| {
            let refused = |why| {
                let context = format!("endpoint {}: {why}", Shown(text));
                Error::new(Code::EndpointInvalid, context)
            };
            path_of(rest).map(Self).map_err(refused)
        })
    }

    /// The endpoint, as it is parsed.
    pub(super) fn url(&self) -> String {
        let mut url = format!("{SCHEME}://");
        for byte in self.0.bytes() {
            match byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
                true => url.push(byte.into()),
                // Writing to a string cannot fail.
                false => drop(write!(url, "%{byte:02X}")),
            }
        }
        url
    }

    pub(super) fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

fn path_of(rest: &str) -> std::result::Result<String, &'static str> {
    if !rest.starts_with('/') {
        return Err(
            "a unix endpoint is a whole path behind three slashes, as in unix:///run/chat.sock",
        );
    }
    if rest.contains(['?', '#']) {
        return Err(
            "a unix endpoint has no query or fragment; in a path write %3F for ? and %23 for #",
        );
    }
    let path = decoded(rest)
        .ok_or("what follows a % in the path are not two hexadecimal digits of UTF-8")?;
    if path.ends_with('/') {
        return Err("the path names a directory, not a socket in it");
    }
    if path.contains('\0') {
        return Err("a path has no NUL");
    }
    match path.len() <= MAX_PATH {
        true => Ok(path),
        false => Err("the path is longer than the system takes for a socket"),
    }
}

/// A path as its bytes are, without escapes.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, behind) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => ((digit(*high)? << 4) | digit(*low)?, behind),
            (b'%', _) => return None,
            _ => (first, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}
