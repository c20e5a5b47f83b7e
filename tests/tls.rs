//! TLS over real sockets: who gets in, what each end is told, and what comes through.

mod support {
    pub mod authority;
}

use std::time::Duration;

use qwormhole::{
    Code, Connection, Error, Fingerprint, Options, Protocol, Server, TlsIdentity, TlsOptions,
};
use qwormhole::{connect, listen};
use support::authority::{Authority, Leaf};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn options(tls: TlsOptions) -> Options {
    Options {
        tls,
        ..Options::default()
    }
}

fn server_tls(leaf: &Leaf) -> TlsOptions {
    TlsOptions {
        identity: Some(leaf.identity()),
        ..TlsOptions::default()
    }
}

fn client_tls(authority: &Authority) -> TlsOptions {
    TlsOptions {
        ca: Some(authority.pem().into()),
        server_name: Some("localhost".to_owned()),
        ..TlsOptions::default()
    }
}

async fn serve(tls: TlsOptions) -> Server {
    listen("tls://127.0.0.1:0", options(tls))
        .await
        .expect("listens")
}

/// Both ends of a connection.
async fn pair(server: TlsOptions, client: TlsOptions) -> (Connection, Connection) {
    let server = serve(server).await;
    let (client, accepted) = tokio::join!(
        timeout(PATIENCE, connect(server.address(), options(client))),
        timeout(PATIENCE, server.accept()),
    );
    (
        accepted.expect("soon").expect("accepts"),
        client.expect("soon").expect("connects"),
    )
}

/// Why a call fails. The server accepts nobody meanwhile.
async fn refused(server: TlsOptions, client: TlsOptions) -> Error {
    let server = serve(server).await;
    let call = connect(server.address(), options(client));
    tokio::select! {
        result = timeout(PATIENCE, call) => result.expect("soon").expect_err("refused"),
        accepted = server.accept() => panic!("accepted {accepted:?}"),
    }
}

#[tokio::test]
async fn large_messages_go_both_ways_past_slow_readers() {
    let authority = Authority::new();
    let (mut one, mut other) = pair(
        server_tls(&authority.leaf("localhost")),
        client_tls(&authority),
    )
    .await;
    let large: Vec<u8> = (0..3_000_000).map(|at| (at % 251) as u8).collect();
    let bounce = async |from: &mut Connection| {
        for _ in 0..3 {
            from.send(&large).expect("accepted");
            from.send(b"small").expect("accepted");
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(from.recv().await.expect("one").expect("whole"), large);
            assert_eq!(from.recv().await.expect("one").expect("whole"), "small");
            from.flushed().await.expect("flushed");
            assert_eq!(from.buffered_amount(), 0);
        }
    };
    tokio::join!(bounce(&mut one), bounce(&mut other));
    let (one, other) = tokio::join!(one.close(), other.close());
    one.expect("clean");
    other.expect("clean");
}

#[tokio::test]
async fn both_ends_agree_on_what_was_decided() {
    let authority = Authority::new();
    let (server, client) = (authority.leaf("localhost"), authority.leaf("someone"));
    let (accepted, called) = pair(
        TlsOptions {
            ca: Some(authority.pem().into()),
            require_client_cert: true,
            alpn: vec!["two".to_owned(), "one".to_owned()],
            ..server_tls(&server)
        },
        TlsOptions {
            identity: Some(client.identity()),
            alpn: vec!["one".to_owned(), "two".to_owned()],
            pins: vec![Fingerprint::Certificate(server.fingerprint())],
            ..client_tls(&authority)
        },
    )
    .await;
    let (ours, theirs) = (accepted.tls().expect("TLS"), called.tls().expect("TLS"));
    for info in [ours, theirs] {
        assert_eq!(info.protocol, "TLSv1.3");
        assert!(info.cipher.starts_with("TLS_AES_"), "{}", info.cipher);
        assert_eq!(info.group, "X25519MLKEM768");
        assert_eq!(info.server_name, "localhost");
        assert!(!info.is_resumed);
    }
    assert_eq!(ours.alpn, theirs.alpn);
    assert_eq!(ours.peer_chain, [client.der()]);
    assert_eq!(theirs.peer_chain, [server.der()]);
    for context in [None, Some(&b"context"[..])] {
        let one = accepted.export_keying_material("EXPORTER-test", 40, context);
        let other = called.export_keying_material("EXPORTER-test", 40, context);
        assert_eq!(one.expect("keys"), other.expect("keys"));
    }
    let none = accepted.export_keying_material("EXPORTER-test", 0, None);
    assert_eq!(none.expect_err("no keys").code(), Code::OptionInvalid);
    called.terminate();
    let _ = accepted.closed().await;
    let gone = accepted.export_keying_material("EXPORTER-test", 40, None);
    assert_eq!(gone.expect_err("gone").code(), Code::Closed);
}

#[tokio::test]
async fn servers_that_are_not_who_they_should_be_are_refused() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let good = authority.leaf("localhost");
    let cases = [
        (stranger.leaf("localhost"), Vec::new(), Code::TlsUntrusted),
        (authority.leaf("elsewhere"), Vec::new(), Code::TlsName),
        (authority.expired("localhost"), Vec::new(), Code::TlsExpired),
        (authority.early("localhost"), Vec::new(), Code::TlsExpired),
        (
            authority.for_clients("localhost"),
            Vec::new(),
            Code::TlsBadCert,
        ),
        (
            authority.leaf("localhost"),
            vec![Fingerprint::Certificate(good.fingerprint())],
            Code::TlsPin,
        ),
    ];
    for (leaf, pins, code) in cases {
        let client = TlsOptions {
            pins,
            ..client_tls(&authority)
        };
        let server = serve(server_tls(&leaf)).await;
        let call = connect(server.address(), options(client));
        // All of it is refused before the handshake is done: nobody is accepted.
        let error = timeout(PATIENCE, async {
            tokio::select! {
                error = call => error.expect_err("refused"),
                () = async { loop { let _ = server.accept().await; } } => unreachable!(),
            }
        });
        assert_eq!(error.await.expect("soon").code(), code);
    }
}

#[tokio::test]
async fn clients_that_are_not_who_they_should_be_are_refused_before_they_are_up() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let cases = [
        (None, Vec::new(), "certificate_required"),
        (
            Some(stranger.leaf("a").identity()),
            Vec::new(),
            "unknown_ca",
        ),
        (
            Some(authority.expired("a").identity()),
            Vec::new(),
            "certificate_expired",
        ),
        (
            Some(authority.leaf("a").identity()),
            vec![Fingerprint::Key([0; 32])],
            "certificate_unknown",
        ),
    ];
    for (identity, pins, name) in cases {
        let server = TlsOptions {
            ca: Some(authority.pem().into()),
            require_client_cert: true,
            pins,
            ..server_tls(&authority.leaf("localhost"))
        };
        let client = TlsOptions {
            identity,
            ..client_tls(&authority)
        };
        let error = refused(server, client).await;
        assert_eq!(error.code(), Code::TlsAlert, "{error}");
        assert_eq!(error.alert(), Some(name), "{error}");
    }
}

#[tokio::test]
async fn no_common_application_protocol_ends_the_handshake() {
    let authority = Authority::new();
    let server = TlsOptions {
        alpn: vec!["one".to_owned()],
        ..server_tls(&authority.leaf("localhost"))
    };
    let client = TlsOptions {
        alpn: vec!["two".to_owned()],
        ..client_tls(&authority)
    };
    let error = refused(server, client).await;
    assert_eq!(error.alert(), Some("no_application_protocol"));
}

#[tokio::test]
async fn what_is_not_tls_is_closed_and_others_are_served() {
    let authority = Authority::new();
    let server = serve(server_tls(&authority.leaf("localhost"))).await;
    let accepting = async { server.accept().await.expect("one that is honest") };
    let others = async {
        for banner in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"\x16\x03\x01\x00\x05hello",
            b"\x16\x03\x01\xff\xff",
            &[0; 70_000],
        ] {
            let mut peer = TcpStream::connect(server.local_addr())
                .await
                .expect("connects");
            let _ = peer.write_all(banner).await;
            let mut answer = Vec::new();
            let _ = timeout(PATIENCE, peer.read_to_end(&mut answer))
                .await
                .expect("an end");
            assert!(answer.len() < 10, "an alert at most");
        }
        connect(server.address(), options(client_tls(&authority)))
            .await
            .expect("connects")
    };
    let (accepted, called) = tokio::join!(accepting, others);
    assert_eq!(accepted.remote_addr(), called.local_addr());
}

#[tokio::test]
async fn servers_that_do_not_speak_tls_are_told_from_those_that_hang_up() {
    let authority = Authority::new();
    for (says, code) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Code::TlsNotTls),
        (b"", Code::TlsClosed),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("binds");
        let url = format!("tls://{}", listener.local_addr().expect("an address"));
        let answering = async {
            let (mut peer, _) = listener.accept().await.expect("accepts");
            let _ = peer.read(&mut [0; 4096]).await;
            let _ = peer.write_all(says).await;
        };
        let call = connect(url, options(client_tls(&authority)));
        let (result, ()) = tokio::join!(timeout(PATIENCE, call), answering);
        assert_eq!(result.expect("soon").expect_err("refused").code(), code);
    }
}

#[tokio::test]
async fn handshakes_are_bounded_in_time_and_number() {
    let authority = Authority::new();
    let server = serve(TlsOptions {
        handshake_timeout: Duration::from_secs(2),
        max_pending_handshakes: 2,
        ..server_tls(&authority.leaf("localhost"))
    })
    .await;
    let silent = async {
        let mut peers = Vec::new();
        for _ in 0..3 {
            let peer = TcpStream::connect(server.local_addr()).await;
            peers.push(peer.expect("connects"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // The longest silent one gives its place to a newcomer.
        let mut first = peers.remove(0);
        let reset = first.read(&mut [0]).await.expect_err("a reset");
        assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
        for mut peer in peers {
            let end = timeout(PATIENCE, peer.read(&mut [0])).await;
            assert_eq!(end.expect("in time").expect("an end"), 0);
        }
        connect(server.address(), options(client_tls(&authority))).await
    };
    let (_, called) = tokio::join!(server.accept(), silent);
    called.expect("there is room again");
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("binds");
    let url = format!("tls://{}", slow.local_addr().expect("an address"));
    let tls = TlsOptions {
        handshake_timeout: Duration::from_millis(100),
        ..client_tls(&authority)
    };
    let error = connect(url, options(tls)).await.expect_err("too slow");
    assert_eq!(error.code(), Code::TlsTimeout);
}

#[tokio::test]
async fn an_end_without_close_notify_is_an_end() {
    let authority = Authority::new();
    let raw = |tls| Options {
        protocol: Protocol::Raw,
        ..options(tls)
    };
    let identity = server_tls(&authority.leaf("localhost"));
    let server = listen("tls://127.0.0.1:0", raw(identity))
        .await
        .expect("listens");
    // Between the two sits someone who ends the stream after the handshake.
    let between = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("binds");
    let url = format!("tls://{}", between.local_addr().expect("an address"));
    let relay = async {
        let (mut near, _) = between.accept().await.expect("accepts");
        let mut far = TcpStream::connect(server.local_addr())
            .await
            .expect("connects");
        let _ = timeout(
            Duration::from_secs(2),
            tokio::io::copy_bidirectional(&mut near, &mut far),
        )
        .await;
    };
    let calling = connect(url, raw(client_tls(&authority)));
    let (called, accepted, ()) = tokio::join!(calling, server.accept(), relay);
    let mut called = called.expect("connects");
    let end = timeout(PATIENCE, called.recv()).await.expect("soon");
    assert!(end.is_none(), "{end:?}");
    drop(accepted);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_before_anything_is_opened() {
    let authority = Authority::new();
    let leaf = authority.leaf("localhost");
    let other = authority.leaf("localhost");
    let bad = [
        TlsOptions::default(),
        TlsOptions {
            identity: Some(TlsIdentity::new(leaf.pem(), other.key_pem())),
            ..TlsOptions::default()
        },
        TlsOptions {
            identity: Some(TlsIdentity::new("no certificate", leaf.key_pem())),
            ..TlsOptions::default()
        },
    ];
    for tls in bad {
        let error = listen("tls://127.0.0.1:0", options(tls))
            .await
            .expect_err("refused");
        assert_eq!(error.code(), Code::TlsConfig, "{error}");
    }
    let tls = TlsOptions {
        ca: Some(b"no certificate".to_vec()),
        ..TlsOptions::default()
    };
    let error = connect("tls://127.0.0.1:1", options(tls))
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::TlsConfig);
}
