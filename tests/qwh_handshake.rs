//! The handshake of QWH/1 between our own ends: who gets in, who does not, and what each end is told.

#[path = "support/authority.rs"]
mod authority;
#[path = "support/carriers.rs"]
mod carriers;
mod support;

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use carriers::{SCHEMES, pair_over};
use qwormhole::{
    Authorize, CloseCode, Code, Error, HandshakePeer, Options, Protocol, QwhOptions, Refusal,
    Server, Verdict, Verify, WebSocketOptions, connect, listen, qwh::Security,
};
use support::{ANY, eventually, length_prefixed, meet, next, record, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};

const WS: &str = "ws://127.0.0.1:0/";

fn options(qwh: QwhOptions) -> Options {
    Options {
        qwh,
        ..Options::default()
    }
}

fn verified<F>(decide: impl Fn(HandshakePeer) -> F + Send + Sync + 'static) -> Options
where
    F: Future<Output = Result<(), Refusal>> + Send + 'static,
{
    options(QwhOptions {
        verify: Some(Verify::new(decide)),
        ..QwhOptions::default()
    })
}

async fn serve(options: Options) -> Server {
    listen(ANY, options).await.expect("listens")
}

/// Why a call fails. The server accepts nobody meanwhile.
async fn refused(server: &Server, options: Options) -> Error {
    tokio::select! {
        result = soon(connect(server.address(), options)) => result.expect_err("refused"),
        accepted = server.accept() => panic!("accepted {accepted:?}"),
    }
}

#[tokio::test]
async fn both_ends_know_each_other_over_every_carrier() {
    for scheme in SCHEMES {
        let server = Options {
            max_message: 1000,
            ..options(QwhOptions {
                codec: "json".to_owned(),
                offered_caps: 0b110 << 32,
                ..QwhOptions::default()
            })
        };
        let client = options(QwhOptions {
            codec: "json".to_owned(),
            offered_caps: 0b011 << 32,
            required_caps: 0b010 << 32,
            meta: Some(r#"{"intent":"prices"}"#.to_owned()),
            ..QwhOptions::default()
        });
        let (_server, accepted, called) = pair_over(scheme, server, client).await;
        assert_eq!(
            (accepted.protocol(), called.protocol()),
            (Protocol::Qwh, Protocol::Qwh)
        );
        let theirs = accepted.handshake().expect("a handshake");
        let ours = called.handshake().expect("a handshake");
        for info in [theirs, ours] {
            assert_eq!((info.version, info.codec.as_str()), (1, "json"));
            assert_eq!(info.caps, 0b010 << 32);
        }
        assert_eq!(theirs.sid, ours.sid);
        assert_eq!((ours.max_message, theirs.max_message), (1000, 4 << 20));
        let says = theirs.meta.as_deref().expect("something");
        assert!(says.contains(r#""intent":"prices""#) && says.contains(r#""backend":"rust""#));
        let security = match scheme {
            "tls" | "wss" => Security::Outer,
            _ => Security::None,
        };
        assert_eq!((ours.security, ours.offered_security), (security, security));
        assert_eq!(ours.channel_id.is_some(), security == Security::Outer);
        assert_eq!(ours.channel_id, theirs.channel_id);
        let subprotocol = scheme.starts_with("ws").then_some("qwh.v1");
        assert_eq!(called.subprotocol(), subprotocol);
        assert_eq!(accepted.request().is_some(), subprotocol.is_some());
    }
}

#[tokio::test]
async fn who_is_refused_is_told_why_and_when_to_come_back() {
    let server = serve(verified(|peer| async move {
        assert!(peer.remote_addr.ip().is_loopback() && peer.tls.is_none());
        Err(Refusal {
            code: CloseCode(300),
            reason: "only blue ones".to_owned(),
            retry_after: Some(Duration::from_millis(2500)),
        })
    }))
    .await;
    let error = refused(&server, Options::default()).await;
    assert_eq!(error.code(), Code::HandshakeRefused);
    assert_eq!(error.close_code(), Some(CloseCode(300)));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(2500)));
    assert!(error.context().contains("only blue ones"), "{error}");
    eventually(|| server.connection_count() == 0).await;
}

#[tokio::test]
async fn a_refusal_without_words_has_a_code_all_the_same() {
    for refusal in [Refusal::default(), Refusal::new(CloseCode::OK, "")] {
        let server = serve(verified(move |_| {
            let refusal = refusal.clone();
            async move { Err(refusal) }
        }))
        .await;
        let error = refused(&server, Options::default()).await;
        assert_eq!(error.close_code(), Some(CloseCode::REJECTED_BY_POLICY));
        assert_eq!(error.retry_after(), None);
    }
}

#[tokio::test]
async fn a_client_may_refuse_its_server() {
    let server = serve(Options::default()).await;
    let client =
        verified(|_| async { Err(Refusal::new(CloseCode::AUTH_FAILED, "you are not you")) });
    let error = refused(&server, client).await;
    assert_eq!(error.code(), Code::HandshakeRefused);
    assert_eq!(error.close_code(), Some(CloseCode::AUTH_FAILED));
    eventually(|| server.connection_count() == 0).await;
}

#[tokio::test]
async fn a_verdict_may_take_its_time_and_messages_wait_for_it() {
    let decided = Arc::new(Notify::new());
    let server = serve(verified({
        let decided = Arc::clone(&decided);
        move |_| {
            let decided = Arc::clone(&decided);
            async move {
                decided.notified().await;
                Ok(())
            }
        }
    }))
    .await;
    let address = server.address();
    let calling = tokio::spawn(async move {
        let client = connect(address, Options::default())
            .await
            .expect("connects");
        client.send("at last").expect("accepted");
        client
    });
    let early = tokio::time::timeout(Duration::from_millis(100), server.accept()).await;
    assert!(early.is_err() && !calling.is_finished());
    decided.notify_one();
    let mut connection = soon(server.accept()).await.expect("accepts");
    assert_eq!(next(&mut connection).await, "at last");
    drop(soon(calling).await);
}

/// Says that it was dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_peer_that_leaves_is_decided_about_no_further() {
    let [asked, dropped] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let server = serve(verified({
        let (asked, dropped) = (Arc::clone(&asked), Arc::clone(&dropped));
        move |_| {
            asked.store(true, Ordering::SeqCst);
            let dropped = Dropped(Arc::clone(&dropped));
            async move {
                pending::<()>().await;
                drop(dropped);
                Ok(())
            }
        }
    }))
    .await;
    let address = server.address();
    let calling = tokio::spawn(async move { connect(address, Options::default()).await });
    let accepting = tokio::spawn(async move { server.accept().await });
    eventually(|| asked.load(Ordering::SeqCst)).await;
    assert!(!dropped.load(Ordering::SeqCst));
    calling.abort();
    eventually(|| dropped.load(Ordering::SeqCst)).await;
    accepting.abort();
}

#[tokio::test]
async fn a_verdict_that_comes_too_late_is_a_refusal() {
    let mut server = verified(|_| async {
        pending::<()>().await;
        Ok(())
    });
    server.qwh.handshake_timeout = Duration::from_millis(150);
    let server = serve(server).await;
    let error = refused(&server, Options::default()).await;
    assert_eq!(error.code(), Code::HandshakeRefused);
    assert_eq!(error.close_code(), Some(CloseCode::TIMEOUT));
    eventually(|| server.connection_count() == 0).await;
}

#[tokio::test]
async fn a_client_waits_no_longer_than_it_may() {
    let server = serve(verified(|_| async {
        pending::<()>().await;
        Ok(())
    }))
    .await;
    let impatient = Options {
        connect_timeout: Duration::from_millis(150),
        ..Options::default()
    };
    let error = refused(&server, impatient).await;
    assert_eq!(error.code(), Code::ConnectTimeout);
}

#[tokio::test]
async fn a_verdict_that_panics_is_a_refusal() {
    let server = serve(verified(|_| async { panic!("as the test wants") })).await;
    let error = refused(&server, Options::default()).await;
    assert_eq!(error.close_code(), Some(CloseCode::INTERNAL));
}

#[tokio::test]
async fn who_waits_for_a_server_that_goes_is_told() {
    let decided = Arc::new(Notify::new());
    let server = serve(verified({
        let decided = Arc::clone(&decided);
        move |_| {
            let decided = Arc::clone(&decided);
            async move {
                decided.notified().await;
                Ok(())
            }
        }
    }))
    .await;
    let address = server.address();
    let calling = tokio::spawn(async move { connect(address, Options::default()).await });
    let early = tokio::time::timeout(Duration::from_millis(100), server.accept()).await;
    assert!(early.is_err());
    drop(server);
    decided.notify_one();
    let error = soon(calling).await.expect("no panic").expect_err("gone");
    assert_eq!(error.close_code(), Some(CloseCode::SHUTDOWN));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_both_ends() {
    let codec = |name: &str| QwhOptions {
        codec: name.to_owned(),
        ..QwhOptions::default()
    };
    let needs = QwhOptions {
        offered_caps: 1 << 33,
        required_caps: 1 << 33,
        ..QwhOptions::default()
    };
    let cases = [
        (codec("json"), codec("cbor"), CloseCode::CODEC),
        (QwhOptions::default(), needs.clone(), CloseCode::CAPS),
        (needs, QwhOptions::default(), CloseCode::CAPS),
    ];
    for (server, client, code) in cases {
        let server = serve(options(server)).await;
        let error = refused(&server, options(client)).await;
        assert_eq!(error.code(), Code::HandshakeRefused);
        assert_eq!(error.close_code(), Some(code));
    }
}

#[tokio::test]
async fn one_server_takes_peers_with_and_without_a_handshake() {
    let server = serve(Options::default()).await;
    let (with, _client) = meet(&server, Options::default()).await;
    assert!(with.handshake().is_some());
    let without = connect(server.address(), length_prefixed())
        .await
        .expect("connects");
    // It is told by its first bytes.
    without.send("plain").expect("accepted");
    let mut connection = soon(server.accept()).await.expect("accepts");
    assert_eq!(connection.protocol(), Protocol::LengthPrefixed);
    assert!(connection.handshake().is_none());
    assert_eq!(next(&mut connection).await, "plain");
}

#[tokio::test]
async fn a_stream_is_told_by_its_first_bytes_however_they_come() {
    let server = serve(Options::default()).await;
    let mut peer = TcpStream::connect(server.local_addr())
        .await
        .expect("connects");
    let bytes = record(b"whole");
    let writing = async {
        for byte in &bytes {
            peer.write_all(&[*byte]).await.expect("writes");
            tokio::task::yield_now().await;
        }
    };
    let ((), connection) = soon(async { tokio::join!(writing, server.accept()) }).await;
    assert_eq!(next(&mut connection.expect("accepts")).await, "whole");
}

#[tokio::test]
async fn where_it_is_required_nobody_else_is_let_in() {
    let required = QwhOptions {
        require_handshake: Some(true),
        ..QwhOptions::default()
    };
    let server = serve(options(required.clone())).await;
    let other = connect(server.address(), length_prefixed())
        .await
        .expect("a connection, so far");
    other.send("let me in").expect("accepted");
    tokio::select! {
        ended = soon(other.closed()) => assert!(other.is_closed(), "{ended:?}"),
        accepted = server.accept() => panic!("accepted {accepted:?}"),
    }
    let server = listen(WS, options(required)).await.expect("listens");
    let raw = Options {
        protocol: Protocol::Raw,
        ..Options::default()
    };
    let error = refused(&server, raw).await;
    assert_eq!(error.code(), Code::UpgradeRefused);
    assert!(error.details().contains(&("status", 400)), "{error}");
    let (connection, _client) = meet(&server, Options::default()).await;
    assert!(connection.handshake().is_some());
}

#[tokio::test]
async fn a_websocket_without_the_subprotocol_has_its_own_messages() {
    let server = listen(WS, Options::default()).await.expect("listens");
    let raw = Options {
        protocol: Protocol::Raw,
        ..Options::default()
    };
    let (mut connection, client) = meet(&server, raw).await;
    assert_eq!(connection.protocol(), Protocol::Raw);
    client.send_text("text").expect("accepted");
    let message = soon(connection.recv_message()).await.expect("a message");
    assert_eq!(message.expect("no fault").text(), Some("text"));
}

#[tokio::test]
async fn a_client_never_falls_back() {
    let server = serve(length_prefixed()).await;
    let accepting = async {
        let mut connection = server.accept().await.expect("accepts");
        support::fault(&mut connection).await
    };
    let calling = connect(server.address(), Options::default());
    let (fault, called) = soon(async { tokio::join!(accepting, calling) }).await;
    // Its first bytes announce a message above every limit.
    assert_eq!(fault.code(), Code::TooBig);
    let error = called.expect_err("no answer");
    assert_eq!(error.code(), Code::Handshake, "{error}");

    let raw = Options {
        protocol: Protocol::Raw,
        ..Options::default()
    };
    let server = listen(WS, raw).await.expect("listens");
    let calling = connect(server.address(), Options::default());
    let (accepted, called) = soon(async { tokio::join!(server.accept(), calling) }).await;
    let error = called.expect_err("it does not speak that");
    assert_eq!(error.code(), Code::Handshake);
    assert!(error.context().contains("subprotocol"), "{error}");
    drop(accepted);
}

#[tokio::test]
async fn those_who_say_nothing_give_way_and_are_not_waited_for() {
    let server = serve(options(QwhOptions {
        handshake_timeout: Duration::from_millis(300),
        max_pending_handshakes: 1,
        ..QwhOptions::default()
    }))
    .await;
    let address = server.local_addr();
    let accepting = tokio::spawn(async move { server.accept().await });
    let mut first = TcpStream::connect(address).await.expect("connects");
    let mut second = TcpStream::connect(address).await.expect("connects");
    assert!(soon(first.read_u8()).await.is_err(), "it gave way");
    assert!(soon(second.read_u8()).await.is_err(), "its time is over");
    assert!(!accepting.is_finished());
    accepting.abort();
}

#[tokio::test]
async fn who_comes_to_a_full_server_is_told() {
    let asked = Arc::new(AtomicBool::new(false));
    let mut few = verified({
        let asked = Arc::clone(&asked);
        move |_| {
            asked.store(true, Ordering::SeqCst);
            async { Ok(()) }
        }
    });
    few.max_connections = 1;
    let server = serve(few).await;
    let (connection, _client) = meet(&server, Options::default()).await;
    assert!(asked.swap(false, Ordering::SeqCst));
    let error = refused(&server, Options::default()).await;
    assert_eq!(error.close_code(), Some(CloseCode::BUSY));
    assert!(error.close_code().is_some_and(CloseCode::is_retriable));
    assert!(!asked.load(Ordering::SeqCst), "nobody was asked");
    connection.terminate();
    eventually(|| server.connection_count() == 0).await;
    meet(&server, Options::default()).await;
}

#[tokio::test]
async fn without_a_handshake_a_full_server_resets() {
    let server = serve(Options {
        max_connections: 1,
        ..Options::default()
    })
    .await;
    let (_connection, _client) = meet(&server, Options::default()).await;
    let other = connect(server.address(), length_prefixed())
        .await
        .expect("a connection, so far");
    other.send("let me in").expect("accepted");
    tokio::select! {
        ended = soon(other.closed()) => assert_eq!(ended.expect_err("reset").code(), Code::ConnectionLost),
        accepted = server.accept() => panic!("accepted {accepted:?}"),
    }
}

#[tokio::test]
async fn authorize_has_a_say_before_the_handshake() {
    let authorize = Authorize::new(|request| match request.query() {
        "who" => Verdict::Accept,
        "early" => Verdict::Refuse {
            status: 401,
            body: String::new(),
        },
        _ => Verdict::Close {
            code: 4001,
            reason: "not you".to_owned(),
        },
    });
    let server = Options {
        websocket: WebSocketOptions {
            authorize: Some(authorize),
            ..WebSocketOptions::default()
        },
        ..Options::default()
    };
    let server = listen(WS, server).await.expect("listens");
    let call = async |query: &str| {
        let address = format!("{}?{query}", server.address());
        let connecting = connect(address, Options::default());
        tokio::select! {
            result = soon(connecting) => result.expect_err("refused"),
            accepted = server.accept() => panic!("accepted {accepted:?}"),
        }
    };
    assert_eq!(call("early").await.code(), Code::UpgradeRefused);
    let error = call("late").await;
    assert_eq!(error.code(), Code::HandshakeRefused);
    assert_eq!(error.close_code(), Some(CloseCode::REJECTED_BY_POLICY));
    assert!(error.context().contains("not you"), "{error}");
    eventually(|| server.connection_count() == 0).await;
}
