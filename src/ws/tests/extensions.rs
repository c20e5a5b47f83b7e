//! Negotiation of permessage-deflate: RFC 7692 §7.1, and headers that mean harm.

use std::time::{Duration, Instant};

use crate::{
    error::Code,
    ws::{
        Params, Side,
        extensions::{accept, check_answer, offer, parse},
    },
};

fn side(no_context_takeover: bool, window_bits: u8) -> Side {
    Side {
        no_context_takeover,
        window_bits,
    }
}

fn params(server: (bool, u8), client: (bool, u8)) -> Params {
    Params {
        server: side(server.0, server.1),
        client: side(client.0, client.1),
    }
}

fn answer_to(offers: &str, ours: &Params) -> Option<String> {
    let offers = parse([offers.as_bytes()]).expect("well-formed");
    accept(&offers, ours).map(|(_, answer)| answer)
}

#[test]
fn a_server_accepts_what_it_can() {
    let any = Params::default();
    for (offers, expected) in [
        ("permessage-deflate", Some("permessage-deflate")),
        (
            "permessage-deflate; client_max_window_bits",
            Some("permessage-deflate"),
        ),
        (
            "permessage-deflate; client_max_window_bits=10; server_max_window_bits=12",
            Some("permessage-deflate; server_max_window_bits=12; client_max_window_bits=10"),
        ),
        (
            "permessage-deflate; server_max_window_bits=\"1\\0\"",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            Some("permessage-deflate"),
        ),
        (
            "permessage-deflate; use_strong, constructor, x; a=b, permessage-deflate",
            Some("permessage-deflate"),
        ),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=010", None),
        ("permessage-deflate; client_max_window_bits=7", None),
        (
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            None,
        ),
        ("permessage-deflate; server_no_context_takeover=1", None),
        (
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            None,
        ),
        ("permessage-deflate; constructor", None),
        ("__proto__; constructor=toString", None),
        ("PerMessage-Deflate", None),
    ] {
        assert_eq!(answer_to(offers, &any).as_deref(), expected, "{offers}");
    }
}

#[test]
fn a_server_sets_bounds_of_its_own() {
    let ours = params((true, 11), (true, 10));
    assert_eq!(
        answer_to("permessage-deflate; client_max_window_bits", &ours).as_deref(),
        Some(
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=11; client_max_window_bits=10"
        )
    );
    // Who does not understand the bound cannot be given it, and compresses with any window.
    assert_eq!(
        answer_to("permessage-deflate", &ours).as_deref(),
        Some(
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=11"
        )
    );
}

#[test]
fn a_client_checks_the_answer() {
    let ours = params((false, 15), (false, 15));
    assert_eq!(offer(&ours), "permessage-deflate; client_max_window_bits");
    let check = |answer: &[&str], ours: Option<&Params>| {
        let agreed = check_answer(answer.iter().map(|value| value.as_bytes()), ours);
        agreed.map_err(|error| assert_eq!(error.code(), Code::Handshake))
    };
    assert_eq!(check(&[], Some(&ours)), Ok(None));
    assert_eq!(check(&["permessage-deflate"], Some(&ours)), Ok(Some(ours)));
    assert_eq!(
        check(
            &[
                "permessage-deflate; server_max_window_bits=9; client_max_window_bits=8; \
               client_no_context_takeover"
            ],
            Some(&ours)
        ),
        Ok(Some(params((false, 9), (true, 8))))
    );
    for answer in [
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=99",
        "permessage-deflate; server_max_window_bits=abc",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; unknown",
        "permessage-bzip2",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate;",
        "",
    ] {
        assert_eq!(check(&[answer], Some(&ours)), Err(()), "{answer}");
    }
    assert_eq!(check(&["permessage-deflate"; 2], Some(&ours)), Err(()));
    assert_eq!(check(&["permessage-deflate"], None), Err(()));
}

#[test]
fn a_client_insists_on_its_bounds() {
    let ours = params((true, 10), (false, 12));
    let check = |answer: &str| check_answer([answer.as_bytes()], Some(&ours)).is_ok();
    assert!(check(
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10"
    ));
    assert!(!check(
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=11"
    ));
    assert!(!check("permessage-deflate; server_no_context_takeover"));
    assert!(!check("permessage-deflate; server_max_window_bits=10"));
    assert!(!check(
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
         client_max_window_bits=13"
    ));
}

#[test]
fn what_the_client_offers_the_server_can_accept() {
    for server_bits in 9..=15 {
        for client_bits in 8..=15 {
            for takeover in 0..4 {
                let ours = params(
                    (takeover & 1 != 0, server_bits),
                    (takeover & 2 != 0, client_bits),
                );
                let value = offer(&ours);
                let offers = parse([value.as_bytes()]).unwrap();
                let (accepted, answer) = accept(&offers, &Params::default()).unwrap();
                let agreed = check_answer([answer.as_bytes()], Some(&ours)).unwrap();
                assert_eq!((agreed, accepted), (Some(ours), ours));
            }
        }
    }
}

#[test]
fn malformed_headers() {
    for value in [
        "",
        ",",
        ";",
        "a,",
        ",a",
        "a;",
        "a;b=",
        "a;=b",
        "a;b=\"",
        "a;b=\"\"",
        "a;b=\"c",
        "a b",
        "a;b=\"c d\"",
        "a;b=\"\\",
        "a;b=c\"",
        "a\"",
        "ä",
        "a=b",
    ] {
        assert!(parse([value.as_bytes()]).is_err(), "{value}");
    }
    assert!(parse([&b"\xff"[..]]).is_err());
    assert_eq!(parse([&b" a ; b = \"c\" , d"[..], b"e"]).unwrap().len(), 3);
}

#[test]
fn garbage_takes_linear_time() {
    const SIZE: usize = 16 * 1024;
    let started = Instant::now();
    for unit in [
        ",",
        ";",
        "\"",
        " ",
        "a;",
        "a,",
        "a;b=\"",
        "\\",
        "=",
        "a;b=\"\\\"",
        "a; b=c,",
    ] {
        let mut value = unit.repeat(SIZE / unit.len());
        let _ = parse([value.as_bytes()]);
        value.insert_str(0, "a;b=\"");
        let _ = parse([value.as_bytes()]);
        let _ = parse([format!("a{}", " ".repeat(SIZE)).as_bytes()]);
    }
    // A quadratic parser takes seconds.
    assert!(started.elapsed() < Duration::from_secs(1));
}
