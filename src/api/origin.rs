//! Which pages may open a WebSocket: browsers let any page call any server and send its cookies along;
//! the header Origin, which no page can forge, is all that tells the server.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// The origins whose pages may open a WebSocket. Programs other than browsers send no origin and pass,
/// unless [`WebSocketOptions::require_origin`](crate::WebSocketOptions::require_origin) is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origins {
    /// The host that the request was sent to. Of a listener on a loopback address that is an IP address or
    /// `localhost` only: any page can have its own name lead there (DNS rebinding).
    #[default]
    SameHost,
    /// All, `null` included.
    Any,
    /// These, exactly as browsers send them: `https://example.com`.
    List(Vec<String>),
}

impl Origins {
    /// Whether a page of `origin` may talk to `host`, where the listener `is_local` to this machine.
    pub(super) fn allow(&self, origin: &str, host: Option<&str>, is_local: bool) -> bool {
        match self {
            Self::SameHost => host.is_some_and(|host| {
                is_same_host(origin, host) && (!is_local || is_no_rebound_name(host))
            }),
            Self::Any => true,
            Self::List(origins) => origins.iter().any(|allowed| allowed == origin),
        }
    }
}

/// The host is compared as the origin's scheme writes it: without its default port.
fn is_same_host(origin: &str, host: &str) -> bool {
    let (of_page, default_port) = match origin.split_once("://") {
        Some(("http", rest)) => (rest, ":80"),
        Some(("https", rest)) => (rest, ":443"),
        _ => return false,
    };
    let is_plain = |host: &str| {
        !host.is_empty() && !host.contains(|c: char| "/?#@\\".contains(c) || c.is_whitespace())
    };
    let named = |host: &str| {
        let host = host.strip_suffix(default_port).unwrap_or(host);
        host.to_ascii_lowercase()
    };
    is_plain(of_page) && is_plain(host) && named(of_page) == named(host)
}

/// Whether no name server has a say in where the host is: an IP address, or `localhost` and below
/// (RFC 6761, section 6.3).
fn is_no_rebound_name(host: &str) -> bool {
    if host.parse::<SocketAddr>().is_ok() || host.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if bracketed.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok()) {
        return true;
    }
    let name = host.split(':').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_same_host() {
        let same = |origin, host| Origins::SameHost.allow(origin, Some(host), false);
        assert!(same("http://example.com", "example.com"));
        assert!(same("https://Example.com", "example.com:443"));
        assert!(same("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(same("http://[::1]:8080", "[::1]:8080"));
        for (origin, host) in [
            ("http://example.com", "example.com:443"),
            ("https://example.com", "example.com:80"),
            ("http://example.com.evil", "example.com"),
            ("http://evil@example.com", "evil@example.com"),
            ("http://example.com/", "example.com/"),
            ("ftp://example.com", "example.com"),
            ("null", "null"),
            ("http://", ""),
        ] {
            assert!(!same(origin, host), "{origin} {host}");
        }
        assert!(!Origins::SameHost.allow("http://example.com", None, false));
    }

    #[test]
    fn names_that_others_lead_to_this_machine() {
        let local = |host: &str| {
            let origin = format!("http://{host}");
            Origins::SameHost.allow(&origin, Some(host), true)
        };
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:8080",
            "localhost",
            "LocalHost:8080",
            "app.localhost:8080",
        ] {
            assert!(local(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
        ] {
            assert!(!local(host), "{host}");
        }
    }

    #[test]
    fn lists_are_exact_and_any_is_any() {
        let list = Origins::List(vec!["https://example.com".into()]);
        assert!(list.allow("https://example.com", None, true));
        assert!(
            !list.allow("https://example.com:443", None, true) && !list.allow("null", None, true)
        );
        assert!(Origins::Any.allow("null", None, true));
    }
}
