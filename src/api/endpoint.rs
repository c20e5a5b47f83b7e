//! Endpoints of the network: what users write, checked and taken apart.
//!
//! The grammar is that of the TypeScript side, and strict: an address that is understood differently
//! from what was meant binds or calls the wrong place.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use tokio::net::lookup_host;

use crate::error::{Code, Error, Result};

/// What an endpoint is for: port 0 makes sense for a listener only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Listen,
    Connect,
}

/// A checked endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Without brackets, names in lower case.
    pub host: String,
    pub port: u16,
    /// `tls` rather than `tcp`, `wss` rather than `ws`.
    pub is_secured: bool,
    /// Path and query of a WebSocket; `None` over TCP.
    pub target: Option<String>,
}

/// Carriers that are named in documents and configurations but are not in this version.
const ABSENT_SCHEMES: [&str; 1] = ["pipe"];
/// The ports of HTTP without and with TLS, for clients of WebSockets.
const WS_PORT: u16 = 80;
const WSS_PORT: u16 = 443;
const MAX_NAME_LENGTH: usize = 253;
/// Long enough for every legal endpoint, short enough for a log line.
const MAX_SHOWN: usize = 300;

impl Endpoint {
    pub(super) fn parse(text: &str, to: Use) -> Result<Self> {
        parse(text, to).map_err(|fault| fault.of(text))
    }

    /// Whether it is at the same host and port.
    pub(super) fn is_at(&self, other: &Self) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }

    /// Host and port as the header `Host` has them: an IPv6 address in brackets, without its zone.
    pub(super) fn authority(&self) -> String {
        let host = self.host.split('%').next().unwrap_or_default();
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        match self.port {
            WS_PORT => host,
            port => format!("{host}:{port}"),
        }
    }

    /// The addresses of the host, in the resolver's order; at least one.
    pub(super) async fn resolve(&self) -> Result<Vec<SocketAddr>> {
        let context = || format!("resolving {:?}", self.host);
        let addresses: Vec<_> = lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|error| Error::system(Code::Dns, context(), error))?
            .collect();
        match addresses.is_empty() {
            true => Err(Error::new(Code::Dns, format!("{}: no address", context()))),
            false => Ok(addresses),
        }
    }
}

/// The URL of an address, with the path of a WebSocket.
pub(super) fn url(address: SocketAddr, is_secured: bool, path: Option<&str>) -> String {
    // `SocketAddr` writes IPv6 in brackets.
    match (path, is_secured) {
        (Some(path), false) => format!("ws://{address}{path}"),
        (Some(path), true) => format!("wss://{address}{path}"),
        (None, false) => format!("tcp://{address}"),
        (None, true) => format!("tls://{address}"),
    }
}

/// What is wrong with an endpoint.
enum Fault {
    Invalid(&'static str),
    AbsentScheme(String),
}

impl Fault {
    fn of(self, text: &str) -> Error {
        let shown = Shown(text);
        match self {
            Self::Invalid(why) => {
                Error::new(Code::EndpointInvalid, format!("endpoint {shown}: {why}"))
            }
            Self::AbsentScheme(scheme) => Error::new(
                Code::OptionUnsupported,
                format!(
                    "endpoint {shown}: this version does not have the scheme {scheme}, only tcp, tls, ws, wss and unix"
                ),
            ),
        }
    }
}

type Parsed<T> = std::result::Result<T, Fault>;

fn invalid<T>(why: &'static str) -> Parsed<T> {
    Err(Fault::Invalid(why))
}

fn parse(text: &str, to: Use) -> Parsed<Endpoint> {
    let Some((scheme, rest)) = text
        .split_once("://")
        .filter(|(scheme, _)| is_scheme(scheme))
    else {
        return invalid("it has no scheme such as tcp://");
    };
    let Scheme {
        is_websocket,
        is_secured,
    } = check_scheme(&scheme.to_ascii_lowercase())?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    if authority.contains('@') {
        return invalid("an endpoint has no user name or password");
    }
    let (host, port) = split_authority(authority)?;
    if !is_websocket && !tail.is_empty() {
        return invalid("a tcp or tls endpoint ends after the port; options do not go into it");
    }
    let has_default = is_websocket && to == Use::Connect && port.is_none_or(str::is_empty);
    Ok(Endpoint {
        host: check_host(host)?,
        port: match (has_default, is_secured) {
            (true, false) => WS_PORT,
            (true, true) => WSS_PORT,
            (false, _) => check_port(port, to)?,
        },
        is_secured,
        target: is_websocket.then(|| check_target(tail, to)).transpose()?,
    })
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
}

/// What a scheme stands for.
struct Scheme {
    is_websocket: bool,
    is_secured: bool,
}

fn check_scheme(scheme: &str) -> Parsed<Scheme> {
    let (is_websocket, is_secured) = match scheme {
        "tcp" => (false, false),
        "tls" => (false, true),
        "ws" => (true, false),
        "wss" => (true, true),
        absent if ABSENT_SCHEMES.contains(&absent) => {
            return Err(Fault::AbsentScheme(absent.to_owned()));
        }
        _ => {
            return invalid("the scheme is not known; this version has tcp, tls, ws, wss and unix");
        }
    };
    Ok(Scheme {
        is_websocket,
        is_secured,
    })
}

/// Path and query, as they go into the request line.
fn check_target(tail: &str, to: Use) -> Parsed<String> {
    if tail.contains('#') {
        return invalid("a ws endpoint has no fragment");
    }
    if !tail.bytes().all(|byte| byte.is_ascii_graphic()) {
        return invalid("the path has blanks or what is not ASCII; write it percent-encoded");
    }
    if to == Use::Listen && tail.contains('?') {
        return invalid("a ws endpoint to listen on has no query; options do not go into it");
    }
    Ok(match tail.starts_with('/') {
        true => tail.to_owned(),
        false => format!("/{tail}"),
    })
}

/// Host, with the brackets it may have, and port.
fn split_authority(authority: &str) -> Parsed<(&str, Option<&str>)> {
    if let Some(end) = authority.find(']').filter(|_| authority.starts_with('[')) {
        let (host, rest) = authority.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => invalid("only the port may follow a host in brackets"),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => {
            invalid("an IPv6 address goes in brackets, as in tcp://[::1]:9000")
        }
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn check_host(host: &str) -> Parsed<String> {
    if host.is_empty() {
        return invalid("the host is missing; for this machine write 127.0.0.1");
    }
    if let Some(address) = host.strip_prefix('[') {
        return match address.strip_suffix(']').and_then(ipv6) {
            Some(address) => Ok(address),
            None => invalid("what is in the brackets is not an IPv6 address"),
        };
    }
    if host.parse::<IpAddr>().is_ok() {
        return Ok(host.to_owned());
    }
    if !host.is_ascii() && !host.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return invalid("a name outside ASCII is to be written as DNS knows it, as in xn--…");
    }
    let name = host.to_ascii_lowercase();
    if ends_in_number(&name) {
        return invalid("the host is not a complete IPv4 address of four numbers");
    }
    match is_name(&name) {
        true => Ok(name),
        false => invalid("the host is not a legal name"),
    }
}

/// An IPv6 address, in lower case but for its zone, which is an interface's name.
fn ipv6(text: &str) -> Option<String> {
    let (address, zone) = text
        .split_once('%')
        .map_or((text, None), |(a, z)| (a, Some(z)));
    address.parse::<Ipv6Addr>().ok()?;
    let address = address.to_ascii_lowercase();
    match zone {
        None => Some(address),
        Some(zone) => {
            let legal = !zone.is_empty()
                && zone
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
            legal.then(|| format!("{address}%{zone}"))
        }
    }
}

/// Whether resolvers would read the last label as a number, as in `127.1` or `0x7f.1`: only full IPv4
/// addresses are taken.
fn ends_in_number(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    let is_decimal = !last.is_empty() && last.chars().all(|c| c.is_ascii_digit());
    let hexadecimal = last.strip_prefix("0x");
    is_decimal || hexadecimal.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Letters, digits, hyphens, and the underscores of container names; no empty label; at most one
/// final dot.
fn is_name(name: &str) -> bool {
    let legal = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let labels = name.strip_suffix('.').unwrap_or(name);
    name.len() <= MAX_NAME_LENGTH && labels.split('.').all(legal)
}

fn check_port(port: Option<&str>, to: Use) -> Parsed<u16> {
    let number = match port {
        None | Some("") => {
            return invalid(match to {
                Use::Listen => "the port is missing; write :0 for a free one",
                Use::Connect => "the port is missing; write it as in tcp://host:9000",
            });
        }
        // `parse` alone would take a sign.
        Some(digits) if digits.len() <= 5 && digits.chars().all(|c| c.is_ascii_digit()) => {
            digits.parse::<u16>().ok()
        }
        Some(_) => None,
    };
    match number {
        None => invalid("the port is not a number from 1 to 65535"),
        Some(0) if to == Use::Connect => invalid("port 0 is for listening only"),
        Some(number) => Ok(number),
    }
}

/// An endpoint for messages and logs: short, escaped, and without what may be secret: a password that was
/// put into it, and the query.
pub(super) struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.0.find("://").map_or(0, |at| at + 3);
        let (scheme, rest) = self.0.split_at(start);
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let secret = rest[..end].rfind('@').unwrap_or(0);
        let told = rest.find(['?', '#']).unwrap_or(rest.len()).max(secret);
        let shown: String = rest[secret..told].chars().take(MAX_SHOWN).collect();
        let scheme: String = scheme.chars().take(MAX_SHOWN).collect();
        let mask = if secret > 0 { "***" } else { "" };
        let tail = match rest[told..].chars().next() {
            Some(sign) => format!("{sign}***"),
            None => String::new(),
        };
        write!(f, "{:?}", format!("{scheme}{mask}{shown}{tail}"))
    }
}
