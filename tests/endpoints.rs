//! The grammar of endpoints: what is refused, and that the reason is said.

mod support;

use proptest::prelude::*;
use qwormhole::{Code, Error, Options, connect, listen};

/// What `connect` says of an endpoint. None of those given here resolves or is listened on.
fn fault(endpoint: &str) -> Error {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let connecting = connect(endpoint, Options::default());
    runtime
        .expect("a runtime")
        .block_on(connecting)
        .expect_err("refused")
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_reason() {
    let cases = [
        ("127.0.0.1:9000", "no scheme"),
        ("localhost:9000", "no scheme"),
        ("", "no scheme"),
        ("://x:1", "no scheme"),
        ("tcp://:9000", "host is missing"),
        ("tcp://", "host is missing"),
        ("tcp://127.0.0.1", "port is missing"),
        ("tcp://127.0.0.1:", "port is missing"),
        ("tcp://[::1]", "port is missing"),
        ("tcp://127.0.0.1:65536", "from 1 to 65535"),
        ("tcp://127.0.0.1:-1", "from 1 to 65535"),
        ("tcp://127.0.0.1:+1", "from 1 to 65535"),
        ("tcp://127.0.0.1:1e3", "from 1 to 65535"),
        ("tcp://127.0.0.1:0x50", "from 1 to 65535"),
        ("tcp://127.0.0.1: 80", "from 1 to 65535"),
        ("tcp://127.0.0.1:80 ", "from 1 to 65535"),
        ("tcp://127.0.0.1:0", "for listening only"),
        ("tcp://::1:9000", "in brackets"),
        ("tcp://[::g]:9000", "not an IPv6 address"),
        ("tcp://[127.0.0.1]:9000", "not an IPv6 address"),
        ("tcp://[fe80::1%]:9000", "not an IPv6 address"),
        ("tcp://[::1]x:9000", "host"),
        ("tcp://[::1:9000", "in brackets"),
        ("tcp://user:secret@host:1", "user name"),
        ("tcp://host:1/path", "ends after the port"),
        ("tcp://host:1/", "ends after the port"),
        ("tcp://host:1?a=b", "ends after the port"),
        ("tcp://host:1#f", "ends after the port"),
        ("tcp://127.1:9000", "complete IPv4"),
        ("tcp://256.0.0.1:9000", "complete IPv4"),
        ("tcp://0x7f000001:9000", "complete IPv4"),
        ("tcp://2130706433:9000", "complete IPv4"),
        ("tcp://a..b:1", "legal name"),
        ("tcp://-a:1", "legal name"),
        ("tcp://a b:1", "legal name"),
        ("tcp://%31:1", "legal name"),
        ("tcp://ho\nst:1", "legal name"),
        ("tcp://b\u{fc}cher.example:1", "xn--"),
        ("udp://host:1", "not known"),
        ("ws://host:1/a b", "percent-encoded"),
        ("ws://host:1/\u{e4}", "percent-encoded"),
        ("ws://host:1/#f", "fragment"),
        ("ws://user@host:1/", "user name"),
        ("ws://:1/", "host is missing"),
        ("unix://run/chat.sock", "three slashes"),
        ("unix://", "three slashes"),
        ("unix:///run/", "directory"),
        ("unix:///run/chat.sock?mode=1", "query"),
        ("unix:///run/chat.sock#f", "fragment"),
        ("unix:///run/%zz", "hexadecimal"),
        ("unix:///run/%e", "hexadecimal"),
        ("unix:///run/%ff", "hexadecimal"),
        ("unix:///run/%00", "NUL"),
    ];
    for (endpoint, why) in cases {
        let error = fault(endpoint);
        assert_eq!(error.code(), Code::EndpointInvalid, "{endpoint}: {error}");
        assert!(error.context().contains(why), "{endpoint}: {error}");
    }
}

#[test]
fn absent_schemes_are_known_to_be_absent() {
    for scheme in ["pipe", "PIPE"] {
        let error = fault(&format!("{scheme}://host:1"));
        assert_eq!(error.code(), Code::OptionUnsupported);
        assert!(error.context().contains(&scheme.to_lowercase()), "{error}");
    }
}

#[test]
fn an_error_shows_the_endpoint_without_a_password_and_within_bounds() {
    assert!(fault("tcp://host").context().contains("\"tcp://host\""));
    let error = fault("tcp://user:secret@host:1").to_string();
    assert!(
        error.contains("***@host:1") && !error.contains("secret"),
        "{error}"
    );
    let error = fault("ws://host:1/chat?token=secret#more").to_string();
    assert!(
        error.contains("\"ws://host:1/chat?***\"") && !error.contains("secret"),
        "{error}"
    );
    assert!(
        fault(&format!("tcp://{}:1", "a".repeat(100_000)))
            .context()
            .len()
            < 1000
    );
    assert!(!fault("tcp://ho\u{1b}[2Jst:1").context().contains('\u{1b}'));
}

#[tokio::test]
async fn port_0_is_for_listening() {
    let server = listen("TCP://127.0.0.1:0", Options::default())
        .await
        .expect("listens");
    assert_ne!(server.local_addr().port(), 0);
    assert_eq!(server.address(), format!("tcp://{}", server.local_addr()));
}

proptest! {
    #[test]
    fn no_text_leads_to_a_panic(text in ".*", port in "[0-9]{0,6}") {
        // None is legal, so that nothing is called, whatever else the text is.
        for endpoint in [text.clone(), format!("unix://x{text}:{port}"), format!("tcp://{text}:{port}/")] {
            let code = fault(&endpoint).code();
            prop_assert!(matches!(code, Code::EndpointInvalid | Code::OptionUnsupported));
        }
    }
}
