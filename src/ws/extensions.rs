//! `Sec-WebSocket-Extensions`: its grammar (RFC 6455 §9.1) and what of it becomes permessage-deflate
//! (RFC 7692 §7.1).
//!
//! The parser looks at every byte once and keeps names as ranges of the value, so that 16 KiB of
//! garbage cost no more than 16 KiB of sense.

use std::borrow::Cow;

use super::{
    deflate::{MAX_WINDOW, MIN_WINDOW, Params, Side},
    headers::{failed, is_token, is_token_byte},
};
use crate::error::Result;

/// The one extension that we know.
const DEFLATE: &str = "permessage-deflate";

const SERVER_NO_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_WINDOW: &str = "server_max_window_bits";
const CLIENT_WINDOW: &str = "client_max_window_bits";

/// One extension with its parameters, in the order of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    name: &'a str,
    params: Vec<(&'a str, Option<Cow<'a, str>>)>,
}

/// A header that does not follow the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads the values of all headers of the name, which count as one list.
///
/// # Errors
/// [`Malformed`] if one of them breaks the grammar.
pub fn parse<'a>(
    values: impl IntoIterator<Item = &'a [u8]>,
) -> std::result::Result<Vec<Extension<'a>>, Malformed> {
    let mut list = Vec::new();
    for value in values {
        let mut text = Text::new(value)?;
        loop {
            list.push(text.extension()?);
            if text.is_at_end() {
                break;
            }
            text.expect(b',')?;
        }
    }
    Ok(list)
}

/// What a server makes of the offers: the first that it can accept, as `ours` limits it, and the value
/// of the response's header. `None`: no compression.
pub fn accept(offers: &[Extension<'_>], ours: &Params) -> Option<(Params, String)> {
    let mut deflate = offers.iter().filter(|offer| offer.name == DEFLATE);
    deflate.find_map(|offer| accept_one(&Offer::read(offer)?, ours))
}

/// The value of a client's header.
pub fn offer(ours: &Params) -> String {
    let mut value = DEFLATE.to_owned();
    push_flag(
        &mut value,
        SERVER_NO_TAKEOVER,
        ours.server.no_context_takeover,
    );
    push_flag(
        &mut value,
        CLIENT_NO_TAKEOVER,
        ours.client.no_context_takeover,
    );
    push_window(&mut value, SERVER_WINDOW, ours.server.window_bits);
    // Said even without a bound: only so may the server set one (§7.1.2.2).
    match ours.client.window_bits {
        MAX_WINDOW => push_flag(&mut value, CLIENT_WINDOW, true),
        bits => push_window(&mut value, CLIENT_WINDOW, bits),
    }
    value
}

/// What a server agreed to, checked against our offer: `None` means that nothing was offered.
///
/// # Errors
/// `Handshake` for anything that was not offered or that RFC 7692 §7.1 forbids.
pub fn check_answer<'a>(
    values: impl IntoIterator<Item = &'a [u8]>,
    ours: Option<&Params>,
) -> Result<Option<Params>> {
    let Ok(answer) = parse(values) else {
        return Err(failed("the server's extensions do not follow the grammar"));
    };
    let (extension, ours) = match (answer.as_slice(), ours) {
        ([], _) => return Ok(None),
        ([one], Some(ours)) if one.name == DEFLATE => (one, ours),
        _ => return Err(failed("the server chose an extension that was not offered")),
    };
    match Offer::read(extension).and_then(|answer| agree(&answer, ours)) {
        Some(params) => Ok(Some(params)),
        None => Err(failed(
            "the server's parameters of permessage-deflate are none that were offered",
        )),
    }
}

/// The parameters of permessage-deflate, each at most once and with a value that can be.
#[derive(Default)]
struct Offer {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_window: Option<u8>,
    /// The inner one is missing where a client only says that it understands the parameter.
    client_window: Option<Option<u8>>,
}

impl Offer {
    /// `None` for what must be declined: unknown, repeated or impossible parameters (§7.1).
    fn read(extension: &Extension<'_>) -> Option<Self> {
        let mut offer = Self::default();
        for (name, value) in &extension.params {
            let value = value.as_deref();
            let fresh = match *name {
                SERVER_NO_TAKEOVER => set_flag(&mut offer.server_no_takeover, value),
                CLIENT_NO_TAKEOVER => set_flag(&mut offer.client_no_takeover, value),
                SERVER_WINDOW => offer.server_window.replace(window(value?)?).is_none(),
                CLIENT_WINDOW => {
                    let bits = match value {
                        Some(value) => Some(window(value)?),
                        None => None,
                    };
                    offer.client_window.replace(bits).is_none()
                }
                _ => false,
            };
            if !fresh {
                return None;
            }
        }
        Some(offer)
    }
}

/// Sets a flag; false if it was set already or has a value, which flags have not.
fn set_flag(flag: &mut bool, value: Option<&str>) -> bool {
    !std::mem::replace(flag, true) && value.is_none()
}

/// 8 to 15 in decimal, without leading zeros (§7.1.2).
fn window(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

fn accept_one(offer: &Offer, ours: &Params) -> Option<(Params, String)> {
    let server = Side {
        no_context_takeover: offer.server_no_takeover || ours.server.no_context_takeover,
        window_bits: ours
            .server
            .window_bits
            .min(offer.server_window.unwrap_or(MAX_WINDOW)),
    };
    // Our compressor knows no window of 256 bytes: better another offer, or none.
    if server.window_bits <= MIN_WINDOW {
        return None;
    }
    let client_window = match offer.client_window {
        Some(bits) => bits.unwrap_or(MAX_WINDOW).min(ours.client.window_bits),
        // A bound may be set only for those who understand it; the others compress as they like.
        None => MAX_WINDOW,
    };
    let client = Side {
        no_context_takeover: offer.client_no_takeover || ours.client.no_context_takeover,
        window_bits: client_window,
    };
    let params = Params { server, client };
    Some((params, answer(&params)))
}

fn answer(params: &Params) -> String {
    let mut value = DEFLATE.to_owned();
    push_flag(
        &mut value,
        SERVER_NO_TAKEOVER,
        params.server.no_context_takeover,
    );
    push_flag(
        &mut value,
        CLIENT_NO_TAKEOVER,
        params.client.no_context_takeover,
    );
    push_window(&mut value, SERVER_WINDOW, params.server.window_bits);
    push_window(&mut value, CLIENT_WINDOW, params.client.window_bits);
    value
}

/// What holds after the server's `answer`; `None` if it is none to our offer.
fn agree(answer: &Offer, ours: &Params) -> Option<Params> {
    let server_window = answer.server_window.unwrap_or(MAX_WINDOW);
    let client_window = match answer.client_window {
        None => ours.client.window_bits,
        // In an answer the value is not optional.
        Some(bits) => bits?,
    };
    let granted = answer.server_no_takeover || !ours.server.no_context_takeover;
    let within =
        server_window <= ours.server.window_bits && client_window <= ours.client.window_bits;
    (granted && within).then_some(Params {
        server: Side {
            no_context_takeover: answer.server_no_takeover,
            window_bits: server_window,
        },
        client: Side {
            no_context_takeover: answer.client_no_takeover || ours.client.no_context_takeover,
            window_bits: client_window,
        },
    })
}

fn push_flag(value: &mut String, name: &str, set: bool) {
    if set {
        value.push_str("; ");
        value.push_str(name);
    }
}

fn push_window(value: &mut String, name: &str, bits: u8) {
    if bits < MAX_WINDOW {
        value.push_str(&format!("; {name}={bits}"));
    }
}

/// A value and how far it is read.
struct Text<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Text<'a> {
    fn new(value: &'a [u8]) -> std::result::Result<Self, Malformed> {
        // The grammar has no byte beyond ASCII.
        match std::str::from_utf8(value) {
            Ok(text) if text.is_ascii() => Ok(Self { text, at: 0 }),
            _ => Err(Malformed),
        }
    }

    /// `extension = extension-token *( ";" extension-param )`
    fn extension(&mut self) -> std::result::Result<Extension<'a>, Malformed> {
        let name = self.token()?;
        let mut params = Vec::new();
        while self.take(b';') {
            let name = self.token()?;
            let value = match self.take(b'=') {
                true => Some(self.value()?),
                false => None,
            };
            params.push((name, value));
        }
        Ok(Extension { name, params })
    }

    fn token(&mut self) -> std::result::Result<&'a str, Malformed> {
        self.skip_space();
        let start = self.at;
        while self.peek().is_some_and(is_token_byte) {
            self.at += 1;
        }
        let token = &self.text[start..self.at];
        self.skip_space();
        if token.is_empty() {
            return Err(Malformed);
        }
        Ok(token)
    }

    /// A token, or a quoted string that holds one.
    fn value(&mut self) -> std::result::Result<Cow<'a, str>, Malformed> {
        self.skip_space();
        if !self.take(b'"') {
            return self.token().map(Cow::Borrowed);
        }
        let mut value = String::new();
        loop {
            match self.next() {
                Some(b'"') => break,
                Some(b'\\') => value.push(self.next().ok_or(Malformed)?.into()),
                Some(byte) => value.push(byte.into()),
                None => return Err(Malformed),
            }
        }
        self.skip_space();
        match is_token(value.as_bytes()) {
            true => Ok(Cow::Owned(value)),
            false => Err(Malformed),
        }
    }

    fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn expect(&mut self, byte: u8) -> std::result::Result<(), Malformed> {
        match self.take(byte) {
            true => Ok(()),
            false => Err(Malformed),
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
