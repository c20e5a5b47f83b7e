//! What several test files need.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{future::Future, time::Duration};

use qwormhole::{Bytes, Connection, Options, Protocol, Sent, Server, connect, listen};
use tokio::{net::TcpStream, time::timeout};

/// Long enough for a loaded machine, short enough to notice that something hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const ANY: &str = "tcp://127.0.0.1:0";

/// A server and the two ends of a connection to it: the server's and the client's.
pub async fn pair(options: Options) -> (Server, Connection, Connection) {
    let server = listen(ANY, options.clone()).await.expect("listens");
    let (connection, client) = meet(&server, options).await;
    (server, connection, client)
}

/// The two ends of a new connection to `server`: the server's and the client's, who shake hands.
pub async fn meet(server: &Server, options: Options) -> (Connection, Connection) {
    let connecting = connect(server.address(), options);
    let (connection, client) = soon(async { tokio::join!(server.accept(), connecting) }).await;
    (connection.expect("accepts"), client.expect("connects"))
}

/// Messages without a handshake.
pub fn length_prefixed() -> Options {
    Options {
        protocol: Protocol::LengthPrefixed,
        ..Options::default()
    }
}

/// The server's end of a connection to a peer that writes and reads bytes as the test wants, and shakes no hands.
pub async fn with_raw_peer(mut options: Options) -> (Connection, TcpStream) {
    if options.protocol == Protocol::Qwh {
        options.protocol = Protocol::LengthPrefixed;
    }
    let server = listen(ANY, options).await.expect("listens");
    let peer = TcpStream::connect(server.local_addr())
        .await
        .expect("connects");
    (server.accept().await.expect("accepts"), peer)
}

/// `future`'s output; a test that hangs fails instead.
pub async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("takes too long")
}

/// Waits until `condition` holds.
pub async fn eventually(mut condition: impl FnMut() -> bool) {
    soon(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// The next message, which there must be.
pub async fn next(connection: &mut Connection) -> Bytes {
    soon(connection.recv())
        .await
        .expect("not at its end")
        .expect("no fault")
}

/// The end of a connection, without a fault.
pub async fn ends(connection: &mut Connection) {
    assert!(soon(connection.recv()).await.is_none());
}

/// The fault that comes instead of a message.
pub async fn fault(connection: &mut Connection) -> qwormhole::Error {
    soon(connection.recv())
        .await
        .expect("not at its end")
        .expect_err("a fault")
}

/// Sends all, waiting where it must.
pub async fn send_all(connection: &Connection, messages: impl IntoIterator<Item = Vec<u8>>) {
    for message in messages {
        if connection.send(message).expect("accepted") == Sent::Backpressure {
            soon(connection.drained()).await.expect("drains");
        }
    }
}

/// A message's bytes: some pattern that tells it from others.
pub fn payload(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (seed.wrapping_mul(31) ^ at ^ (at >> 8)) as u8)
        .collect()
}

/// A message as it lies on the wire.
pub fn record(payload: &[u8]) -> Vec<u8> {
    let mut record = u32::try_from(payload.len())
        .expect("fits")
        .to_be_bytes()
        .to_vec();
    record.extend_from_slice(payload);
    record
}
