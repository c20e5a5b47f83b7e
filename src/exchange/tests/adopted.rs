//! Connections whose handshake somebody else has read.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::{
        fd::{AsRawFd, RawFd},
        unix::net::UnixStream,
    },
    sync::Arc,
    time::Duration,
};

use super::{
    super::{LinkId, LinkPlan},
    consumer::{Batch, RESUME, plan, record},
    live::{Live, call, live},
};
use crate::{
    driver::{Admitted, Opening, UnderWay},
    error::{Code, Result},
    link::ReceiveLimits,
    socket,
    ws::{Compression, HeadLimits, Opcode, Params, new_key, write_frame},
};

/// The example of RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn web_plan() -> LinkPlan {
    let compression = Compression {
        threshold: 1000,
        level: 1,
    };
    LinkPlan {
        opening: Some(Arc::new(Opening {
            qwh: None,
            limits: ReceiveLimits::default(),
            head: HeadLimits::default(),
            deflate: Some((Params::default(), compression)),
            timeout: Duration::from_secs(5),
            call: None,
            under_way: UnderWay::new(1),
        })),
        ..plan()
    }
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let key = new_key().expect("random bytes");
    write_frame(&mut bytes, Some(key), Opcode::Binary, false, payload);
    bytes
}

fn request(extensions: &'static str, first: Vec<u8>) -> Admitted<'static> {
    Admitted {
        key: KEY,
        extensions,
        subprotocol: "chat",
        first,
    }
}

impl Live {
    fn adopt(&self, descriptor: RawFd, request: Admitted<'_>) -> Result<(LinkId, bool)> {
        self.core
            .adopt(socket::duplicate(descriptor)?, &web_plan(), request)
    }
}

/// Both ends of a connection: the peer's, and the one that somebody accepted.
fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("binds");
    let peer = call(listener.local_addr().expect("an address"));
    let (accepted, _) = listener.accept().expect("accepts");
    (peer, accepted)
}

#[test]
fn the_answer_comes_first_and_nothing_received_is_lost() {
    let mut consumer = live();
    let (mut peer, accepted) = connected();
    let (one, other) = (frame(b"with the request"), frame(b"behind it"));
    let (begun, rest) = other.split_at(3);
    let first = [&one, begun].concat();
    let (link, is_deflated) = consumer
        .adopt(accepted.as_raw_fd(), request("", first))
        .expect("adopts");
    assert!(!is_deflated);
    // Sent before the I/O thread has looked at it.
    consumer.ask(
        Batch::default()
            .send(1, link, &[b"hello"])
            .ask(RESUME, link),
    );
    drop(accepted);
    peer.write_all(rest).expect("writes");
    let received = consumer.messages(link, 2);
    assert_eq!(received, [&b"with the request"[..], b"behind it"]);
    let mut answer = vec![0; 300];
    let mut read = 0;
    while !answer[..read].ends_with(b"hello") {
        read += peer.read(&mut answer[read..]).expect("reads");
    }
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    for line in [
        format!("Sec-WebSocket-Accept: {ACCEPT}\r\n"),
        "Sec-WebSocket-Protocol: chat\r\n".to_owned(),
    ] {
        assert!(answer.contains(&line), "{answer}");
    }
    assert!(answer.ends_with("\r\n\r\n\u{fffd}\u{5}hello"), "{answer}");
}

#[test]
fn compression_is_agreed_on_and_nonsense_refused() {
    let consumer = live();
    let (_peer, accepted) = connected();
    let descriptor = accepted.as_raw_fd();
    let deflated = consumer.adopt(descriptor, request("permessage-deflate", Vec::new()));
    assert!(deflated.expect("adopts").1);
    let refused = consumer.adopt(descriptor, request(";;", Vec::new()));
    assert_eq!(refused.expect_err("no grammar").code(), Code::Handshake);
    let smuggled = Admitted {
        subprotocol: "a\r\nb",
        ..request("", Vec::new())
    };
    let refused = consumer.adopt(descriptor, smuggled);
    assert_eq!(refused.expect_err("no token").code(), Code::OptionInvalid);
}

#[test]
fn what_is_no_connection_is_not_adopted() {
    let (unix, _other) = UnixStream::pair().expect("a pair");
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("binds");
    for descriptor in [
        -1,
        RawFd::MIN,
        RawFd::MAX,
        unix.as_raw_fd(),
        listener.as_raw_fd(),
    ] {
        let refused = socket::duplicate(descriptor);
        assert_eq!(refused.expect_err("no TCP").code(), Code::Resources);
    }
}

#[test]
fn a_second_descriptor_keeps_the_connection_open() {
    let (mut peer, accepted) = connected();
    let ours = socket::duplicate(accepted.as_raw_fd()).expect("duplicates");
    drop(accepted);
    peer.write_all(&record(b"x")).expect("writes");
    ours.set_nonblocking(false).expect("an option");
    let mut bytes = [0; 5];
    (&ours).read_exact(&mut bytes).expect("reads");
    assert_eq!(&bytes, b"\0\0\0\x01x");
}
