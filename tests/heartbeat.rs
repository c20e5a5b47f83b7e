//! Heartbeats over the Rust API: who vanished is noticed, who is only slow is not.

mod support;

use std::time::{Duration, Instant};

use qwormhole::{Code, Connection, Heartbeat, Options, Sent, Server, connect, listen};
use support::{fault, next, payload, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

const INTERVAL: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_millis(600);

/// Long enough for a verdict that is wrong.
const LONG: Duration = Duration::from_millis(2400);

fn watched() -> Options {
    Options {
        heartbeat: Some(Heartbeat {
            interval: INTERVAL,
            timeout: TIMEOUT,
        }),
        ..Options::default()
    }
}

async fn serve() -> Server {
    listen("ws://127.0.0.1:0/", watched())
        .await
        .expect("listens")
}

async fn pair() -> (Server, Connection, Connection) {
    let server = serve().await;
    let (connection, client) =
        soon(async { tokio::join!(server.accept(), connect(server.address(), watched())) }).await;
    let (connection, client) = (connection.expect("accepts"), client.expect("connects"));
    (server, connection, client)
}

#[tokio::test]
async fn two_that_say_nothing_stay_connected() {
    let (_server, mut connection, client) = pair().await;
    sleep(LONG).await;
    client.send(payload(1, 10)).expect("accepted");
    assert_eq!(next(&mut connection).await, payload(1, 10));
}

#[tokio::test]
async fn one_that_answers_nothing_is_dead() {
    let server = serve().await;
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
async fn one_that_receives_nothing_for_a_while_is_not_evicted() {
    const SIZE: usize = 64 * 1024;
    let (_server, mut connection, client) = pair().await;
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
}
