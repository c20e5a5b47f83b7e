//! Bounds: what is queued here, what waits to be received, and what `send` says about it.

mod support;

use std::time::Duration;

use qwormhole::{Code, Options, SendError, Sent, listen};
use support::{
    ANY, eventually, length_prefixed, meet, next, pair, payload, record, soon, with_raw_peer,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::sleep,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn small_kernel_buffers() -> Options {
    let mut options = Options::default();
    options.socket.send_buffer = Some(64 * KIB);
    options.socket.receive_buffer = Some(64 * KIB);
    options
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_noticed_and_bounded() {
    let (connection, mut peer) = with_raw_peer(small_kernel_buffers()).await;
    let message = payload(1, 64 * KIB);
    let (mut sent, mut backpressure, mut dropped) = (0, 0, 0);
    let mut most = 0;
    // 250 MB offered.
    for round in 0..4000 {
        match connection.send(&message) {
            Ok(Sent::Sent) => sent += 1,
            Ok(Sent::Backpressure) => backpressure += 1,
            Err(SendError::Full { queued, cap }) => {
                assert!(queued + message.len() > cap && cap == 4 * MIB);
                dropped += 1;
            }
            Err(other) => panic!("{other}"),
        }
        most = most.max(connection.buffered_amount());
        if round % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert!(
        sent > 15 && backpressure > 40,
        "{sent} sent, {backpressure} backpressure"
    );
    assert_eq!(sent + backpressure + dropped, 4000);
    assert!(most <= 4 * MIB);
    // What was accepted arrives, and nothing else.
    let mut received = vec![0; (sent + backpressure) * (message.len() + 4)];
    soon(peer.read_exact(&mut received))
        .await
        .expect("all that was accepted");
    soon(connection.flushed()).await.expect("flushes");
    assert_eq!(connection.buffered_amount(), 0);
    drop(connection);
    assert_eq!(soon(peer.read(&mut received)).await.expect("an end"), 0);
}

#[tokio::test]
async fn drained_resolves_at_the_low_watermark() {
    let options = Options {
        high_water_mark: Some(256 * KIB),
        low_water_mark: Some(32 * KIB),
        ..small_kernel_buffers()
    };
    let (connection, mut peer) = with_raw_peer(options).await;
    while connection.send(payload(2, 16 * KIB)).expect("accepted") == Sent::Sent {
        tokio::task::yield_now().await;
    }
    assert!(connection.buffered_amount() >= 256 * KIB);
    let reader = tokio::spawn(async move {
        let mut sink = vec![0; 64 * KIB];
        while peer.read(&mut sink).await.expect("reads") > 0 {}
    });
    soon(connection.drained()).await.expect("drains");
    assert!(connection.buffered_amount() <= 32 * KIB);
    soon(connection.flushed()).await.expect("flushes");
    assert_eq!(connection.buffered_amount(), 0);
    drop(connection);
    soon(reader).await.expect("no panic");
}

#[tokio::test]
async fn who_waits_for_drained_never_sees_a_drop() {
    let (_server, mut connection, client) = pair(small_kernel_buffers()).await;
    let receiver = tokio::spawn(async move {
        for _ in 0..2000 {
            assert_eq!(next(&mut connection).await.len(), 16 * KIB);
        }
    });
    support::send_all(&client, (0..2000).map(|seed| payload(seed, 16 * KIB))).await;
    soon(receiver).await.expect("no panic");
}

#[tokio::test]
async fn an_empty_queue_takes_one_message_of_any_legal_size() {
    let options = Options {
        max_queued: 8 * KIB,
        max_message: MIB,
        ..Options::default()
    };
    let (_server, mut connection, client) = pair(options).await;
    assert_eq!(client.send(payload(3, MIB)), Ok(Sent::Backpressure));
    assert!(matches!(client.send("x"), Err(SendError::Full { .. })));
    assert!(matches!(
        client.send(payload(3, MIB + 1)),
        Err(SendError::TooBig { length, limit: MIB }) if length == MIB + 1
    ));
    assert_eq!(next(&mut connection).await.len(), MIB);
    soon(client.drained()).await.expect("drains");
    assert_eq!(client.send("x"), Ok(Sent::Sent));
}

#[tokio::test]
async fn empty_messages_are_bounded_too() {
    let options = Options {
        max_queued: 64 * KIB,
        ..Options::default()
    };
    let (_server, mut connection, client) = pair(options).await;
    let accepted = (0..100_000).take_while(|_| client.send("").is_ok()).count();
    assert_eq!(accepted, 64 * KIB / 16);
    for _ in 0..accepted {
        assert!(next(&mut connection).await.is_empty());
    }
}

#[tokio::test]
async fn a_receiver_that_lags_stops_the_peer() {
    let window = 128 * KIB;
    let options = Options {
        receive_window: window,
        ..small_kernel_buffers()
    };
    let (mut connection, mut peer) = with_raw_peer(options).await;
    let one = record(&payload(4, 10_000));
    let mut written = 0;
    // Until nothing more goes in for a while: all buffers on the way are full.
    while let Ok(result) =
        tokio::time::timeout(Duration::from_millis(300), peer.write_all(&one)).await
    {
        result.expect("writes");
        written += 1;
        assert!(written * one.len() < 16 * MIB, "unbounded");
    }
    for _ in 0..written {
        assert_eq!(next(&mut connection).await.len(), 10_000);
    }
}

#[tokio::test]
async fn a_large_message_comes_through_a_small_window() {
    let options = Options {
        receive_window: 1,
        ..Options::default()
    };
    let (_server, mut connection, client) = pair(options).await;
    for seed in 0..5 {
        client.send(payload(seed, 700_000)).expect("accepted");
        client.send(payload(seed, 10)).expect("accepted");
    }
    for seed in 0..5 {
        assert_eq!(next(&mut connection).await, payload(seed, 700_000));
        assert_eq!(next(&mut connection).await, payload(seed, 10));
    }
}

#[tokio::test]
async fn the_budget_of_a_server_is_shared_and_comes_back() {
    let budget = MIB;
    let options = Options {
        memory_budget: budget,
        ..small_kernel_buffers()
    };
    let server = listen(ANY, options).await.expect("listens");
    let mut clients = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..3 {
        let (connection, client) = meet(&server, small_kernel_buffers()).await;
        clients.push(client);
        connections.push(connection);
    }
    let fill = |connection: &qwormhole::Connection| loop {
        match connection.send(payload(5, 16 * KIB)) {
            Ok(_) => {}
            Err(refused) => break refused,
        }
    };
    // Nothing is written meanwhile: the first takes all there is, and leaves nothing to the others.
    assert_eq!(fill(&connections[0]), SendError::Budget);
    assert_eq!(connections[0].buffered_amount(), budget);
    assert_eq!(fill(&connections[1]), SendError::Budget);
    let mut reader = clients.remove(0);
    for _ in 0..budget / (16 * KIB) {
        assert_eq!(next(&mut reader).await.len(), 16 * KIB);
    }
    soon(connections[0].flushed()).await.expect("flushes");
    assert!(connections[1].send("room again").is_ok());
}

#[tokio::test]
async fn a_budget_used_up_stops_reading_until_it_is_freed() {
    let options = Options {
        memory_budget: 64 * KIB,
        ..small_kernel_buffers()
    };
    let server = listen(ANY, options).await.expect("listens");
    let (lagging, one) = meet(&server, Options::default()).await;
    support::send_all(&one, vec![payload(6, 8 * KIB); 16]).await;
    sleep(Duration::from_millis(50)).await;
    let (mut waiting, other) = meet(&server, Options::default()).await;
    other.send("waits").expect("accepted");
    let early = tokio::time::timeout(Duration::from_millis(100), waiting.recv()).await;
    assert!(early.is_err(), "read although the budget is used up");
    drop(lagging);
    assert_eq!(next(&mut waiting).await, "waits");
}

#[tokio::test]
async fn unfinished_messages_do_not_keep_whole_ones_out() {
    let options = Options {
        memory_budget: 256 * KIB,
        max_message: MIB,
        ..length_prefixed()
    };
    let server = listen(ANY, options).await.expect("listens");
    let mut peers = Vec::new();
    let mut connections = Vec::new();
    // Each announces much, sends some, and never finishes: together more than the budget.
    for _ in 0..8 {
        let mut peer = tokio::net::TcpStream::connect(server.local_addr())
            .await
            .expect("connects");
        let start = &record(&payload(7, MIB))[..60 * KIB];
        soon(peer.write_all(start)).await.expect("writes");
        peers.push(peer);
        connections.push(server.accept().await.expect("accepts"));
    }
    sleep(Duration::from_millis(50)).await;
    let (mut connection, client) = meet(&server, length_prefixed()).await;
    client.send(payload(8, 1000)).expect("accepted");
    assert_eq!(next(&mut connection).await, payload(8, 1000));
}

#[tokio::test]
async fn what_is_dropped_with_its_connection_is_freed() {
    let options = Options {
        memory_budget: 128 * KIB,
        max_connections: 1,
        ..Options::default()
    };
    let server = listen(ANY, options).await.expect("listens");
    for round in 0..20 {
        let (connection, client) = meet(&server, Options::default()).await;
        client.send(payload(round, 50 * KIB)).expect("accepted");
        connection
            .send(payload(round, 50 * KIB))
            .expect("the budget is free again");
        if round % 2 == 0 {
            connection.terminate();
        }
        drop(connection);
        drop(client);
        eventually(|| server.connection_count() == 0).await;
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_with_a_code() {
    let options = Options {
        max_message: 10,
        ..Options::default()
    };
    let (_server, _connection, client) = pair(options).await;
    let refused = client.send("much too long").expect_err("too big");
    let error = qwormhole::Error::from(refused);
    assert_eq!(error.code(), Code::TooBig);
    assert!(error.context().contains("13 bytes"), "{error}");
    // What is dropped for want of room may be taken later.
    let full = SendError::Full { queued: 9, cap: 10 };
    for dropped in [full, SendError::Budget] {
        let error = qwormhole::Error::from(dropped);
        assert_eq!(error.code(), Code::Resources);
        assert!(error.code().retriable());
    }
}
