//! Rates of the Rust API: over real sockets, both ways, soft and hard.

mod support;

use std::time::{Duration, Instant};

use qwormhole::{Code, Connection, Options, Rate, Rates, Sent};
use support::{fault, next, pair};

/// 1 MB/s, and 100 kB at once.
fn bytes() -> Rates {
    Rates {
        bytes: Some(Rate {
            per_second: 1_000_000,
            burst: 100_000,
        }),
        ..Rates::default()
    }
}

/// Sends 600 kB, and gives the time until they have come.
async fn time(from: Connection, mut to: Connection, size: usize) -> Duration {
    let began = Instant::now();
    let count = 600_000 / size;
    let message = vec![7; size];
    let sender = async {
        for _ in 0..count {
            if from.send(&message).expect("accepted") == Sent::Backpressure {
                from.drained().await.expect("drains");
            }
        }
    };
    let receiver = async {
        for _ in 0..count {
            assert_eq!(next(&mut to).await.len(), size);
        }
    };
    tokio::join!(sender, receiver);
    began.elapsed()
}

/// Half a second and no less; a busy machine may take longer.
fn assert_half_a_second(time: Duration) {
    let range = Duration::from_millis(430)..Duration::from_secs(3);
    assert!(range.contains(&time), "{time:?}");
}

#[tokio::test]
async fn what_is_sent_is_held_back() {
    for size in [16, 1000, 60_000] {
        let options = Options {
            outbound_rates: bytes(),
            ..Options::default()
        };
        let (_server, from, to) = pair(options).await;
        assert_half_a_second(time(from, to, size).await);
    }
}

#[tokio::test]
async fn what_is_received_is_held_back() {
    for size in [16, 1000, 60_000] {
        let options = Options {
            inbound_rates: bytes(),
            ..Options::default()
        };
        let (_server, from, to) = pair(options).await;
        assert_half_a_second(time(from, to, size).await);
    }
}

#[tokio::test]
async fn who_exceeds_a_hard_rate_loses_the_connection() {
    let options = Options {
        inbound_rates: Rates {
            messages: Some(Rate {
                per_second: 1,
                burst: 3,
            }),
            is_hard: true,
            ..Rates::default()
        },
        ..Options::default()
    };
    let (_server, from, mut to) = pair(options).await;
    for _ in 0..5 {
        from.send(b"x").expect("accepted");
    }
    for _ in 0..3 {
        assert_eq!(&next(&mut to).await[..], b"x");
    }
    assert_eq!(fault(&mut to).await.code(), Code::RateLimited);
}

#[tokio::test]
async fn rates_out_of_range_are_refused() {
    let nothing = Rates {
        bytes: Some(Rate {
            per_second: 0,
            burst: 1,
        }),
        ..Rates::default()
    };
    let hard = Rates {
        is_hard: true,
        ..bytes()
    };
    for options in [
        Options {
            inbound_rates: nothing,
            ..Options::default()
        },
        Options {
            outbound_rates: hard,
            ..Options::default()
        },
    ] {
        let refused = qwormhole::listen("tcp://127.0.0.1:0", options).await;
        assert_eq!(
            refused.err().map(|error| error.code()),
            Some(Code::OptionInvalid)
        );
    }
}
