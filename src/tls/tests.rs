//! Two sessions face to face: what the sockets' sizes do not show.

mod instructions;

use std::io::{self, IoSlice, Read, Write};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;
use crate::Code;

/// One direction of a wire, of which the reader gets so much at once.
struct Wire {
    bytes: Vec<u8>,
    at_once: usize,
    room: usize,
}

impl Wire {
    fn new(at_once: usize) -> Self {
        Self {
            bytes: Vec::new(),
            at_once,
            room: usize::MAX,
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let taken = buf.len().min(self.at_once).min(self.bytes.len());
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buf[..taken].copy_from_slice(&self.bytes[..taken]);
        self.bytes.drain(..taken);
        Ok(taken)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let taken = buf.len().min(self.room - self.bytes.len().min(self.room));
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.bytes.extend_from_slice(&buf[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn settings(ca: &[u8]) -> Settings {
    Settings {
        min: Version::Tls12,
        max: Version::Tls13,
        alpn: vec![b"one".to_vec()],
        ca: Some(vec![ca.to_vec()]),
        reject_unauthorized: true,
        rules: Rules::default(),
        post_quantum: PostQuantum::Prefer,
        resumption: true,
        timeout: std::time::Duration::from_secs(5),
        judges: false,
    }
}

/// An authority and an identity that it signed.
struct Ends {
    ca: Vec<u8>,
    identity: Identity,
}

impl Ends {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["an authority".to_owned()]).expect("legal");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&key).expect("signed").der().to_vec();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("legal");
        // Not the authority's name, which is the same for all that say nothing.
        params.distinguished_name = rcgen::DistinguishedName::new();
        let chain = [params
            .signed_by(&key, &issuer)
            .expect("signed")
            .der()
            .to_vec()];
        let identity = Identity::new(Vec::new(), chain, &key.serialize_der());
        Self {
            ca,
            identity: identity.expect("usable"),
        }
    }

    fn listening(&self, version: Version, resumption: bool) -> Listening {
        self.listening_with(|settings| {
            (settings.min, settings.max) = (version, version);
            settings.resumption = resumption;
        })
    }

    fn dialing(&self, version: Version, resumption: bool) -> Dialing {
        self.dialing_with(|settings| {
            (settings.min, settings.max) = (version, version);
            settings.resumption = resumption;
        })
    }

    fn listening_with(&self, change: impl FnOnce(&mut Settings)) -> Listening {
        let mut settings = settings(&self.ca);
        change(&mut settings);
        Listening::new(ListenParts {
            settings,
            identities: vec![self.identity.clone()],
            asks_identity: false,
            request_cert: false,
            revision: 0,
        })
        .expect("usable")
    }

    fn dialing_with(&self, change: impl FnOnce(&mut Settings)) -> Dialing {
        let mut settings = settings(&self.ca);
        change(&mut settings);
        Dialing::new(DialParts {
            settings,
            servername: "localhost".to_owned(),
            verify_name: "localhost".to_owned(),
            identity: None,
        })
        .expect("usable")
    }
}

/// A server's and a client's configuration.
fn pair(version: Version) -> (Listening, Dialing) {
    let ends = Ends::new();
    (ends.listening(version, true), ends.dialing(version, true))
}

fn take_all(session: &mut Session, from: &mut Wire) {
    while !from.bytes.is_empty() {
        session.receive(from).expect("taken in");
    }
}

/// Takes in what came and says what there is to be said.
fn step(session: &mut Session, from: &mut Wire, to: &mut Wire) {
    take_all(session, from);
    assert!(session.flush(to).expect("flushed"));
}

/// As [`held`], with the server's last words said.
fn shaken(
    listening: &Listening,
    dialing: &Dialing,
    at_once: usize,
) -> (Session, Session, Wire, Wire) {
    let (mut server, mut client, mut down, mut up) = held(listening, dialing, at_once);
    assert!(server.flush(&mut down).expect("flushed"));
    step(&mut client, &mut down, &mut up);
    (server, client, down, up)
}

/// Both ends when the server's handshake is done and what it says at the end is not sent yet, and the wires
/// from the server and to it.
fn held(
    listening: &Listening,
    dialing: &Dialing,
    at_once: usize,
) -> (Session, Session, Wire, Wire) {
    let mut client = dialing.begin().expect("begins");
    let (mut down, mut up) = (Wire::new(at_once), Wire::new(at_once));
    assert!(client.flush(&mut up).expect("flushed"));
    let mut hello = HelloReader::default();
    let mut server = loop {
        let mut bytes = vec![0; at_once];
        let taken = up.read(&mut bytes).expect("more of the hello");
        match hello.read(&bytes[..taken]) {
            Ok(Some(hello)) => {
                assert_eq!(hello.name, "localhost");
                break hello.answer(listening, None).expect("answered");
            }
            Ok(None) => {}
            Err((error, _)) => panic!("{error}"),
        }
    };
    while server.is_handshaking() {
        step(&mut client, &mut down, &mut up);
        take_all(&mut server, &mut up);
        if server.is_handshaking() {
            assert!(server.flush(&mut down).expect("flushed"));
        }
    }
    (server, client, down, up)
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 7 % 251) as u8).collect()
}

#[test]
fn bytes_come_through_in_whatever_pieces() {
    for version in [Version::Tls12, Version::Tls13] {
        let (listening, dialing) = pair(version);
        for (at_once, room) in [
            (1, 10),
            (100, 1000),
            (5000, 60_000),
            (usize::MAX, 68 * 1024),
        ] {
            let at_once = at_once.min(1 << 20);
            let (mut server, mut client, mut down, _up) = shaken(&listening, &dialing, at_once);
            let sent = pattern(if at_once == 1 { 30_000 } else { 500_000 });
            let (mut rest, mut received) = (sent.as_slice(), Vec::new());
            let mut buf = vec![0; room];
            while received.len() < sent.len() {
                let slices = [
                    IoSlice::new(&rest[..rest.len() / 2]),
                    IoSlice::new(&rest[rest.len() / 2..]),
                ];
                match server.write(&mut down, &slices) {
                    Ok(taken) => rest = &rest[taken..],
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
                while let Ok(read) = client.read(&mut down, &mut buf) {
                    received.extend_from_slice(&buf[..read]);
                }
            }
            assert_eq!(received, sent);
            assert!(rest.is_empty());
        }
    }
}

#[test]
fn nothing_is_taken_while_ciphertext_waits() {
    let (listening, dialing) = pair(Version::Tls13);
    let (mut server, _client, mut down, _up) = shaken(&listening, &dialing, 1000);
    down.room = 10;
    let sent = pattern(1 << 20);
    let taken = server
        .write(&mut down, &[IoSlice::new(&sent)])
        .expect("taken");
    assert!(taken <= 68 * 1024, "{taken}");
    assert!(!server.is_flushed());
    let refused = server.write(&mut down, &[IoSlice::new(&sent)]);
    assert_eq!(
        refused.expect_err("refused").kind(),
        io::ErrorKind::WouldBlock
    );
    down.room = usize::MAX;
    assert!(server.flush(&mut down).expect("flushed"));
}

#[test]
fn an_end_that_was_announced_is_told_from_one_that_was_not() {
    struct Ended(Wire);

    impl Read for Ended {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf).or(Ok(0))
        }
    }

    for announced in [true, false] {
        let (listening, dialing) = pair(Version::Tls13);
        let (mut server, mut client, mut down, _up) = shaken(&listening, &dialing, 1000);
        server
            .write(&mut down, &[IoSlice::new(b"last")])
            .expect("taken");
        if announced {
            server.close();
            server.flush(&mut down).expect("flushed");
        }
        let (mut ended, mut buf) = (Ended(down), [0; 100]);
        assert_eq!(client.read(&mut ended, &mut buf).expect("read"), 4);
        assert_eq!(client.read(&mut ended, &mut buf).expect("an end"), 0);
    }
}

#[test]
fn what_comes_before_a_fault_is_given_first() {
    let (listening, dialing) = pair(Version::Tls13);
    let (mut server, mut client, mut down, _up) = shaken(&listening, &dialing, 100_000);
    server
        .write(&mut down, &[IoSlice::new(b"whole")])
        .expect("taken");
    let whole = down.bytes.len();
    server
        .write(&mut down, &[IoSlice::new(b"broken")])
        .expect("taken");
    down.bytes[whole + 8] ^= 1;
    let mut buf = [0; 100];
    assert_eq!(client.read(&mut down, &mut buf).expect("read"), 5);
    assert!(client.holds());
    let error = client.read(&mut down, &mut buf).expect_err("a fault");
    let error = crate::Error::system(Code::ConnectionLost, "reading", error);
    assert_eq!(error.code(), Code::TlsHandshake);
}

#[test]
fn a_final_alert_is_understood() {
    for version in [Version::Tls12, Version::Tls13] {
        let (listening, dialing) = pair(version);
        // In between sessions are resumed, which changes who speaks last.
        for says_all in [false, true, false, true] {
            let begin = if says_all { shaken } else { held };
            let (server, mut client, mut down, _up) = begin(&listening, &dialing, 100_000);
            let said = final_alert(server, ACCESS_DENIED).expect("said");
            down.bytes.extend_from_slice(&said);
            let error = client.read(&mut down, &mut [0; 10]).expect_err("a fault");
            let error = crate::Error::system(Code::Internal, "", error);
            assert_eq!(error.alert(), Some("access_denied"), "{version:?} {error}");
        }
    }
}

#[test]
fn old_tickets_are_nothing_to_a_new_configuration() {
    for version in [Version::Tls12, Version::Tls13] {
        let ends = Ends::new();
        let dialing = ends.dialing(version, true);
        let is_resumed = |listening: &Listening| {
            let (_, client, _, _) = shaken(listening, &dialing, 100_000);
            client.server_info(&dialing).expect("valid").is_resumed
        };
        let (old, new) = (ends.listening(version, true), ends.listening(version, true));
        assert!(!is_resumed(&old));
        assert!(is_resumed(&old));
        assert!(!is_resumed(&new));
        let off = ends.listening(version, false);
        assert!(!is_resumed(&off));
        assert!(!is_resumed(&off));
    }
}

#[test]
fn without_resumption_clients_still_hear_that_they_are_in() {
    let ends = Ends::new();
    for (client, server) in [(true, false), (false, true), (false, false)] {
        let listening = ends.listening(Version::Tls13, server);
        let dialing = ends.dialing(Version::Tls13, client);
        let (mut server, mut client, mut down, mut up) = held(&listening, &dialing, 100_000);
        assert!(client.may_be_refused());
        step(&mut server, &mut up, &mut down);
        step(&mut client, &mut down, &mut up);
        assert!(!client.may_be_refused());
    }
}

#[test]
fn post_quantum_groups_are_off_preferred_or_required() {
    let ends = Ends::new();
    for (ours, theirs, group) in [
        (PostQuantum::Off, PostQuantum::Prefer, Some("x25519")),
        (PostQuantum::Prefer, PostQuantum::Off, Some("x25519")),
        (
            PostQuantum::Prefer,
            PostQuantum::Prefer,
            Some("X25519MLKEM768"),
        ),
        (
            PostQuantum::Require,
            PostQuantum::Prefer,
            Some("X25519MLKEM768"),
        ),
    ] {
        let listening = ends.listening_with(|settings| settings.post_quantum = ours);
        let dialing = ends.dialing_with(|settings| settings.post_quantum = theirs);
        let (_, client, _, _) = shaken(&listening, &dialing, 100_000);
        let info = client.server_info(&dialing).expect("valid");
        assert_eq!(Some(info.group.as_str()), group);
    }
    let dialing = ends.dialing_with(|settings| settings.post_quantum = PostQuantum::Off);
    let listening = ends.listening_with(|settings| settings.post_quantum = PostQuantum::Require);
    let mut client = dialing.begin().expect("begins");
    let mut hello = Vec::new();
    client.flush(&mut hello).expect("flushed");
    let Ok(Some(hello)) = HelloReader::default().read(&hello) else {
        panic!("no hello");
    };
    let (error, alert) = hello.answer(&listening, None).expect_err("refused");
    assert_eq!(error.code(), Code::TlsIncompatible);
    assert!(!alert.is_empty());
}

#[test]
fn what_comes_with_a_hello_is_looked_at_with_it() {
    for version in [Version::Tls12, Version::Tls13] {
        for garbage in [100, 20_000] {
            let (listening, dialing) = pair(version);
            let mut client = dialing.begin().expect("begins");
            let mut bytes = Vec::new();
            client.flush(&mut bytes).expect("flushed");
            bytes.resize(bytes.len() + garbage, 7);
            let Ok(Some(mut hello)) = HelloReader::default().read(&bytes) else {
                panic!("no hello");
            };
            let behind = std::mem::take(&mut hello.behind);
            let mut server = hello.answer(&listening, None).expect("answered");
            let error = server.take_in(&behind).expect_err("a fault");
            let error = crate::Error::system(Code::Internal, "", error);
            assert_eq!(error.code(), Code::TlsHandshake, "{version:?} {garbage}");
        }
    }
}

#[test]
fn a_first_record_that_is_too_long_is_not_of_tls() {
    assert!(is_tls(&[22, 3, 1, 0x48, 0]));
    assert!(!is_tls(&[22, 3, 1, 0x48, 1]));
}

/// A certificate that signed itself, as `openssl req -x509` makes them.
fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> (Vec<u8>, Identity) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("legal");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let der = params.self_signed(&key).expect("signed").der().to_vec();
    let identity = Identity::new(Vec::new(), [der.clone()], &key.serialize_der());
    (der, identity.expect("usable"))
}

/// How a client that trusts `ca` and calls `localhost` takes a server that has `identity`.
fn taken(ca: &[u8], identity: &Identity) -> std::result::Result<(), crate::Error> {
    let ends = Ends {
        ca: ca.to_vec(),
        identity: identity.clone(),
    };
    let (listening, dialing) = (ends.listening_with(|_| {}), ends.dialing_with(|_| {}));
    let mut client = dialing.begin()?;
    let (mut up, mut down) = (Vec::new(), Vec::new());
    client.flush(&mut up).expect("flushed");
    let Ok(Some(hello)) = HelloReader::default().read(&up) else {
        panic!("no hello");
    };
    let mut server = hello.answer(&listening, None).expect("answered");
    server.take_in(&[]).expect("nothing more");
    server.flush(&mut down).expect("flushed");
    client
        .take_in(&down)
        .map_err(|error| crate::Error::system(Code::Internal, "", error))
}

#[test]
fn a_certificate_that_signed_itself_is_taken_where_it_is_itself_trusted() {
    let code = |ca: &[u8], identity: &Identity| taken(ca, identity).map_err(|error| error.code());
    let (der, identity) = self_signed(|_| {});
    let (other, _) = self_signed(|_| {});
    assert_eq!(code(&der, &identity), Ok(()));
    assert_eq!(code(&other, &identity), Err(Code::TlsUntrusted));
    let (der, identity) = self_signed(|params| params.not_after = rcgen::date_time_ymd(2000, 1, 1));
    assert_eq!(code(&der, &identity), Err(Code::TlsExpired));
    let (der, identity) = self_signed(|params| params.subject_alt_names.clear());
    assert_eq!(code(&der, &identity), Err(Code::TlsName));
    let Ends { ca, identity } = Ends::new();
    let leaf = identity.key.cert[0].to_vec();
    assert_eq!(code(&leaf, &identity), Ok(()));
    assert_eq!(code(&ca, &identity), Ok(()));
}

#[test]
fn an_authority_that_is_not_trusted_itself_vouches_for_others_only() {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["root".to_owned()]).expect("legal");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "root");
    let root = params.self_signed(&key).expect("signed").der().to_vec();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("legal");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let middle = params.signed_by(&key, &issuer).expect("signed");
    let identity = Identity::new(Vec::new(), [middle.der().to_vec()], &key.serialize_der());
    let error = taken(&root, &identity.expect("usable")).expect_err("refused");
    assert_eq!(error.code(), Code::TlsBadCert);
    assert!(error.context().contains("in ca"), "{error}");
}
