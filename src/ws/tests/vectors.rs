//! Verdicts of tungstenite on random streams, in a file that tests without cargo read too:
//! `test/differential/vectors.test.ts` plays them to both backends over sockets.
//!
//! Written by `cargo test --no-default-features write_the_vectors -- --ignored`.

use std::{fmt::Write, fs};

use proptest::{prelude::*, sample::Index, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

use super::{
    differential::{DIFFERENCES, Verdict, difference, ours, theirs},
    script::{acts, mutate, stream},
};
use crate::{link::Payload, ws::Role};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/test/vectors/websocket-streams.json"
);
const CASES: usize = 300;

/// Longer streams are left out: the file is for reading, too.
const LONGEST: usize = 300;
/// Not less than a control frame may have: tungstenite bounds those, too.
const MAX_MESSAGE: usize = 400;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn listed((messages, close): &Verdict) -> (Vec<String>, Option<u16>) {
    let of = |(payload, bytes): &(Payload, Vec<u8>)| match payload {
        Payload::Text => format!("text {}", hex(bytes)),
        Payload::Binary => format!("binary {}", hex(bytes)),
    };
    (messages.iter().map(of).collect(), *close)
}

fn case(role: Role, bytes: &[u8], cuts: &[usize]) -> Value {
    let theirs = theirs(role, bytes, MAX_MESSAGE);
    let (ours, why) = ours(role, bytes, MAX_MESSAGE);
    let (messages, close) = listed(&theirs);
    let mut case = json!({
        "role": match role { Role::Server => "server", Role::Client => "client" },
        "stream": hex(bytes),
        "cuts": cuts,
        "messages": messages,
        "close": close,
    });
    if ours != theirs {
        let name = difference(&ours, &theirs, &why);
        let name = name.unwrap_or_else(|| panic!("{ours:?} ({why}), but {theirs:?}"));
        case["ours"] = json!({ "why": name, "messages": ours.0.len(), "close": ours.1 });
    }
    case
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digits).collect()
}

#[test]
#[ignore = "writes the file"]
fn write_the_vectors() {
    let flips = prop::collection::vec((any::<Index>(), 1u8..), 0..2);
    let cuts = prop::collection::vec(any::<Index>(), 0..5);
    let strategy = (acts(false), any::<bool>(), flips, cuts);
    let mut runner = TestRunner::deterministic();
    let mut cases = Vec::new();
    while cases.len() < CASES {
        let tree = strategy.new_tree(&mut runner).expect("a case");
        let (acts, server, flips, cuts) = tree.current();
        let role = if server { Role::Server } else { Role::Client };
        let mut bytes = stream(&acts, role);
        if bytes.is_empty() || bytes.len() > LONGEST {
            continue;
        }
        mutate(&mut bytes, &flips);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.sort_unstable();
        cuts.dedup();
        cases.push(case(role, &bytes, &cuts).to_string());
    }
    let differences: serde_json::Map<_, _> = DIFFERENCES
        .iter()
        .map(|(name, why)| ((*name).to_owned(), json!(why)))
        .collect();
    let head = json!({
        "about": "What tungstenite makes of random WebSocket streams that end where the bytes do: messages, and the \
                  close code, 1000 where the peer's close frame was in order, null for an end without one. `ours` \
                  is where we come to another verdict: why, how many of the messages, and the code. Written by \
                  cargo test --no-default-features write_the_vectors -- --ignored",
        "maxMessage": MAX_MESSAGE,
        "differences": differences,
    });
    let head = serde_json::to_string_pretty(&head).expect("text");
    let head = head.strip_suffix("\n}").expect("an object");
    let text = format!(
        "{head},\n  \"cases\": [\n    {}\n  ]\n}}\n",
        cases.join(",\n    ")
    );
    fs::write(FILE, text).expect("written");
}

#[test]
fn the_vectors_say_what_tungstenite_says_and_we_too() {
    let text = fs::read_to_string(FILE).expect("the file");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let cases = file["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), CASES);
    for expected in cases {
        let role = match expected["role"].as_str() {
            Some("server") => Role::Server,
            _ => Role::Client,
        };
        let bytes = bytes_of(expected["stream"].as_str().expect("a stream"));
        let mut found = case(role, &bytes, &[]);
        found["cuts"] = expected["cuts"].clone();
        assert_eq!(&found, expected);
    }
}
