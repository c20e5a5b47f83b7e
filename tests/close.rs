//! How connections end: in order, half, late, or not at all.

mod support;

use std::{
    io::ErrorKind,
    net::TcpStream as PlainStream,
    time::{Duration, Instant},
};

use qwormhole::{Code, Connection, Options, SendError, connect, listen};
use support::{
    ANY, ends, eventually, fault, length_prefixed, next, pair, payload, record, soon, with_raw_peer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MIB: usize = 1 << 20;

fn impatient(close_timeout: Duration) -> Options {
    Options {
        close_timeout,
        ..Options::default()
    }
}

#[tokio::test]
async fn close_delivers_what_is_queued_first() {
    let (server, mut connection, client) = pair(Options::default()).await;
    for seed in 0..30 {
        client.send(payload(seed, 100_000)).expect("accepted");
    }
    let closing = tokio::spawn(async move { client.close().await });
    for seed in 0..30 {
        assert_eq!(next(&mut connection).await, payload(seed, 100_000));
    }
    ends(&mut connection).await;
    ends(&mut connection).await;
    assert!(!connection.is_closed(), "our side is still open");
    soon(connection.close()).await.expect("closes in order");
    soon(closing)
        .await
        .expect("no panic")
        .expect("closes in order");
    eventually(|| server.connection_count() == 0).await;
}

#[tokio::test]
async fn both_may_close_at_once() {
    let (_server, connection, client) = pair(Options::default()).await;
    let (one, other) = soon(async { tokio::join!(connection.close(), client.close()) }).await;
    one.expect("closes in order");
    other.expect("closes in order");
    assert!(connection.is_closed() && client.is_closed());
    soon(client.closed()).await.expect("it still is");
}

#[tokio::test]
async fn a_peer_that_ended_its_side_can_still_be_answered() {
    let (mut connection, mut peer) = with_raw_peer(Options::default()).await;
    peer.write_all(&record(b"question")).await.expect("writes");
    peer.shutdown().await.expect("ends its side");
    assert_eq!(next(&mut connection).await, "question");
    ends(&mut connection).await;
    connection.send("answer").expect("accepted");
    let close = connection.close();
    let mut answer = Vec::new();
    let (closed, read) = soon(async { tokio::join!(close, peer.read_to_end(&mut answer)) }).await;
    closed.expect("closes in order");
    read.expect("an end, not a reset");
    assert_eq!(answer, record(b"answer"));
}

#[tokio::test]
async fn nothing_is_accepted_after_close() {
    let (_server, _connection, client) = pair(Options::default()).await;
    let sender = client.sender();
    let closing = tokio::spawn(async move { client.close().await });
    eventually(|| sender.send("late").is_err()).await;
    assert_eq!(sender.send("late"), Err(SendError::Closed));
    closing.abort();
}

#[tokio::test]
async fn what_comes_while_closing_is_thrown_away() {
    let (mut connection, mut peer) = with_raw_peer(Options::default()).await;
    let closing = tokio::spawn(async move {
        let closed = connection.close().await;
        (closed, connection.recv().await.is_none())
    });
    let mut nothing = [0; 1];
    assert_eq!(soon(peer.read(&mut nothing)).await.expect("our end"), 0);
    // Not even a whole message, and much of it: none of our business any more.
    peer.write_all(&vec![0xff; 3 * MIB]).await.expect("writes");
    peer.shutdown().await.expect("ends its side");
    let (closed, ended) = soon(closing).await.expect("no panic");
    closed.expect("closes in order");
    assert!(ended);
}

#[tokio::test]
async fn a_peer_that_never_ends_its_side_is_cut() {
    let patience = Duration::from_millis(150);
    let (mut connection, mut peer) = with_raw_peer(impatient(patience)).await;
    let begun = Instant::now();
    let error = soon(connection.close()).await.expect_err("cut");
    assert_eq!(error.code(), Code::CloseTimeout);
    assert!(error.context().contains("150 ms"), "{error}");
    assert!(begun.elapsed() >= patience);
    assert_eq!(fault(&mut connection).await.code(), Code::CloseTimeout);
    ends(&mut connection).await;
    // The peer learns that this was no orderly end.
    let mut rest = Vec::new();
    let reset = soon(async {
        let ended = peer.read_to_end(&mut rest).await;
        match ended {
            Ok(_) => peer
                .write_all(b"anyone?")
                .await
                .and(peer.read_u8().await.map(drop)),
            Err(error) => Err(error),
        }
    });
    assert!(reset.await.is_err());
}

#[tokio::test]
async fn a_slow_reader_is_not_cut_while_it_makes_progress() {
    let patience = Duration::from_secs(1);
    let mut options = impatient(patience);
    options.socket.send_buffer = Some(64 * 1024);
    options.socket.receive_buffer = Some(64 * 1024);
    let (connection, mut peer) = with_raw_peer(options).await;
    for seed in 0..4 {
        connection.send(payload(seed, MIB / 2)).expect("accepted");
    }
    let begun = Instant::now();
    let closing = tokio::spawn(async move { connection.close().await });
    let (mut total, mut piece) = (0, vec![0; 64 * 1024]);
    loop {
        match soon(peer.read(&mut piece)).await.expect("no reset") {
            0 => break,
            read => total += read,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(total, 4 * (MIB / 2 + 4));
    assert!(begun.elapsed() > patience, "too quick to tell");
    drop(peer);
    soon(closing)
        .await
        .expect("no panic")
        .expect("closes in order");
}

#[tokio::test]
async fn dropping_it_closes_it_in_the_background() {
    let (server, mut connection, client) = pair(Options::default()).await;
    for seed in 0..10 {
        client.send(payload(seed, 200_000)).expect("accepted");
    }
    drop(client);
    for seed in 0..10 {
        assert_eq!(next(&mut connection).await, payload(seed, 200_000));
    }
    ends(&mut connection).await;
    drop(connection);
    eventually(|| server.connection_count() == 0).await;
}

#[tokio::test]
async fn a_sender_keeps_it_open_and_what_comes_is_thrown_away() {
    let options = Options {
        receive_window: 1000,
        ..Options::default()
    };
    let (server, mut connection, client) = pair(options).await;
    let sender = client.sender();
    drop(client);
    // Far more than the window: it does not fill, since nobody will receive.
    for seed in 0..100 {
        support::send_all(&connection, [payload(seed, 100_000)]).await;
    }
    soon(connection.flushed()).await.expect("flushes");
    sender.send("still here").expect("accepted");
    assert_eq!(next(&mut connection).await, "still here");
    drop(sender);
    ends(&mut connection).await;
    drop(connection);
    eventually(|| server.connection_count() == 0).await;
}

#[tokio::test]
async fn terminate_resets() {
    let (mut connection, mut peer) = with_raw_peer(Options::default()).await;
    connection.terminate();
    let error = soon(peer.read_u8()).await.expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let closed = soon(connection.closed()).await.expect_err("not in order");
    assert_eq!(closed.code(), Code::Closed);
    ends(&mut connection).await;
    assert_eq!(connection.send("late"), Err(SendError::Closed));
    connection.terminate();
}

#[tokio::test]
async fn a_reset_is_a_fault_told_once_after_what_came_before() {
    let (mut connection, mut peer) = with_raw_peer(Options::default()).await;
    peer.write_all(&record(b"before")).await.expect("writes");
    assert_eq!(next(&mut connection).await, "before");
    peer.set_zero_linger().expect("an option");
    drop(peer);
    let error = fault(&mut connection).await;
    assert_eq!(error.code(), Code::ConnectionLost);
    assert!(error.os_code().is_some());
    ends(&mut connection).await;
    assert_eq!(
        soon(connection.closed()).await.expect_err("a fault").code(),
        Code::ConnectionLost
    );
    assert_eq!(
        soon(connection.drained()).await.expect_err("over").code(),
        Code::Closed
    );
}

#[tokio::test]
async fn who_waits_learns_of_the_end() {
    let mut options = Options::default();
    options.socket.send_buffer = Some(64 * 1024);
    let (connection, peer) = with_raw_peer(options).await;
    for seed in 0..8 {
        connection.send(payload(seed, MIB / 2)).expect("accepted");
    }
    let waits = async { tokio::join!(connection.drained(), connection.flushed()) };
    let end = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(peer);
    };
    let ((drained, flushed), ()) = soon(async { tokio::join!(waits, end) }).await;
    assert_eq!(drained.expect_err("over").code(), Code::Closed);
    assert_eq!(flushed.expect_err("over").code(), Code::Closed);
    assert_eq!(connection.buffered_amount(), 0);
}

#[test]
fn a_runtime_that_ends_takes_its_connections_along() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    };
    let serving = runtime();
    let (connection, mut peer): (Connection, PlainStream) = serving.block_on(async {
        let server = listen(ANY, length_prefixed()).await.expect("listens");
        let peer = PlainStream::connect(server.local_addr()).expect("connects");
        (server.accept().await.expect("accepts"), peer)
    });
    connection.send("never written").expect("accepted");
    drop(serving);
    assert!(connection.is_closed());
    assert_eq!(connection.send("late"), Err(SendError::Closed));
    let mut connection = connection;
    runtime().block_on(async {
        assert_eq!(fault(&mut connection).await.code(), Code::Closed);
        ends(&mut connection).await;
    });
    assert_eq!(connection.buffered_amount(), 0);
    assert!(
        std::io::Read::read(&mut peer, &mut [0]).is_err(),
        "the peer sees a reset"
    );
}

#[tokio::test]
async fn a_server_that_is_dropped_frees_its_port_and_keeps_its_connections() {
    let (server, mut connection, client) = pair(Options::default()).await;
    let address = server.address();
    drop(server);
    let error = connect(&address, Options::default())
        .await
        .expect_err("nobody listens");
    assert_eq!(error.code(), Code::ConnectRefused);
    client.send("still").expect("accepted");
    assert_eq!(next(&mut connection).await, "still");
    let again = listen(&address, Options::default())
        .await
        .expect("the port is free");
    assert_eq!(again.address(), address);
}
