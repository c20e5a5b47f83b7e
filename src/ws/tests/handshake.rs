//! The opening handshake: the example of RFC 6455 §1.3, and rows A3, A4, A7, A8, A18 of the tables of
//! bad input.

use std::time::{Duration, Instant};

use crate::{
    error::Code,
    ws::{
        HeadLimits, Params,
        client::{Answer, ClientHandshake, Wish},
        request::{Refusal, Request, RequestHead, RequestReader},
        response,
    },
};

const GOOD: &str = "GET /chat?room=1 HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

fn whole(request: &[u8]) -> (RequestHead, usize) {
    match RequestReader::default().read(request) {
        Request::Whole { head, used } => (*head, used),
        other => panic!("{other:?}"),
    }
}

fn refused(request: &str) -> u16 {
    match RequestReader::default().read(request.as_bytes()) {
        Request::Refused(Refusal { status, .. }) => status,
        other => panic!("{request}: {other:?}"),
    }
}

/// The good request with one line put in place of another.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}

#[test]
fn the_example_of_the_rfc() {
    let request = [GOOD.as_bytes(), b"\x81\x85frames"].concat();
    let (head, used) = whole(&request);
    assert_eq!(used, GOOD.len());
    assert_eq!(head.target, "/chat?room=1");
    assert_eq!(head.protocols, ["chat", "superchat"]);
    assert_eq!(head.headers.len(), 7);
    let first = head.headers.iter().next();
    assert_eq!(first, Some(("Host", &b"server.example.com"[..])));
    let answer = response::upgrade(&head, Some("chat"), None, &[("X-Id", b"7")]).unwrap();
    assert_eq!(
        String::from_utf8(answer).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         Sec-WebSocket-Protocol: chat\r\n\
         X-Id: 7\r\n\r\n"
    );
}

#[test]
fn a_request_that_trickles_in() {
    let mut reader = RequestReader::default();
    for end in 0..GOOD.len() {
        let part = reader.read(&GOOD.as_bytes()[..end]);
        assert!(matches!(part, Request::Partial), "{end}: {part:?}");
    }
    let last = reader.read(GOOD.as_bytes());
    assert!(matches!(last, Request::Whole { used, .. } if used == GOOD.len()));
}

#[test]
fn liberties_that_a_client_may_take() {
    for request in [
        with("Connection: Upgrade", "Connection: keep-alive, upgrade"),
        with("Upgrade: websocket", "UPGRADE: WebSocket"),
        with("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket"),
        with("Host: ", "Host:\t"),
        with("/chat?room=1", "http://server.example.com/chat?room=1"),
        with("Origin: http://example.com", "Content-Length: 0"),
        with("Origin: http://example.com", "X-Latin: caf\u{e9}"),
    ] {
        let (head, _) = whole(request.as_bytes());
        assert_eq!(head.target, "/chat?room=1");
    }
}

#[test]
fn requests_that_are_refused() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let version = "Sec-WebSocket-Version: 13";
    let protocols = "Sec-WebSocket-Protocol: chat, superchat";
    for (from, to, status) in [
        ("GET", "POST", 405),
        ("GET", "OPTIONS", 405),
        ("HTTP/1.1", "HTTP/1.0", 400),
        ("HTTP/1.1", "HTTP/2.0", 400),
        ("/chat?room=1", "chat", 400),
        ("/chat?room=1", "*", 400),
        ("Host: server.example.com\r\n", "", 400),
        (
            "Host: server.example.com\r\n",
            "Host: a\r\nHost: b\r\n",
            400,
        ),
        ("Upgrade: websocket\r\n", "", 426),
        ("Upgrade: websocket", "Upgrade: h2c", 426),
        ("Connection: Upgrade\r\n", "", 400),
        ("Connection: Upgrade", "Connection: close", 400),
        (version, "Sec-WebSocket-Version: 12", 426),
        (version, "Sec-WebSocket-Version: 8", 426),
        (version, "X: y", 426),
        (
            version,
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13",
            400,
        ),
        (key, "X: y", 400),
        (key, "Sec-WebSocket-Key: ", 400),
        (key, "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==", 400),
        (key, "Sec-WebSocket-Key: dGhlIHNhbXBs*SBub25jZQ==", 400),
        (key, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA", 400),
        (key, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==", 400),
        (key, &format!("{key}\r\n{key}"), 400),
        (protocols, "Sec-WebSocket-Protocol: chat,, superchat", 400),
        (protocols, "Sec-WebSocket-Protocol: chat, chat", 400),
        (protocols, "Sec-WebSocket-Protocol: a b", 400),
        (
            protocols,
            "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a",
            400,
        ),
        (protocols, "Sec-WebSocket-Extensions: ,", 400),
        (protocols, "Sec-WebSocket-Extensions: a; b=\"", 400),
        (protocols, "Content-Length: 5", 400),
        (protocols, "Transfer-Encoding: chunked", 400),
        (protocols, "X Y: z", 400),
        (protocols, "X: a\0b", 400),
        (protocols, "X: a\r\n folded", 400),
        (protocols, "X: a\n\n", 400),
        (protocols, "X: a\nY: b", 400),
        (protocols, "no colon", 400),
        ("/chat?room=1", &format!("/{}", "a".repeat(9_000)), 414),
    ] {
        assert_eq!(refused(&with(from, to)), status, "{to}");
    }
}

#[test]
fn something_else_than_http_is_refused_at_once() {
    for start in [&b"\x16\x03\x01"[..], b"\0", b"\r\n", b"get / "] {
        let read = RequestReader::default().read(start);
        assert!(matches!(
            read,
            Request::Refused(Refusal { status: 400, .. })
        ));
    }
}

#[test]
fn heads_that_are_too_large() {
    let more = |count| with("Origin", &format!("{}Origin", "a: b\r\n".repeat(count)));
    assert_eq!(refused(&more(2_000)), 431);
    assert_eq!(refused(&more(94)), 431);
    let (head, _) = whole(more(93).as_bytes());
    assert_eq!(head.headers.len(), 100);
    // The end lies beyond the limit, or nowhere.
    assert_eq!(refused(&with("example.com\r\n", &"x".repeat(17_000))), 431);
    assert_eq!(
        refused(&format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(17_000))),
        431
    );
}

#[test]
fn a_head_without_end_costs_linear_time() {
    let endless = vec![b'X'; 16 * 1024];
    let started = Instant::now();
    let mut reader = RequestReader::default();
    for end in 0..endless.len() {
        assert!(matches!(reader.read(&endless[..end]), Request::Partial));
    }
    assert!(matches!(
        reader.read(&endless),
        Request::Refused(Refusal { status: 431, .. })
    ));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn garbage_in_lists_costs_linear_time() {
    let started = Instant::now();
    for name in ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"] {
        for unit in [",", " ", ";", "\"", "a,", "a ,", "constructor;"] {
            let value = unit.repeat(15_000 / unit.len());
            let request = with("Origin: http://example.com", &format!("{name}: a{value}a"));
            let read = RequestReader::default().read(request.as_bytes());
            assert!(!matches!(read, Request::Partial));
        }
    }
    let many: Vec<String> = (0..3_000).map(|at| format!("{at:x}")).collect();
    let value = format!("Sec-WebSocket-Protocol: {}", many.join(","));
    let (head, _) = whole(with("Sec-WebSocket-Protocol: chat, superchat", &value).as_bytes());
    assert_eq!(head.protocols.len(), 3_000);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn answers_cannot_be_split() {
    let (head, _) = whole(GOOD.as_bytes());
    let refusals = [
        response::upgrade(&head, Some("other"), None, &[]),
        response::upgrade(&head, None, None, &[("X", b"a\r\nY: b")]),
        response::upgrade(&head, None, None, &[("Upgrade", b"websocket")]),
        response::refusal(403, &[("X\n", b"")], ""),
        response::refusal(101, &[], ""),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().code(), Code::OptionInvalid);
    }
}

#[test]
fn a_refusal_is_a_whole_answer() {
    let answer = response::refusal(426, &[("Retry-After", b"5")], "why").unwrap();
    assert_eq!(
        String::from_utf8(answer).unwrap(),
        "HTTP/1.1 426 Upgrade Required\r\n\
         Connection: close\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Retry-After: 5\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 3\r\n\r\nwhy"
    );
}

fn wish() -> Wish<'static> {
    Wish {
        target: "/chat?x=1",
        host: "localhost:8080",
        protocols: &["chat", "superchat"],
        deflate: Some(Params::default()),
        headers: &[("Authorization", b"Bearer x")],
        limits: HeadLimits::default(),
    }
}

/// A handshake up to the server's answer.
fn answered(answer: impl FnOnce(&RequestHead) -> Vec<u8>) -> crate::Result<Answer> {
    let (mut handshake, request) = ClientHandshake::start(&wish()).unwrap();
    let (head, used) = whole(&request);
    assert_eq!(used, request.len());
    handshake.read(&answer(&head))
}

#[test]
fn both_roles_agree() {
    let read = answered(|head| {
        assert_eq!(head.target, "/chat?x=1");
        let (_, extensions) = head.accept_deflate(&Params::default()).unwrap();
        let mut answer =
            response::upgrade(head, Some("superchat"), Some(&extensions), &[]).unwrap();
        answer.extend_from_slice(b"\x81\x00");
        answer
    });
    let Ok(Answer::Upgraded { head, .. }) = read else {
        panic!("{read:?}");
    };
    assert_eq!(head.protocol.as_deref(), Some("superchat"));
    assert_eq!(head.deflate, Some(Params::default()));
}

#[test]
fn an_answer_that_trickles_in() {
    let (mut handshake, request) = ClientHandshake::start(&wish()).unwrap();
    let (head, _) = whole(&request);
    let none = response::upgrade(&head, None, None, &[]).unwrap();
    assert!(handshake.clone().read(&none).is_err(), "no subprotocol");
    let answer = response::upgrade(&head, Some("chat"), None, &[]).unwrap();
    for end in 0..answer.len() {
        let part = handshake.read(&answer[..end]).unwrap();
        assert!(matches!(part, Answer::Partial));
    }
    let last = handshake.read(&answer).unwrap();
    assert!(matches!(last, Answer::Upgraded { used, .. } if used == answer.len()));
}

#[test]
fn answers_that_are_no_upgrade() {
    let accept = "Sec-WebSocket-Accept: ";
    let changes: &[(&str, &str)] = &[
        ("HTTP/1.1 101", "HTTP/1.0 101"),
        ("HTTP/1.1 101", "garbage 101"),
        (accept, "Sec-WebSocket-Accept: x"),
        (accept, "X: "),
        ("Upgrade: websocket\r\n", ""),
        ("Upgrade: websocket\r\n", "Upgrade: h2c\r\n"),
        (
            "Upgrade: websocket\r\n",
            "Upgrade: websocket\r\nUpgrade: websocket\r\n",
        ),
        ("Connection: Upgrade\r\n", ""),
        (
            "Connection: Upgrade\r\n",
            "Sec-WebSocket-Protocol: x\r\nConnection: Upgrade\r\n",
        ),
        (
            "Connection: Upgrade\r\n",
            "Sec-WebSocket-Extensions: x\r\nConnection: Upgrade\r\n",
        ),
        (
            "Connection: Upgrade\r\n",
            "Connection: Upgrade\r\nSec-WebSocket-Extensions: \
             permessage-deflate; server_max_window_bits=99\r\n",
        ),
        (
            "Connection: Upgrade\r\n",
            "Connection: Upgrade\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n",
        ),
    ];
    for (from, to) in changes {
        let read = answered(|head| {
            let answer = response::upgrade(head, None, None, &[]).unwrap();
            let text = String::from_utf8(answer).unwrap();
            assert!(text.contains(from));
            text.replacen(from, to, 1).into_bytes()
        });
        assert_eq!(read.unwrap_err().code(), Code::Handshake, "{to}");
    }
    for unit in ["a: b\r\n", "x"] {
        let endless = format!("HTTP/1.1 101 S\r\n{}\r\n\r\n", unit.repeat(20_000));
        let read = answered(|_| endless.into_bytes());
        assert_eq!(read.unwrap_err().code(), Code::Handshake);
    }
    let many = format!("HTTP/1.1 101 S\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert_eq!(
        answered(|_| many.into_bytes()).unwrap_err().code(),
        Code::Handshake
    );
}

#[test]
fn another_status_is_given_as_it_is() {
    let body = "b".repeat(100 * 1024);
    for status in [200, 301, 401, 503] {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let head = format!("{interim}HTTP/1.1 {status} X\r\nLocation: http://other/\r\n\r\n{body}");
        let Ok(Answer::Declined(declined)) = answered(|_| head.into_bytes()) else {
            panic!("no refusal");
        };
        assert_eq!(declined.status, status);
        assert_eq!(declined.body().len(), 1024);
        let location: Vec<&[u8]> = declined.headers.all("location").collect();
        assert_eq!(location, [b"http://other/"]);
        let error = declined.error();
        assert_eq!(error.code(), Code::UpgradeRefused);
        assert!(error.context().contains(&status.to_string()));
    }
}

#[test]
fn interim_answers_are_skipped_however_they_come() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let (mut handshake, request) = ClientHandshake::start(&wish()).unwrap();
    let (head, _) = whole(&request);
    let answer = response::upgrade(&head, Some("chat"), None, &[]).unwrap();
    let bytes = [&interim[..], &answer].concat();
    for end in 0..bytes.len() {
        let answer = handshake.read(&bytes[..end]).unwrap();
        assert!(matches!(answer, Answer::Partial), "{end}");
    }
    let Ok(Answer::Upgraded { used, .. }) = handshake.read(&bytes) else {
        panic!("no upgrade");
    };
    assert_eq!(used, bytes.len());
    let endless = interim.repeat(1000);
    assert_eq!(answered(|_| endless).unwrap_err().code(), Code::Handshake);
}

#[test]
fn requests_cannot_be_split() {
    let good = wish();
    for bad in [
        Wish {
            target: "/a b",
            ..good
        },
        Wish {
            target: "/\r\nX: y",
            ..good
        },
        Wish {
            target: "a",
            ..good
        },
        Wish { host: "", ..good },
        Wish {
            host: "a\r\nX: y",
            ..good
        },
        Wish {
            protocols: &["a", "a"],
            ..good
        },
        Wish {
            protocols: &["a,b"],
            ..good
        },
        Wish {
            protocols: &[""],
            ..good
        },
        Wish {
            headers: &[("host", b"b")],
            ..good
        },
        Wish {
            headers: &[("Sec-WebSocket-Protocol", b"b")],
            ..good
        },
        Wish {
            headers: &[("X", b"a\nb")],
            ..good
        },
        Wish {
            headers: &[("X\0", b"a")],
            ..good
        },
    ] {
        let error = ClientHandshake::start(&bad).unwrap_err();
        assert_eq!(error.code(), Code::OptionInvalid);
    }
}
