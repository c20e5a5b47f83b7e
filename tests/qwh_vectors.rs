//! QWH/1 against the vectors that both languages share.

#[path = "support/qwh.rs"]
mod qwh;

use serde_json::Value;

fn check(file: &str) {
    let vectors: Vec<Value> = serde_json::from_str(file).expect("vectors");
    assert!(!vectors.is_empty());
    for vector in vectors {
        let verdict = qwh::verdict(&vector["request"]);
        assert_eq!(verdict, vector["expect"], "{}", vector["name"]);
    }
}

macro_rules! vectors {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("../test/vectors/qwh/", stringify!($name), ".json")));
        })*
    };
}

vectors! { preamble answer hello negotiation handshake records schedule pack }
