//! What callers may set is checked before anything is opened, and reaches the socket.

mod support;

use std::time::Duration;

use qwormhole::{Class, Code, Options, SocketOptions, connect, listen};
use support::{ANY, length_prefixed, meet, next, soon};

fn changed(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

/// Makes an option wrong.
type Spoil = fn(&mut Options);

#[tokio::test]
async fn a_value_out_of_range_is_refused_by_name() {
    let long = Duration::from_secs(1 << 32);
    let cases: [(&str, Spoil); 32] = [
        ("max_message", |o| o.max_message = 0),
        ("max_message", |o| o.max_message = (1 << 30) + 1),
        ("max_queued", |o| o.max_queued = 0),
        ("max_queued", |o| o.max_queued = usize::MAX),
        ("receive_window", |o| o.receive_window = 0),
        ("memory_budget", |o| o.memory_budget = 1000),
        ("max_connections", |o| o.max_connections = 0),
        ("backlog", |o| o.backlog = 0),
        ("high_water_mark", |o| o.high_water_mark = Some(0)),
        ("high_water_mark", |o| o.high_water_mark = Some(5 << 20)),
        ("low_water_mark", |o| o.low_water_mark = Some(2 << 20)),
        ("connect_timeout", |o| o.connect_timeout = Duration::ZERO),
        ("socket.keep_alive", |o| {
            o.socket.keep_alive = Some(Duration::from_millis(10))
        }),
        ("socket.keep_alive", |o| {
            o.socket.keep_alive = Some(Duration::from_secs(40_000))
        }),
        ("socket.receive_buffer", |o| {
            o.socket.receive_buffer = Some(0)
        }),
        ("socket.send_buffer", |o| {
            o.socket.send_buffer = Some(1 << 31)
        }),
        ("socket.not_sent_low_at", |o| {
            o.socket.not_sent_low_at = Some(0)
        }),
        ("socket.user_timeout", |o| {
            o.socket.user_timeout = Some(Duration::ZERO)
        }),
        ("socket.interface", |o| {
            o.socket.interface = Some(String::new())
        }),
        ("socket.interface", |o| {
            o.socket.interface = Some("eth\x000".to_owned())
        }),
        ("qwh.codec", |o| o.qwh.codec = String::new()),
        ("qwh.codec", |o| o.qwh.codec = "x".repeat(33)),
        ("qwh.offered_caps", |o| o.qwh.offered_caps = 1 << 31),
        ("qwh.required_caps", |o| o.qwh.required_caps = 1 << 40),
        ("qwh.meta", |o| o.qwh.meta = Some("[]".to_owned())),
        ("qwh.meta", |o| o.qwh.meta = Some("{".repeat(9))),
        ("qwh.meta", |o| {
            o.qwh.meta = Some(format!("{{\"app\":\"{}\"}}", "x".repeat(4080)))
        }),
        ("qwh.require_handshake", |o| {
            (o.qwh.offered_caps, o.qwh.required_caps) = (1 << 40, 1 << 40);
            o.qwh.require_handshake = Some(false);
        }),
        ("qwh.handshake_timeout", |o| {
            o.qwh.handshake_timeout = Duration::ZERO
        }),
        ("qwh.max_pending_handshakes", |o| {
            o.qwh.max_pending_handshakes = 0
        }),
        ("qwh.max_fragments", |o| o.qwh.max_fragments = 0),
        ("qwh.control_burst", |o| o.qwh.control_burst = 0),
    ];
    for (name, change) in cases {
        for error in [
            listen(ANY, changed(change))
                .await
                .map(drop)
                .expect_err(name),
            connect("tcp://127.0.0.1:1", changed(change))
                .await
                .map(drop)
                .expect_err(name),
        ] {
            assert_eq!(error.code(), Code::OptionInvalid, "{error}");
            assert!(error.context().starts_with(name), "{error}");
        }
    }
    let error = listen(ANY, changed(|o| o.close_timeout = long))
        .await
        .expect_err("too long");
    assert!(error.context().starts_with("close_timeout"), "{error}");
}

#[tokio::test]
async fn watermarks_follow_a_smaller_cap() {
    for max_queued in [1, 2, 3, 4, 5, 100, 1 << 30] {
        listen(ANY, changed(|o| o.max_queued = max_queued))
            .await
            .expect("legal");
        let high = changed(|o| {
            o.max_queued = max_queued;
            o.high_water_mark = Some(max_queued);
            o.low_water_mark = Some(0);
        });
        listen(ANY, high).await.expect("legal");
    }
}

#[tokio::test]
async fn an_interface_that_does_not_exist_is_told() {
    let options = changed(|o| o.socket.interface = Some("nosuch0".to_owned()));
    let error = listen(ANY, options).await.expect_err("not there");
    // Where devices cannot be bound to at all, that is what is said.
    assert!(matches!(
        error.code(),
        Code::AddressUnavailable | Code::Permission | Code::OptionUnsupported
    ));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_takes_every_option() {
    let options = Options {
        socket: SocketOptions {
            no_delay: false,
            keep_alive: Some(Duration::from_secs(7)),
            receive_buffer: Some(50_000),
            send_buffer: Some(60_000),
            not_sent_low_at: Some(16_384),
            user_timeout: Some(Duration::from_secs(30)),
            interface: None,
        },
        reuse_port: true,
        backlog: 10,
        ..Options::default()
    };
    let server = listen(ANY, options.clone()).await.expect("listens");
    // The port is shared, as it says.
    let _twin = listen(server.address(), options.clone())
        .await
        .expect("listens too");
    drop(_twin);
    let (mut connection, client) = meet(&server, options).await;
    client
        .send_with_class("all set", Class::High)
        .expect("accepted");
    assert_eq!(next(&mut connection).await, "all set");
}

#[tokio::test]
async fn ipv6_only_leaves_ipv4_alone() {
    let only = |ipv6_only| Options {
        ipv6_only,
        ..length_prefixed()
    };
    let Ok(server) = listen("tcp://[::]:0", only(true)).await else {
        // A machine without IPv6.
        return;
    };
    let port = server.local_addr().port();
    let address = format!("tcp://127.0.0.1:{port}");
    assert!(connect(&address, length_prefixed()).await.is_err());
    drop(server);
    let server = listen(format!("tcp://[::]:{port}"), only(false))
        .await
        .expect("listens");
    assert!(connect(&address, length_prefixed()).await.is_ok());
    drop(server);
}

#[tokio::test]
async fn a_client_comes_from_where_it_is_told_to() {
    let server = listen(ANY, length_prefixed()).await.expect("listens");
    let local = "127.0.0.2:0".parse().ok();
    let from = Options {
        local,
        ..length_prefixed()
    };
    let client = match connect(server.address(), from).await {
        Ok(client) => client,
        // Not every system has all of 127.0.0.0/8.
        Err(error) => return assert_eq!(error.code(), Code::AddressUnavailable),
    };
    let connection = soon(server.accept()).await.expect("accepts");
    assert_eq!(connection.remote_addr(), client.local_addr());
    assert_eq!(connection.remote_addr().ip().to_string(), "127.0.0.2");
}
