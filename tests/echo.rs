//! Messages of every size arrive whole and in order, both ways.

mod support;

use qwormhole::{Bytes, Class, Options, Protocol, connect, listen};
use support::{ANY, ends, meet, next, pair, payload, send_all, soon};

#[tokio::test]
async fn messages_of_every_size_come_back() {
    let (_server, mut connection, mut client) = pair(Options::default()).await;
    let sizes = [
        0,
        1,
        3,
        4,
        5,
        250,
        256,
        257,
        4095,
        4096,
        65_535,
        65_536,
        70_000,
        1 << 20,
        4 << 20,
    ];
    let echo = tokio::spawn(async move {
        while let Some(message) = connection.recv().await {
            send_all(&connection, [message.expect("no fault").to_vec()]).await;
        }
        connection.flushed().await.expect("flushes");
    });
    for (seed, size) in sizes.into_iter().enumerate() {
        send_all(&client, [payload(seed, size)]).await;
        assert_eq!(next(&mut client).await, payload(seed, size), "{size} bytes");
    }
    soon(client.close()).await.expect("closes in order");
    soon(echo).await.expect("no panic");
}

#[tokio::test]
async fn a_burst_arrives_in_order() {
    let (_server, mut connection, client) = pair(Options::default()).await;
    let messages = || (0..20_000).map(|seed| payload(seed, seed % 300));
    let sender = async {
        send_all(&client, messages()).await;
        client.close().await.expect("closes in order");
    };
    let receiver = async {
        for expected in messages() {
            assert_eq!(next(&mut connection).await, expected);
        }
        ends(&mut connection).await;
        drop(connection);
    };
    soon(async { tokio::join!(sender, receiver) }).await;
}

#[tokio::test]
async fn both_ways_at_once_without_deadlock() {
    // Far more than the windows and the kernel hold: each side must read to be able to write.
    let (_server, mut one, mut other) = pair(Options::default()).await;
    let messages = || (0..200).map(|seed| payload(seed, 100_000));
    let (to_other, to_one) = (one.sender(), other.sender());
    let send = |sender: qwormhole::Sender| async move {
        for message in messages() {
            if sender.send(message).expect("accepted") == qwormhole::Sent::Backpressure {
                sender.drained().await.expect("drains");
            }
        }
    };
    let receive = async |connection: &mut qwormhole::Connection| {
        for expected in messages() {
            assert_eq!(next(connection).await, expected);
        }
    };
    soon(async {
        tokio::join!(
            send(to_other),
            send(to_one),
            receive(&mut one),
            receive(&mut other)
        )
    })
    .await;
}

#[tokio::test]
async fn raw_delivers_the_bytes_in_order() {
    let raw = Options {
        protocol: Protocol::Raw,
        ..Options::default()
    };
    let (_server, mut connection, client) = pair(raw).await;
    let sent: Vec<u8> = payload(7, 300_000);
    for piece in sent.chunks(7_001) {
        client.send(piece).expect("accepted");
    }
    client.send("").expect("accepted");
    let mut received = Vec::new();
    while received.len() < sent.len() {
        let piece = next(&mut connection).await;
        assert!(!piece.is_empty());
        received.extend_from_slice(&piece);
    }
    assert_eq!(received, sent);
    soon(client.flushed())
        .await
        .expect("an empty message holds up nothing");
}

#[tokio::test]
async fn high_overtakes_what_waits_here() {
    let (_server, mut connection, client) = pair(Options::default()).await;
    // Nothing is written before this task waits: all three are queued together.
    client.send_with_class("low", Class::Low).expect("accepted");
    client
        .send_with_class("normal", Class::Normal)
        .expect("accepted");
    client
        .send_with_class("high", Class::High)
        .expect("accepted");
    for expected in ["high", "normal", "low"] {
        assert_eq!(next(&mut connection).await, expected);
    }
}

#[tokio::test]
async fn many_connections_at_once() {
    let server = listen(ANY, Options::default()).await.expect("listens");
    let address = server.address();
    tokio::spawn(async move {
        while let Ok(mut connection) = server.accept().await {
            tokio::spawn(async move {
                while let Some(Ok(message)) = connection.recv().await {
                    connection.send(message).expect("accepted");
                }
            });
        }
    });
    let clients: Vec<_> = (0..100)
        .map(|seed| {
            let address = address.clone();
            tokio::spawn(async move {
                let mut client = connect(address, Options::default())
                    .await
                    .expect("connects");
                for round in 0..20 {
                    let message = payload(seed, 10 * seed + round);
                    client.send(&message).expect("accepted");
                    assert_eq!(next(&mut client).await, message);
                }
            })
        })
        .collect();
    for client in clients {
        soon(client).await.expect("no panic");
    }
}

#[tokio::test]
async fn a_sender_works_from_other_threads() {
    let (_server, mut connection, client) = pair(Options::default()).await;
    let threads: Vec<_> = (0..4_u8)
        .map(|thread| {
            let sender = client.sender();
            std::thread::spawn(move || {
                for count in 0..1000_u16 {
                    let [high, low] = count.to_be_bytes();
                    sender.send([thread, high, low]).expect("accepted");
                }
            })
        })
        .collect();
    let mut counts = [0_u16; 4];
    for _ in 0..4000 {
        let message: Bytes = next(&mut connection).await;
        let count = &mut counts[usize::from(message[0])];
        assert_eq!(
            message[1..],
            count.to_be_bytes(),
            "in order for each thread"
        );
        *count += 1;
    }
    assert_eq!(counts, [1000; 4]);
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("no panic"));
}

#[tokio::test]
async fn a_message_sent_at_once_is_never_missed() {
    let server = listen(ANY, Options::default()).await.expect("listens");
    for _ in 0..300 {
        let (connection, mut client) = meet(&server, Options::default()).await;
        connection.send("at once").expect("accepted");
        drop(connection);
        assert_eq!(next(&mut client).await, "at once");
        ends(&mut client).await;
    }
}

#[tokio::test]
async fn over_ipv6_too() {
    let server = match listen("tcp://[::1]:0", Options::default()).await {
        Ok(server) => server,
        // A machine without IPv6.
        Err(error) => return assert_eq!(error.code(), qwormhole::Code::AddressUnavailable),
    };
    assert!(server.address().starts_with("tcp://[::1]:"));
    let (mut connection, client) = meet(&server, Options::default()).await;
    assert_eq!(client.remote_addr(), server.local_addr());
    assert_eq!(client.local_addr(), connection.remote_addr());
    client.send("six").expect("accepted");
    assert_eq!(next(&mut connection).await, "six");
}

#[tokio::test]
async fn by_name() {
    let server = listen("tcp://localhost:0", Options::default())
        .await
        .expect("listens");
    let address = format!("tcp://LOCALHOST:{}", server.local_addr().port());
    let connecting = connect(address, Options::default());
    let (connection, client) = soon(async { tokio::join!(server.accept(), connecting) }).await;
    let (mut connection, client) = (connection.expect("accepts"), client.expect("connects"));
    client.send("name").expect("accepted");
    assert_eq!(next(&mut connection).await, "name");
}
