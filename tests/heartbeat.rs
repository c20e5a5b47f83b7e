//! Heartbeats over the Rust API: who vanished is noticed, who is only slow is not.

#[path = "support/qwh_peer.rs"]
mod qwh_peer;
mod support;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use qwh_peer::shake;
use qwormhole::{Code, Connection, Heartbeat, Options, Protocol, Sent, Server, listen};
use support::{fault, meet, next, payload, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

const INTERVAL: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_millis(600);

/// Long enough for a verdict that is wrong.
const LONG: Duration = Duration::from_millis(2400);

/// Where there are signs of life.
const KINDS: [(&str, Protocol); 3] = [
    ("tcp://127.0.0.1:0", Protocol::Qwh),
    ("ws://127.0.0.1:0/", Protocol::Qwh),
    ("ws://127.0.0.1:0/", Protocol::Raw),
];

fn watched(protocol: Protocol) -> Options {
    Options {
        protocol,
        heartbeat: Some(Heartbeat {
            interval: INTERVAL,
            timeout: TIMEOUT,
        }),
        ..Options::default()
    }
}

async fn pair((endpoint, protocol): (&str, Protocol)) -> (Server, Connection, Connection) {
    let options = watched(protocol);
    let server = listen(endpoint, options.clone()).await.expect("listens");
    let (connection, client) = meet(&server, options).await;
    assert_eq!(client.protocol(), protocol);
    (server, connection, client)
}

/// The same with connections of every kind, all at once.
async fn with_each<F: Future<Output = ()> + Send + 'static>(
    work: impl Fn((&'static str, Protocol)) -> F,
) {
    let all = KINDS.map(|kind| tokio::spawn(work(kind)));
    for one in all {
        one.await.expect("no panic");
    }
}

#[tokio::test]
async fn two_that_say_nothing_stay_connected() {
    with_each(|kind| async move {
        let (_server, mut connection, client) = pair(kind).await;
        sleep(LONG).await;
        client.send(payload(1, 10)).expect("accepted");
        assert_eq!(next(&mut connection).await, payload(1, 10));
    })
    .await;
}

#[tokio::test]
async fn one_that_answers_nothing_is_dead() {
    let server = listen("ws://127.0.0.1:0/", watched(Protocol::Qwh))
        .await
        .expect("listens");
    let mut peer = TcpStream::connect(server.local_addr())
        .await
        .expect("connects");
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    peer.write_all(request.as_bytes()).await.expect("writes");
    let mut connection = soon(server.accept()).await.expect("accepts");
    let began = Instant::now();
    let error = fault(&mut connection).await;
    assert_eq!(error.code(), Code::HeartbeatTimeout);
    assert!(
        began.elapsed() >= TIMEOUT - INTERVAL,
        "{:?}",
        began.elapsed()
    );
    let mut received = Vec::new();
    // It ends by a reset.
    let _ = soon(peer.read_to_end(&mut received)).await;
    let pings = received
        .windows(2)
        .filter(|bytes| bytes == &[0x89, 0x00])
        .count();
    // One of a machine that stood still, two of any other.
    assert!((1..=2).contains(&pings), "{pings}");
}

#[tokio::test]
async fn one_that_shook_hands_and_answers_nothing_is_dead() {
    let server = listen("tcp://127.0.0.1:0", watched(Protocol::Qwh))
        .await
        .expect("listens");
    let address = server.local_addr();
    let (connection, peer) = soon(async { tokio::join!(server.accept(), shake(address)) }).await;
    let began = Instant::now();
    let error = fault(&mut connection.expect("accepts")).await;
    assert_eq!(error.code(), Code::HeartbeatTimeout);
    assert!(began.elapsed() >= TIMEOUT - INTERVAL);
    drop(peer);
}

#[tokio::test]
async fn one_that_receives_nothing_for_a_while_is_not_evicted() {
    const SIZE: usize = 64 * 1024;
    with_each(|kind| async move {
        let (_server, mut connection, client) = pair(kind).await;
        let mut sent = 0;
        // Until window, kernel and queue are full.
        while client.send(payload(sent, SIZE)).expect("accepted") == Sent::Sent {
            sent += 1;
            tokio::task::yield_now().await;
        }
        sleep(LONG).await;
        for index in 0..=sent {
            assert_eq!(next(&mut connection).await, payload(index, SIZE));
        }
        soon(client.flushed()).await.expect("everything is written");
    })
    .await;
}
