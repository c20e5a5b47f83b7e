//! Peers that break the protocol, systems that refuse.

mod support;

use std::time::{Duration, Instant};

use qwormhole::{Code, Options, Protocol, connect, listen};
use support::{
    ANY, ends, fault, length_prefixed, meet, next, pair, payload, record, soon, with_raw_peer,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

#[tokio::test]
async fn a_stream_that_ends_inside_a_message_is_truncated() {
    for cut in [1, 3, 4, 5, 5003] {
        let (mut connection, mut peer) = with_raw_peer(Options::default()).await;
        let mut bytes = record(b"whole");
        bytes.extend_from_slice(&record(&payload(1, 10_000))[..cut]);
        peer.write_all(&bytes).await.expect("writes");
        peer.shutdown().await.expect("ends its side");
        assert_eq!(next(&mut connection).await, "whole");
        let error = fault(&mut connection).await;
        assert_eq!(error.code(), Code::Truncated, "after {cut} bytes");
        assert!(error.context().contains("bytes into it"), "{error}");
        assert_eq!(error.details(), [("held", cut as u64)]);
        ends(&mut connection).await;
    }
}

#[tokio::test]
async fn an_oversized_message_ends_the_connection_at_its_header() {
    let options = Options {
        max_message: 1000,
        ..Options::default()
    };
    let (mut connection, mut peer) = with_raw_peer(options).await;
    let mut bytes = record(&payload(2, 1000));
    bytes.extend_from_slice(&1001_u32.to_be_bytes());
    peer.write_all(&bytes).await.expect("writes");
    assert_eq!(next(&mut connection).await, payload(2, 1000));
    let error = fault(&mut connection).await;
    assert_eq!(error.code(), Code::TooBig);
    assert!(
        error.context().contains("1001") && error.context().contains("1000"),
        "{error}"
    );
    assert_eq!(error.details(), [("size", 1001), ("limit", 1000)]);
    assert!(
        soon(peer.read_u8()).await.is_err(),
        "the peer is not kept waiting"
    );
}

#[tokio::test]
async fn other_protocols_are_refused_at_their_first_bytes() {
    for hello in [
        "GET / HTTP/1.1\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "QWH1............",
    ] {
        let (mut connection, mut peer) = with_raw_peer(Options::default()).await;
        peer.write_all(hello.as_bytes()).await.expect("writes");
        assert_eq!(
            fault(&mut connection).await.code(),
            Code::TooBig,
            "{hello:?}"
        );
    }
}

#[tokio::test]
async fn raw_has_nothing_to_break() {
    let raw = Options {
        protocol: Protocol::Raw,
        ..Options::default()
    };
    let (mut connection, mut peer) = with_raw_peer(raw).await;
    peer.write_all(b"GET /").await.expect("writes");
    assert_eq!(next(&mut connection).await, "GET /");
    peer.shutdown().await.expect("ends its side");
    ends(&mut connection).await;
}

#[tokio::test]
async fn one_broken_peer_disturbs_nobody_else() {
    let (server, mut connection, client) = pair(length_prefixed()).await;
    for _ in 0..20 {
        let mut peer = tokio::net::TcpStream::connect(server.local_addr())
            .await
            .expect("connects");
        let mut broken = server.accept().await.expect("accepts");
        peer.write_all(&[0xff; 100]).await.expect("writes");
        assert_eq!(fault(&mut broken).await.code(), Code::TooBig);
        client.send("and I?").expect("accepted");
        assert_eq!(next(&mut connection).await, "and I?");
    }
}

#[tokio::test]
async fn nobody_listens() {
    let port = {
        let server = listen(ANY, Options::default()).await.expect("listens");
        server.local_addr().port()
    };
    let error = connect(format!("tcp://127.0.0.1:{port}"), Options::default()).await;
    let error = error.expect_err("refused");
    assert_eq!(error.code(), Code::ConnectRefused);
    assert!(error.code().retriable() && error.os_code().is_some());
}

#[tokio::test]
async fn connecting_takes_no_longer_than_it_may() {
    // A listener whose backlog is full does not answer.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("binds");
    let listener = socket.listen(1).expect("listens");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    let options = Options {
        connect_timeout: Duration::from_millis(200),
        ..length_prefixed()
    };
    let begun = Instant::now();
    let mut connections = Vec::new();
    let error = loop {
        assert!(connections.len() < 50, "the backlog does not fill");
        match soon(connect(&address, options.clone())).await {
            Ok(connection) => connections.push(connection),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::ConnectTimeout);
    assert!(error.context().contains("200 ms"), "{error}");
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn an_attempt_whose_future_is_dropped_is_given_up() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("binds");
    let listener = socket.listen(1).expect("listens");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    // The first few are connected by the kernel and then closed.
    let options = Options {
        close_timeout: Duration::from_millis(50),
        ..Options::default()
    };
    for _ in 0..10 {
        let attempt = connect(&address, options.clone());
        let _ = tokio::time::timeout(Duration::from_millis(10), attempt).await;
    }
    // The tasks of the attempts are gone; only the runtime's metrics could tell, and they do.
    let metrics = tokio::runtime::Handle::current().metrics();
    support::eventually(|| metrics.num_alive_tasks() == 0).await;
}

#[tokio::test]
async fn a_taken_port_cannot_be_listened_on() {
    let server = listen(ANY, Options::default()).await.expect("listens");
    let error = listen(server.address(), Options::default())
        .await
        .expect_err("taken");
    assert_eq!(error.code(), Code::AddressInUse);
    assert!(
        error.context().contains(&server.local_addr().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn an_address_of_another_machine_cannot_be_listened_on() {
    // From the block that is reserved for documents.
    let error = listen("tcp://192.0.2.1:0", Options::default())
        .await
        .expect_err("not ours");
    assert_eq!(error.code(), Code::AddressUnavailable);
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    // A label may have 63 bytes: resolvers know without asking the network.
    let name = format!("{}.invalid", "no-such-name".repeat(6));
    let error = connect(format!("tcp://{name}:1"), Options::default()).await;
    let error = error.expect_err("does not resolve");
    assert_eq!(error.code(), Code::Dns);
    assert!(error.context().contains(&name), "{error}");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_reset() {
    let options = Options {
        max_connections: 2,
        ..length_prefixed()
    };
    let server = listen(ANY, options).await.expect("listens");
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(
            connect(server.address(), length_prefixed())
                .await
                .expect("connects"),
        );
    }
    let one = soon(server.accept()).await.expect("accepts");
    let _two = soon(server.accept()).await.expect("accepts");
    let refuse = tokio::time::timeout(Duration::from_millis(100), server.accept());
    assert!(refuse.await.is_err(), "one too many");
    assert_eq!(server.connection_count(), 2);
    let mut refused = clients.split_off(2);
    for client in &mut refused {
        assert_eq!(fault(client).await.code(), Code::ConnectionLost);
    }
    one.terminate();
    let _ = soon(one.closed()).await;
    support::eventually(|| server.connection_count() == 1).await;
    let (_three, _client) = meet(&server, length_prefixed()).await;
}
