//! WebSockets over the Rust API: between our own ends, and with tungstenite at the other one.

mod support;

use std::{
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use qwormhole::{
    Authorize, Code, Connection, Deflate, Message, Options, Origins, Protocol, SendError, Server,
    Verdict, WebSocketOptions, connect, listen, listen_all,
};
use support::{eventually, payload, soon};
use tokio::task::spawn_blocking;
use tungstenite::{
    Error as TheirError, Message as Theirs, WebSocket,
    client::IntoClientRequest,
    handshake::server::{Request, Response},
    http::HeaderValue,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

const ANY: &str = "ws://127.0.0.1:0/chat";

type Foreign = WebSocket<TcpStream>;

/// A WebSocket's own messages.
fn plain() -> Options {
    Options {
        protocol: Protocol::Raw,
        ..Options::default()
    }
}

fn websocket(websocket: WebSocketOptions) -> Options {
    Options {
        websocket,
        ..plain()
    }
}

async fn serve(options: Options) -> Server {
    listen(ANY, options).await.expect("listens")
}

/// Both of our ends: the server's and the client's.
async fn pair(options: Options) -> (Server, Connection, Connection) {
    let server = serve(options.clone()).await;
    let (connection, client) =
        soon(async { tokio::join!(server.accept(), connect(server.address(), options)) }).await;
    (
        server,
        connection.expect("accepts"),
        client.expect("connects"),
    )
}

/// tungstenite as the client, with further headers; the status where it was refused.
async fn foreign(
    address: String,
    headers: Vec<(&'static str, &'static str)>,
) -> Result<Foreign, u16> {
    spawn_blocking(move || {
        let mut request = address.as_str().into_client_request().expect("a request");
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        let host = address["ws://".len()..].split('/').next().expect("a host");
        let stream = TcpStream::connect(host).expect("connects");
        stream
            .set_read_timeout(Some(support::PATIENCE))
            .expect("a limit");
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::HandshakeError::Failure(TheirError::Http(answer))) => {
                Err(answer.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    })
    .await
    .expect("no panic")
}

async fn meet(
    server: &Server,
    headers: Vec<(&'static str, &'static str)>,
) -> (Connection, Foreign) {
    let (connection, peer) =
        soon(async { tokio::join!(server.accept(), foreign(server.address(), headers)) }).await;
    (connection.expect("accepts"), peer.expect("is let in"))
}

async fn next(connection: &mut Connection) -> Message {
    soon(connection.recv_message())
        .await
        .expect("not at its end")
        .expect("no fault")
}

#[tokio::test]
async fn a_foreign_client_gets_text_as_text_and_bytes_as_bytes() {
    let server = serve(plain()).await;
    let (mut connection, mut peer) = meet(&server, vec![]).await;
    let large = payload(1, 300_000);
    let sent = large.clone();
    let theirs = spawn_blocking(move || {
        peer.send(Theirs::text("gr\u{fc}\u{df}e")).expect("sends");
        peer.send(Theirs::binary(sent)).expect("sends");
        peer.send(Theirs::binary(Vec::new())).expect("sends");
        let received: Vec<_> = (0..3).map(|_| peer.read().expect("a message")).collect();
        peer.close(Some(CloseFrame {
            code: CloseCode::from(4001),
            reason: "done".into(),
        }))
        .expect("closes");
        while peer.read().is_ok() {}
        received
    });
    assert_eq!(next(&mut connection).await.text(), Some("gr\u{fc}\u{df}e"));
    let binary = next(&mut connection).await;
    assert!(!binary.is_text() && binary.text().is_none() && binary[..] == large[..]);
    assert!(next(&mut connection).await.is_empty());
    connection.send_text("hello").expect("accepted");
    connection.send([0xff; 3]).expect("accepted");
    connection.send(&large).expect("accepted");
    support::ends(&mut connection).await;
    // The peer waits for our close frame.
    let (received, closed) = soon(async { tokio::join!(theirs, connection.close()) }).await;
    closed.expect("in order");
    let frame = connection.close_frame().expect("a close frame");
    assert_eq!((frame.code, frame.reason.as_str()), (Some(4001), "done"));
    let expected = [
        Theirs::text("hello"),
        Theirs::binary(vec![0xff; 3]),
        Theirs::binary(large),
    ];
    assert_eq!(received.expect("no panic"), expected);
}

#[tokio::test]
async fn a_foreign_server_is_asked_with_path_query_headers_and_subprotocols() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("bound");
    let theirs = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("accepts");
        let mut asked = None;
        #[expect(clippy::result_large_err, reason = "tungstenite's signature")]
        let mut socket =
            tungstenite::accept_hdr(stream, |request: &Request, mut answer: Response| {
                let header =
                    |name: &str| request.headers()[name].to_str().expect("text").to_owned();
                asked = Some((
                    request.uri().to_string(),
                    header("host"),
                    header("x-token"),
                    header("sec-websocket-protocol"),
                ));
                answer
                    .headers_mut()
                    .insert("sec-websocket-protocol", HeaderValue::from_static("b"));
                Ok(answer)
            })
            .expect("a handshake");
        let message = socket.read().expect("a message");
        socket.send(message).expect("sends");
        let close = loop {
            match socket.read() {
                Ok(Theirs::Close(close)) => break close,
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        };
        while socket.read().is_ok() {}
        (asked.expect("asked"), close.expect("a code"))
    });
    let options = websocket(WebSocketOptions {
        subprotocols: vec!["a".into(), "b".into()],
        headers: vec![("X-Token".into(), "secret".into())],
        ..WebSocketOptions::default()
    });
    let mut client = soon(connect(format!("ws://{address}/p?q=1"), options))
        .await
        .expect("connects");
    assert_eq!(client.subprotocol(), Some("b"));
    client.send_text("echo").expect("accepted");
    assert_eq!(next(&mut client).await.text(), Some("echo"));
    soon(client.close_with(3000, "bye"))
        .await
        .expect("in order");
    let (asked, close) = theirs.join().expect("no panic");
    let wanted = ["/p?q=1", &address.to_string(), "secret", "a, b"].map(str::to_owned);
    assert_eq!(
        [asked.0, asked.1, asked.2, asked.3.replace(",b", ", b")],
        wanted
    );
    assert_eq!(
        (u16::from(close.code), close.reason.as_str()),
        (3000, "bye")
    );
}

#[tokio::test]
async fn who_may_come_in_is_asked_in_order() {
    let authorize = Authorize::new(|request| match request.query() {
        "" => Verdict::Accept,
        "close" => Verdict::Close {
            code: 4003,
            reason: "not you".into(),
        },
        "panic" => panic!("a defect"),
        _ => Verdict::Refuse {
            status: 401,
            body: "who?".into(),
        },
    });
    let server = serve(Options {
        max_connections: 1,
        ..websocket(WebSocketOptions {
            origins: Origins::List(vec!["https://example.com".into()]),
            authorize: Some(authorize),
            ..WebSocketOptions::default()
        })
    })
    .await;
    let address = server.address();
    let at = |query: &str| format!("{address}{query}");
    let accepting = tokio::spawn(async move { (server.accept().await, server) });
    for (target, origin, status) in [
        (address.replace("chat", "other"), "https://example.com", 404),
        (at(""), "https://evil.example", 403),
        (at("?no"), "https://example.com", 401),
        (at("?panic"), "https://example.com", 500),
    ] {
        let refused = soon(foreign(target, vec![("origin", origin)])).await;
        assert_eq!(refused.err(), Some(status));
    }
    let mut closed = soon(foreign(at("?close"), vec![])).await.expect("opened");
    let close = spawn_blocking(move || {
        let message = closed.read();
        while closed.read().is_ok() {}
        message
    });
    let expected = CloseFrame {
        code: CloseCode::from(4003),
        reason: "not you".into(),
    };
    assert_eq!(
        soon(close).await.expect("no panic").expect("a frame"),
        Theirs::Close(Some(expected))
    );
    let allowed = soon(foreign(at(""), vec![("origin", "https://example.com")])).await;
    let (accepted, server) = soon(accepting).await.expect("no panic");
    let accepted = accepted.expect("accepts");
    assert_eq!(
        accepted.request().and_then(|request| request.origin()),
        Some("https://example.com")
    );
    // The one place is taken, and given back.
    let full = tokio::select! {
        refused = soon(foreign(at(""), vec![])) => refused,
        _ = server.accept() => panic!("there is no place"),
    };
    assert_eq!(full.err(), Some(503));
    accepted.terminate();
    drop((accepted, allowed));
    eventually(|| server.connection_count() == 0).await;
    meet(&server, vec![]).await;
}

#[tokio::test]
async fn a_refusal_is_told_with_its_answer() {
    let refuse = Authorize::new(|_| Verdict::Refuse {
        status: 402,
        body: "pay".into(),
    });
    let server = serve(websocket(WebSocketOptions {
        authorize: Some(refuse),
        ..WebSocketOptions::default()
    }))
    .await;
    let error = tokio::select! {
        refused = soon(connect(server.address(), plain())) => refused.expect_err("refused"),
        _ = server.accept() => panic!("nobody was let in"),
    };
    assert_eq!(error.code(), Code::UpgradeRefused);
    assert_eq!(error.details(), [("status", 402)]);
    assert_eq!(
        error.answer().map(|answer| answer.body.as_str()),
        Some("pay")
    );
    assert_eq!(server.connection_count(), 0);
}

#[tokio::test]
async fn one_server_has_endpoints_of_both_kinds_and_paths_share_a_port() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.expect("a free port").port();
    let endpoints = [
        "tcp://127.0.0.1:0".to_owned(),
        format!("ws://127.0.0.1:{port}/a"),
        format!("ws://127.0.0.1:{port}/b"),
        ANY.to_owned(),
    ];
    let server = listen_all(&endpoints, plain()).await.expect("listens");
    let addresses = server.addresses();
    assert_eq!(addresses.len(), 4);
    assert_eq!(addresses[1..3], endpoints[1..3]);
    for (address, path) in addresses
        .iter()
        .zip([None, Some("/a"), Some("/b"), Some("/chat")])
    {
        let (connection, client) =
            soon(async { tokio::join!(server.accept(), connect(address, plain())) }).await;
        let (mut connection, client) = (connection.expect("accepts"), client.expect("connects"));
        assert_eq!(connection.request().map(|request| request.path()), path);
        client.send_text("text").expect("accepted");
        let message = next(&mut connection).await;
        assert_eq!(
            (message.is_text(), &message[..]),
            (path.is_some(), &b"text"[..])
        );
    }
    let twice = [&endpoints[1], &endpoints[1]];
    let error = listen_all(twice, plain()).await.expect_err("refused");
    assert_eq!(error.code(), Code::EndpointInvalid);
    let none = listen_all([""; 0], plain()).await.expect_err("refused");
    assert_eq!(none.code(), Code::EndpointInvalid);
}

#[tokio::test]
async fn what_breaks_the_rules_ends_with_the_close_code_and_the_fault() {
    let server = serve(Options {
        max_message: 1000,
        ..plain()
    })
    .await;
    let (mut connection, mut peer) = meet(&server, vec![]).await;
    let theirs = spawn_blocking(move || {
        peer.send(Theirs::text("before")).expect("sends");
        peer.send(Theirs::binary(vec![1; 1001])).expect("sends");
        peer.read()
    });
    assert_eq!(next(&mut connection).await.text(), Some("before"));
    assert_eq!(support::fault(&mut connection).await.code(), Code::TooBig);
    support::ends(&mut connection).await;
    let error = soon(connection.close()).await.expect_err("a fault");
    assert_eq!(error.code(), Code::TooBig);
    match soon(theirs).await.expect("no panic") {
        Ok(Theirs::Close(Some(close))) => assert_eq!(u16::from(close.code), 1009),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        connection.send([0; 1001]),
        Err(SendError::TooBig {
            length: 1001,
            limit: 1000
        })
    );
}

#[tokio::test]
async fn compressed_messages_between_our_own_ends() {
    let deflate = Some(Deflate {
        threshold: 0,
        level: 6,
    });
    let (_server, mut connection, mut client) = pair(websocket(WebSocketOptions {
        deflate,
        subprotocols: vec!["x".into()],
        ..WebSocketOptions::default()
    }))
    .await;
    assert_eq!(
        (connection.subprotocol(), client.subprotocol()),
        (Some("x"), Some("x"))
    );
    let messages: Vec<_> = (0..50).map(|at| payload(at, at * 1000)).collect();
    for message in &messages {
        client.send(message).expect("accepted");
    }
    for message in &messages {
        assert_eq!(next(&mut connection).await[..], message[..]);
    }
    connection.send_text("back").expect("accepted");
    assert_eq!(next(&mut client).await.text(), Some("back"));
    let (closed, ()) = tokio::join!(soon(client.close()), async {
        support::ends(&mut connection).await;
        drop(connection);
    });
    closed.expect("in order");
}

fn of_header(name: &str, value: &str) -> WebSocketOptions {
    WebSocketOptions {
        headers: vec![(name.into(), value.into())],
        ..WebSocketOptions::default()
    }
}

#[tokio::test]
async fn options_and_close_codes_that_cannot_be_meant_are_refused() {
    for (wrong, name) in [
        (
            WebSocketOptions {
                max_headers: 1,
                ..Default::default()
            },
            "max_headers",
        ),
        (
            WebSocketOptions {
                handshake_timeout: Duration::ZERO,
                ..Default::default()
            },
            "handshake_timeout",
        ),
        (
            WebSocketOptions {
                subprotocols: vec!["a b".into()],
                ..Default::default()
            },
            "subprotocols",
        ),
        (of_header("X-Key", "secret\n"), "X-Key"),
        (of_header("X-Key", "secret\u{100}"), "X-Key"),
        (of_header("Host", "secret"), "Host"),
        (of_header("Upgrade", "secret"), "Upgrade"),
        (of_header("a b", "secret"), "a b"),
    ] {
        let error = listen(ANY, websocket(wrong)).await.expect_err("refused");
        assert_eq!(error.code(), Code::OptionInvalid);
        assert!(error.context().contains(name), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let (_server, _connection, client) = pair(plain()).await;
    for code in [0, 999, 1005, 1006, 2000, 5000] {
        let error = client.close_with(code, "").await.expect_err("refused");
        assert_eq!(error.code(), Code::OptionInvalid);
    }
    assert!(!client.is_closed());
}

#[tokio::test]
async fn who_never_finishes_the_handshake_is_told_and_dropped() {
    let server = serve(websocket(WebSocketOptions {
        handshake_timeout: Duration::from_millis(100),
        ..WebSocketOptions::default()
    }))
    .await;
    let silent = tokio::net::TcpStream::connect(server.local_addr());
    let mut silent = silent.await.expect("connects");
    let mut answer = Vec::new();
    tokio::select! {
        read = soon(tokio::io::AsyncReadExt::read_to_end(&mut silent, &mut answer)) => drop(read),
        _ = server.accept() => panic!("nobody was let in"),
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 408"),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
    // A server that is gone meanwhile lets nobody in.
    drop(server);
}
