//! The client's opening handshake as a server reads it (RFC 6455 §4.2.1).

use std::collections::HashSet;

use super::{
    deflate::Params,
    extensions,
    headers::{HeadLimits, HeadSearch, Headers, Occurs, is_token},
};

/// Longest request target; beyond, the request is refused with 414.
const MAX_TARGET: usize = 8 * 1024;

/// What came so far.
#[derive(Debug)]
pub enum Request {
    /// The head is not whole: read on.
    Partial,
    /// The head, and how many bytes it has; what follows are frames.
    Whole {
        /// The request.
        head: Box<RequestHead>,
        /// Bytes of the head.
        used: usize,
    },
    /// What came is no request that can be upgraded.
    Refused(Refusal),
}

/// Why a request is answered with another status than 101.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status to answer with.
    pub status: u16,
    /// The reason, for the body of the answer and the log.
    pub why: &'static str,
}

/// A request to upgrade that follows the rules.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// Path and query, as sent.
    pub target: String,
    /// All header fields.
    pub headers: Headers,
    /// The subprotocols that the client offers, in its order, each once.
    pub protocols: Vec<String>,
    /// The client's key.
    pub(super) key: String,
}

impl RequestHead {
    /// The first offer of permessage-deflate that can be accepted within `ours`, and the value of
    /// `Sec-WebSocket-Extensions` in the answer.
    pub fn accept_deflate(&self, ours: &Params) -> Option<(Params, String)> {
        // That it can be parsed was checked when the head was read.
        let offers = extensions::parse(self.headers.all("sec-websocket-extensions")).ok()?;
        extensions::accept(&offers, ours)
    }

    /// What answers the client's key.
    #[cfg(any(feature = "fuzzing", test))]
    pub(crate) fn accept(&self) -> String {
        super::response::accept_key(&self.key)
    }
}

/// Reads a request from a buffer that grows.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestReader {
    limits: HeadLimits,
    first_line: FirstLine,
    search: HeadSearch,
}

impl RequestReader {
    /// A reader of one head within `limits`.
    pub fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            first_line: FirstLine::default(),
            search: HeadSearch::default(),
        }
    }

    /// Looks at all that came so far. Until the head is whole, no byte is looked at twice.
    pub fn read(&mut self, bytes: &[u8]) -> Request {
        let most = self.limits.bytes;
        let window = bytes.get(..most).unwrap_or(bytes);
        // Whoever speaks something else, TLS or SSH for instance, is told at once and not at the timeout.
        if !self.first_line.may_be_a_request(window) {
            return refuse(400, "this is no HTTP request");
        }
        let Some(used) = self.search.end(window) else {
            return match window.len() < most {
                true => Request::Partial,
                false => refuse(431, "the head of the request is too large"),
            };
        };
        match parse(window.get(..used).unwrap_or_default(), self.limits.headers) {
            Ok(head) => Request::Whole {
                head: Box::new(head),
                used,
            },
            Err(refusal) => Request::Refused(refusal),
        }
    }
}

/// The request line, looked at as soon as it is there.
#[derive(Clone, Copy, Debug, Default)]
struct FirstLine {
    searched: usize,
    is_checked: bool,
}

impl FirstLine {
    /// False once it is known not to be one. `bytes` is what the last call had and more.
    fn may_be_a_request(&mut self, bytes: &[u8]) -> bool {
        const PROTOCOL: &[u8] = b" HTTP/";
        if self.is_checked {
            return true;
        }
        if bytes.first().is_some_and(|byte| !byte.is_ascii_uppercase()) {
            return false;
        }
        let fresh = bytes.get(self.searched..).unwrap_or_default();
        let Some(end) = fresh.iter().position(|byte| *byte == b'\n') else {
            self.searched = bytes.len();
            return true;
        };
        self.is_checked = true;
        let line = bytes.get(..self.searched + end).unwrap_or_default();
        line.windows(PROTOCOL.len()).any(|part| part == PROTOCOL)
    }
}

fn refuse(status: u16, why: &'static str) -> Request {
    Request::Refused(Refusal { status, why })
}

type Checked<T> = Result<T, Refusal>;

fn because<T>(status: u16, why: &'static str) -> Checked<T> {
    Err(Refusal { status, why })
}

fn parse(head: &[u8], most: usize) -> Checked<RequestHead> {
    // Allowed to be taken for a line's end (RFC 9112 §2.2); whoever does not do so reads another request.
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    if lines.any(|line| !line.ends_with(b"\r\n")) {
        return because(400, "a line does not end in CRLF");
    }
    let mut fields = vec![httparse::EMPTY_HEADER; most];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        // Where our search and the parser see different ends, a line ends in less than CRLF.
        Ok(httparse::Status::Complete(used)) if used == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return because(431, "there are too many headers"),
        Err(httparse::Error::Version) => return because(400, "the version is not HTTP/1.1"),
        _ => return because(400, "the head is not well-formed"),
    }
    if request.method != Some("GET") {
        return because(405, "the method is not GET");
    }
    if request.version != Some(1) {
        return because(400, "the version is not HTTP/1.1");
    }
    let target = check_target(request.path.unwrap_or_default())?.to_owned();
    let headers = Headers::of(request.headers);
    check_upgrade(&headers)?;
    let key = check_key(&headers)?;
    let protocols = check_protocols(&headers)?;
    if extensions::parse(headers.all("sec-websocket-extensions")).is_err() {
        return because(400, "Sec-WebSocket-Extensions is malformed");
    }
    Ok(RequestHead {
        target,
        headers,
        protocols,
        key,
    })
}

/// The path and query of a target in origin form or, as for a proxy, absolute form (RFC 9112 §3.2).
fn check_target(target: &str) -> Checked<&str> {
    if target.len() > MAX_TARGET {
        return because(414, "the target is too long");
    }
    let path = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => match rest.find(['/', '?']) {
            Some(at) => &rest[at..],
            None => "/",
        },
        _ => target,
    };
    if !path.starts_with(['/', '?']) || !path.is_ascii() {
        return because(400, "the target is no path");
    }
    Ok(path)
}

fn check_upgrade(headers: &Headers) -> Checked<()> {
    match headers.only("host") {
        Occurs::Once(host) if !host.is_empty() => {}
        _ => return because(400, "there must be one Host header"),
    }
    if !headers.has_token("upgrade", "websocket") {
        return because(426, "only WebSocket is spoken here");
    }
    if !headers.has_token("connection", "upgrade") {
        return because(400, "Connection does not say upgrade");
    }
    // Bytes of a body would be taken for frames.
    let no_body = matches!(
        headers.only("content-length"),
        Occurs::Never | Occurs::Once(b"0")
    );
    if !no_body || headers.only("transfer-encoding") != Occurs::Never {
        return because(400, "an upgrade has no body");
    }
    match headers.only("sec-websocket-version") {
        Occurs::Once(b"13") => Ok(()),
        Occurs::Often => because(400, "Sec-WebSocket-Version is repeated"),
        _ => because(426, "the version of WebSocket is not 13"),
    }
}

/// Sixteen bytes in Base64. Of the last digit only two bits are the key's; the others are zero (RFC 4648 §3.5).
fn check_key(headers: &Headers) -> Checked<String> {
    let Occurs::Once(key) = headers.only("sec-websocket-key") else {
        return because(400, "there must be one Sec-WebSocket-Key");
    };
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match key.strip_suffix(b"==") {
        Some(digits)
            if digits.len() == 22
                && digits.iter().all(is_digit)
                && digits.last().is_some_and(|last| b"AQgw".contains(last)) =>
        {
            Ok(String::from_utf8_lossy(key).into_owned())
        }
        _ => because(400, "Sec-WebSocket-Key is not 16 bytes in Base64"),
    }
}

fn check_protocols(headers: &Headers) -> Checked<Vec<String>> {
    let mut protocols = Vec::new();
    let mut seen = HashSet::new();
    for value in headers.all("sec-websocket-protocol") {
        for part in value.split(|byte| *byte == b',') {
            let token = part.trim_ascii();
            if !is_token(token) {
                return because(400, "Sec-WebSocket-Protocol is malformed");
            }
            if !seen.insert(token) {
                return because(400, "Sec-WebSocket-Protocol repeats a protocol");
            }
            protocols.push(String::from_utf8_lossy(token).into_owned());
        }
    }
    Ok(protocols)
}
