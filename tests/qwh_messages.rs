//! Messages of QWH/1 between our own ends, over every carrier, and how connections end.

#[path = "support/authority.rs"]
mod authority;
#[path = "support/carriers.rs"]
mod carriers;
#[path = "support/qwh_peer.rs"]
mod qwh_peer;
mod support;

use std::time::Duration;

use carriers::{SCHEMES, pair_over};
use qwh_peer::shake;
use qwormhole::{
    Class, CloseCode, Code, Options, Rate, Rates, SendError, listen,
    qwh::{Carrier, Encoder, GoAway},
};
use support::{ANY, ends, fault, next, pair, payload, send_all, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn messages_of_every_size_come_back_over_every_carrier() {
    let sizes = [
        0,
        1,
        100,
        16_383,
        16_384,
        16_385,
        65_535,
        65_536,
        100_000,
        1 << 20,
        4 << 20,
    ];
    for scheme in SCHEMES {
        let (_server, mut connection, mut client) =
            pair_over(scheme, Options::default(), Options::default()).await;
        let echo = tokio::spawn(async move {
            while let Some(message) = connection.recv().await {
                send_all(&connection, [message.expect("no fault").to_vec()]).await;
            }
            connection.close().await.expect("closes in order");
        });
        for (seed, size) in sizes.into_iter().enumerate() {
            send_all(&client, [payload(seed, size)]).await;
            let back = next(&mut client).await;
            assert!(
                back == payload(seed, size),
                "{size} bytes over {scheme}: {} came back",
                back.len()
            );
        }
        soon(client.close()).await.expect("closes in order");
        soon(echo).await.expect("no panic");
    }
}

#[tokio::test]
async fn an_urgent_message_overtakes_the_rest_of_a_large_one() {
    for scheme in SCHEMES {
        let slow = Options {
            outbound_rates: Rates {
                bytes: Some(Rate {
                    per_second: 1_000_000,
                    burst: 50_000,
                }),
                ..Rates::default()
            },
            ..Options::default()
        };
        let (_server, mut connection, client) = pair_over(scheme, Options::default(), slow).await;
        let large = payload(1, 300_000);
        client
            .send_with_class(&large, Class::Low)
            .expect("accepted");
        // Its first pieces are on their way.
        support::eventually(|| client.buffered_amount() < large.len()).await;
        client
            .send_with_class("urgent", Class::High)
            .expect("accepted");
        assert_eq!(next(&mut connection).await, "urgent");
        assert!(client.buffered_amount() > 0, "the large one is not through");
        assert_eq!(next(&mut connection).await, large);
    }
}

#[tokio::test]
async fn nothing_larger_than_the_peer_takes_is_sent() {
    let small = Options {
        max_message: 1000,
        ..Options::default()
    };
    let (_server, mut connection, client) = pair_over("tcp", small, Options::default()).await;
    let refused = client.send(payload(1, 1001)).expect_err("too big");
    let expected = SendError::TooBig {
        length: 1001,
        limit: 1000,
    };
    assert_eq!(refused, expected);
    client.send(payload(2, 1000)).expect("accepted");
    assert_eq!(next(&mut connection).await, payload(2, 1000));
    connection.send(payload(3, 1000)).expect("accepted");
    assert!(connection.send(payload(3, 1001)).is_err(), "our own limit");
}

#[tokio::test]
async fn text_is_bytes() {
    let (_server, mut connection, client) =
        pair_over("ws", Options::default(), Options::default()).await;
    client.send_text("text").expect("accepted");
    let message = soon(connection.recv_message()).await.expect("a message");
    let message = message.expect("no fault");
    assert!(!message.is_text() && message[..] == b"text"[..]);
}

#[tokio::test]
async fn the_last_word_says_why_and_when_to_come_back() {
    for scheme in SCHEMES {
        let (_server, connection, mut client) =
            pair_over(scheme, Options::default(), Options::default()).await;
        connection.send("before").expect("accepted");
        connection.advise(Duration::from_secs(7));
        let closing = tokio::spawn(async move {
            let closed = connection.close_with(CloseCode::SHUTDOWN.0, "later").await;
            (closed, connection.goaway())
        });
        assert_eq!(next(&mut client).await, "before");
        ends(&mut client).await;
        soon(client.close()).await.expect("closes in order");
        let expected = GoAway {
            code: CloseCode::SHUTDOWN,
            last_stream: 0,
            retry_after_ms: 7000,
            reason: "later".to_owned(),
        };
        assert_eq!(client.goaway(), Some(expected), "over {scheme}");
        assert_eq!(client.close_frame(), None);
        let (closed, _) = soon(closing).await.expect("no panic");
        closed.expect("closes in order");
    }
}

#[tokio::test]
async fn an_end_in_order_has_the_code_that_says_so() {
    let (_server, mut connection, client) = pair(Options::default()).await;
    let closing = tokio::spawn(async move { client.close().await });
    ends(&mut connection).await;
    connection.send("an answer still").expect("accepted");
    soon(connection.close()).await.expect("closes in order");
    soon(closing).await.expect("no panic").expect("in order");
    let goaway = connection.goaway().expect("a last word");
    assert_eq!((goaway.code, goaway.retry_after_ms), (CloseCode::OK, 0));
}

#[tokio::test]
async fn without_a_last_word_a_connection_is_lost() {
    let server = listen(ANY, Options::default()).await.expect("listens");
    let address = server.local_addr();
    let (connection, peer) = soon(async { tokio::join!(server.accept(), shake(address)) }).await;
    let mut connection = connection.expect("accepts");
    drop(peer);
    assert_eq!(fault(&mut connection).await.code(), Code::ConnectionLost);
    assert_eq!(connection.goaway(), None);
}

#[tokio::test]
async fn who_breaks_the_rules_is_told_which() {
    let server = listen(ANY, Options::default()).await.expect("listens");
    let address = server.local_addr();
    let (connection, peer) = soon(async { tokio::join!(server.accept(), shake(address)) }).await;
    let (mut connection, mut peer) = (connection.expect("accepts"), peer);
    // A record that is empty.
    peer.write_all(&[0, 0]).await.expect("writes");
    let error = fault(&mut connection).await;
    assert_eq!(error.code(), Code::Protocol);
    assert_eq!(error.close_code(), Some(CloseCode::PROTOCOL));
    drop(connection);
    let mut told = Vec::new();
    soon(peer.read_to_end(&mut told)).await.expect("an end");
    let mut encoder = Encoder::new(Carrier::Stream);
    let mut expected = Vec::new();
    let goaway = GoAway {
        code: CloseCode::PROTOCOL,
        last_stream: 0,
        retry_after_ms: 0,
        reason: error.context().to_owned(),
    };
    encoder.goaway(&goaway, &mut expected);
    encoder.seal(&mut expected);
    assert_eq!(told, expected);
}
