//! The opening handshake as a client: the request, and what the server answers (RFC 6455 §4.1).

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    body::Body,
    deflate::Params,
    extensions,
    headers::{
        HeadLimits, HeadSearch, Headers, Occurs, failed, invalid, is_token, write, write_extra,
    },
    mask,
    response::accept_key,
};
use crate::error::{self, Code, Error, Result};

/// What a client asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish<'a> {
    /// Path and query.
    pub target: &'a str,
    /// The value of `Host`: name, and the port unless it is the scheme's own.
    pub host: &'a str,
    /// Subprotocols, the most wanted first.
    pub protocols: &'a [&'a str],
    /// What to offer of permessage-deflate; `None` offers nothing.
    pub deflate: Option<Params>,
    /// Further header fields.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// Bounds of the answer's head.
    pub limits: HeadLimits,
}

/// What came so far of the answer.
#[derive(Debug)]
pub enum Answer {
    /// The head is not whole: read on.
    Partial,
    /// The connection is a WebSocket.
    Upgraded {
        /// What was agreed on.
        head: Box<Agreement>,
        /// Bytes of the head; what follows are frames.
        used: usize,
    },
    /// The server answered with another status than 101.
    Declined(Box<Declined>),
}

/// What client and server agreed on.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// All header fields of the answer.
    pub headers: Headers,
    /// The subprotocol, one of those offered.
    pub protocol: Option<String>,
    /// permessage-deflate, if it was offered and accepted.
    pub deflate: Option<Params>,
}

/// An answer that is no upgrade.
#[derive(Clone, Debug)]
pub struct Declined {
    /// The status.
    pub status: u16,
    /// All header fields: `Location`, `Retry-After`, `WWW-Authenticate`.
    pub headers: Headers,
    body: Body,
}

impl Declined {
    fn new(status: u16, headers: Headers, body: &[u8]) -> Self {
        let mut declined = Self {
            status,
            body: Body::of(status, &headers),
            headers,
        };
        declined.add(body);
        declined
    }

    /// The beginning of the body, as far as it has come: at most 1 KiB.
    pub fn body(&self) -> &[u8] {
        self.body.bytes()
    }

    /// Whether the body is whole, or as much of it as is kept.
    pub fn is_done(&self) -> bool {
        self.body.is_done()
    }

    /// Adds what came of the body.
    pub fn add(&mut self, bytes: &[u8]) {
        self.body.add(bytes);
    }

    /// The answer as an error.
    pub fn error(&self) -> Error {
        let status = self.status;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', "");
        let headers = self.headers.iter();
        Error::new(
            Code::UpgradeRefused,
            format!("the server answered with status {status}"),
        )
        .with("status", usize::from(status))
        .answered(error::Answer {
            headers: headers
                .flat_map(|(name, value)| [name.to_owned(), text(value)])
                .collect(),
            body: text(self.body()),
        })
    }
}

/// One opening handshake under way.
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    key: String,
    protocols: Vec<String>,
    deflate: Option<Params>,
    limits: HeadLimits,
    /// Bytes of interim answers in front.
    start: usize,
    search: HeadSearch,
}

impl ClientHandshake {
    /// Begins with the request, which is to be sent as it is.
    ///
    /// # Errors
    /// `OptionInvalid` for what cannot stand in a request, `Resources` without random bytes.
    pub fn start(wish: &Wish<'_>) -> Result<(Self, Vec<u8>)> {
        let key = STANDARD.encode(mask::random()?);
        let request = request(wish, &key)?;
        let handshake = Self {
            key,
            protocols: wish.protocols.iter().map(|&name| name.to_owned()).collect(),
            deflate: wish.deflate,
            limits: wish.limits,
            start: 0,
            search: HeadSearch::default(),
        };
        Ok((handshake, request))
    }

    /// Looks at all that came so far. Until the head is whole, no byte is looked at twice. Interim answers are
    /// skipped (RFC 9110 §15.2); the bound of a head is that of all of them together.
    ///
    /// # Errors
    /// `Handshake` for anything that is no proper answer to the request.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Answer> {
        const PROTOCOL: &[u8] = b"HTTP/1.";
        // Whoever speaks something else is found out at once and not at the timeout.
        if bytes
            .iter()
            .zip(PROTOCOL)
            .any(|(byte, wanted)| byte != wanted)
        {
            return Err(failed("the answer is not HTTP/1.1"));
        }
        let most = self.limits.bytes;
        let window = bytes.get(..most).unwrap_or(bytes);
        loop {
            let Some(end) = self
                .search
                .end(window.get(self.start..).unwrap_or_default())
            else {
                return match window.len() < most {
                    true => Ok(Answer::Partial),
                    false => Err(failed("the head of the answer is too large")),
                };
            };
            let used = self.start + end;
            let head = window.get(self.start..used).unwrap_or_default();
            match parse(head, self.limits.headers)? {
                (101, headers) => {
                    let head = Box::new(self.check(headers)?);
                    return Ok(Answer::Upgraded { head, used });
                }
                (100..200, _) => {
                    self.start = used;
                    self.search = HeadSearch::default();
                }
                (status, headers) => {
                    let rest = bytes.get(used..).unwrap_or_default();
                    return Ok(Answer::Declined(Box::new(Declined::new(
                        status, headers, rest,
                    ))));
                }
            }
        }
    }

    fn check(&self, headers: Headers) -> Result<Agreement> {
        let Occurs::Once(upgrade) = headers.only("upgrade") else {
            return Err(failed("there must be one Upgrade header"));
        };
        if !upgrade.eq_ignore_ascii_case(b"websocket") {
            return Err(failed("Upgrade does not say websocket"));
        }
        if !headers.has_token("connection", "upgrade") {
            return Err(failed("Connection does not say upgrade"));
        }
        let accept = accept_key(&self.key);
        if headers.only("sec-websocket-accept") != Occurs::Once(accept.as_bytes()) {
            return Err(failed("Sec-WebSocket-Accept is not the one for our key"));
        }
        let protocol = self.check_protocol(&headers)?;
        let answered = headers.all("sec-websocket-extensions");
        let deflate = extensions::check_answer(answered, self.deflate.as_ref())?;
        Ok(Agreement {
            headers,
            protocol,
            deflate,
        })
    }

    fn check_protocol(&self, headers: &Headers) -> Result<Option<String>> {
        let chosen = match headers.only("sec-websocket-protocol") {
            Occurs::Never if self.protocols.is_empty() => return Ok(None),
            // As browsers have it: who asks for a subprotocol cannot go on without one.
            Occurs::Never => return Err(failed("the server chose none of the subprotocols")),
            Occurs::Once(chosen) => chosen,
            Occurs::Often => return Err(failed("the server chose more than one subprotocol")),
        };
        let mut offered = self.protocols.iter();
        match offered.find(|offered| offered.as_bytes() == chosen) {
            Some(protocol) => Ok(Some(protocol.clone())),
            None => Err(failed(
                "the server chose a subprotocol that was not offered",
            )),
        }
    }
}

fn request(wish: &Wish<'_>, key: &str) -> Result<Vec<u8>> {
    let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !wish.target.starts_with('/') || !visible(wish.target) {
        return Err(invalid(format!(
            "{:?} is no path of a request",
            wish.target
        )));
    }
    if wish.host.is_empty() || !visible(wish.host) {
        return Err(invalid(format!("{:?} is no host of a request", wish.host)));
    }
    let mut request = format!("GET {} HTTP/1.1\r\n", wish.target).into_bytes();
    write(&mut request, "Host", wish.host.as_bytes());
    write(&mut request, "Upgrade", b"websocket");
    write(&mut request, "Connection", b"Upgrade");
    write(&mut request, "Sec-WebSocket-Key", key.as_bytes());
    write(&mut request, "Sec-WebSocket-Version", b"13");
    if !wish.protocols.is_empty() {
        let protocols = join_protocols(wish.protocols)?;
        write(&mut request, "Sec-WebSocket-Protocol", protocols.as_bytes());
    }
    if let Some(params) = &wish.deflate {
        let offer = extensions::offer(params);
        write(&mut request, "Sec-WebSocket-Extensions", offer.as_bytes());
    }
    let is_host = |(name, _): &(&str, &[u8])| name.eq_ignore_ascii_case("host");
    if wish.headers.iter().any(is_host) {
        return Err(invalid("the header Host is set already"));
    }
    write_extra(&mut request, wish.headers)?;
    request.extend_from_slice(b"\r\n");
    Ok(request)
}

/// Each a token and named once (§4.1, step 10).
fn join_protocols(protocols: &[&str]) -> Result<String> {
    for (at, name) in protocols.iter().enumerate() {
        if !is_token(name.as_bytes()) || protocols.iter().take(at).any(|before| before == name) {
            return Err(invalid(format!(
                "the subprotocol {name:?} is no token or named twice"
            )));
        }
    }
    Ok(protocols.join(", "))
}

fn parse(head: &[u8], most: usize) -> Result<(u16, Headers)> {
    let mut fields = vec![httparse::EMPTY_HEADER; most];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(head) {
        Ok(httparse::Status::Complete(used)) if used == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => {
            return Err(failed("the answer has too many headers"));
        }
        _ => return Err(failed("the answer is not well-formed HTTP")),
    }
    match (response.version, response.code) {
        (Some(1), Some(status)) => Ok((status, Headers::of(response.headers))),
        // A refusal of an older server is a refusal all the same.
        (Some(0), Some(status)) if status != 101 => Ok((status, Headers::of(response.headers))),
        _ => Err(failed("the answer is not HTTP/1.1")),
    }
}
