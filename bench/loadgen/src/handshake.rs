//! The opening handshake of WebSocket (RFC 6455, section 4), with one key for all connections: it
//! proves that the other side speaks WebSocket, not that it is somebody, and its answer is known.

use base64::prelude::{BASE64_STANDARD, Engine as _};

/// The example of the RFC.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const END: &[u8] = b"\r\n\r\n";

/// What a client sends.
pub fn request(host: &str, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// What a server answers to [`request`], or to other clients, which have keys of their own; none where that
/// would be longer than what it answers.
pub fn response(request: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(request).ok()?;
    let accept = match header(head, "sec-websocket-key")? {
        KEY => ACCEPT.into(),
        key => accept(key),
    };
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    (response.len() <= request.len()).then_some(response)
}

fn accept(key: &str) -> String {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(hash.digest().bytes())
}

/// Where the head at the front of `bytes` ends, if it does.
pub fn end(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(END.len()).position(|window| window == END)?;
    Some(at + END.len())
}

/// Whether a server's answer opens a WebSocket without extensions; if not, why.
pub fn check(response: &[u8]) -> Result<(), String> {
    let head = String::from_utf8_lossy(response);
    let status = head.lines().next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 101 ") && status != "HTTP/1.1 101" {
        return Err(format!("the server answers {status:?}"));
    }
    if header(&head, "sec-websocket-accept") != Some(ACCEPT) {
        return Err("the server's Sec-WebSocket-Accept is wrong".into());
    }
    if let Some(extensions) = header(&head, "sec-websocket-extensions") {
        return Err(format!(
            "the server uses {extensions:?}, which nobody offered"
        ));
    }
    Ok(())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_and_response_fit() {
        let request = request("localhost:1", "/");
        assert_eq!(end(request.as_bytes()), Some(request.len()));
        assert_eq!(
            check(response(request.as_bytes()).unwrap().as_bytes()),
            Ok(())
        );
    }

    #[test]
    fn refusals_are_named() {
        let good = response(request("localhost:1", "/").as_bytes()).unwrap();
        for bad in [
            good.replace("101", "403"),
            good.replace("s3p", "S3p"),
            good.replace(
                "Upgrade: w",
                "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: w",
            ),
            String::new(),
        ] {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(
            response(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n"),
            None
        );
        assert_eq!(accept(KEY), ACCEPT);
    }
}
