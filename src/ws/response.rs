//! What a server answers (RFC 6455 §4.2.2): 101, or why not.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    headers::{invalid, is_token, is_value, write, write_extra},
    request::RequestHead,
};
use crate::error::Result;

/// What is appended to the key before it is hashed (§1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` for a key.
pub(super) fn accept_key(key: &str) -> String {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(key.as_bytes());
    hash.update(GUID);
    STANDARD.encode(hash.digest().bytes())
}

/// The answer that upgrades: with one of the subprotocols offered, the value of
/// `Sec-WebSocket-Extensions`, and headers of the user's.
///
/// # Errors
/// `OptionInvalid` for a subprotocol that was not offered and for headers that must not be set.
pub fn upgrade(
    request: &RequestHead,
    protocol: Option<&str>,
    extensions: Option<&str>,
    extra: &[(&str, &[u8])],
) -> Result<Vec<u8>> {
    if let Some(protocol) = protocol
        && !request.protocols.iter().any(|offered| offered == protocol)
    {
        return Err(invalid(format!(
            "the subprotocol {protocol:?} was not offered"
        )));
    }
    let mut answer = switching(&request.key, protocol, extensions);
    write_extra(&mut answer, extra)?;
    answer.extend_from_slice(b"\r\n");
    Ok(answer)
}

/// The same answer where somebody else has read and checked the request, of which this is the key.
///
/// # Errors
/// `OptionInvalid` for a key or subprotocol that cannot stand in a header.
pub(crate) fn upgrade_by_key(
    key: &str,
    protocol: Option<&str>,
    extensions: Option<&str>,
) -> Result<Vec<u8>> {
    if !is_value(key.as_bytes()) {
        return Err(invalid("the key has control characters"));
    }
    if protocol.is_some_and(|protocol| !is_token(protocol.as_bytes())) {
        return Err(invalid("the subprotocol is no token"));
    }
    let mut answer = switching(key, protocol, extensions);
    answer.extend_from_slice(b"\r\n");
    Ok(answer)
}

/// The status line and our own headers.
fn switching(key: &str, protocol: Option<&str>, extensions: Option<&str>) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    write(&mut answer, "Upgrade", b"websocket");
    write(&mut answer, "Connection", b"Upgrade");
    let accept = accept_key(key);
    write(&mut answer, "Sec-WebSocket-Accept", accept.as_bytes());
    if let Some(protocol) = protocol {
        write(&mut answer, "Sec-WebSocket-Protocol", protocol.as_bytes());
    }
    if let Some(extensions) = extensions {
        write(
            &mut answer,
            "Sec-WebSocket-Extensions",
            extensions.as_bytes(),
        );
    }
    answer
}

/// The answer that refuses, after which the connection is closed.
///
/// # Errors
/// `OptionInvalid` for a status that is no refusal and for headers that must not be set.
pub fn refusal(status: u16, extra: &[(&str, &[u8])], body: &str) -> Result<Vec<u8>> {
    if !(300..600).contains(&status) {
        return Err(invalid(format!("the status {status} refuses nothing")));
    }
    let mut answer = format!("HTTP/1.1 {status} {}\r\n", phrase(status)).into_bytes();
    write(&mut answer, "Connection", b"close");
    match status {
        405 => write(&mut answer, "Allow", b"GET"),
        426 => {
            write(&mut answer, "Upgrade", b"websocket");
            write(&mut answer, "Sec-WebSocket-Version", b"13");
        }
        _ => {}
    }
    write_extra(&mut answer, extra)?;
    let typed = |(name, _): &(&str, &[u8])| name.eq_ignore_ascii_case("content-type");
    if !extra.iter().any(typed) {
        write(&mut answer, "Content-Type", b"text/plain; charset=utf-8");
    }
    write(
        &mut answer,
        "Content-Length",
        body.len().to_string().as_bytes(),
    );
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(body.as_bytes());
    Ok(answer)
}

/// The reason phrases of the statuses that refusals are likely to have (RFC 9110 §15).
fn phrase(status: u16) -> &'static str {
    match status {
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}
