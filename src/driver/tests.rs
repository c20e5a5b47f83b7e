//! A defect in one link costs that link, and an end without one is told as what it was.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    task::Waker,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    Admit, Agreed, Beginning, Closed, Ends, Handle, Host, IoThread, Ledger, NewLink, Placement,
    Poller, Sink, life::Life, task::LinkTask,
};
use crate::{
    error::{Code, Error},
    frame::Protocol,
    link::{Class, Inbound, Marks, Payload, Rates, Released, Room},
    socket::{Listener, SocketOptions},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// What a sink was told.
#[derive(Debug)]
enum Told {
    Opened,
    Message(Vec<u8>),
    Ended,
    Closed(Closed),
}

/// Tells all it hears, and panics at a message that says so.
struct Fragile {
    told: Sender<Told>,
    memory: Vec<u8>,
    found: Found,
}

#[derive(Default)]
struct Found(Vec<(usize, usize)>);

impl Marks for Found {
    fn message(&mut self, start: usize, len: usize, _: Payload) {
        self.0.push((start, len));
    }
}

impl Sink for Fragile {
    type Room<'a> = &'a mut Self;

    fn asked(&mut self, _: Ends, _: &crate::ws::request::RequestHead) {}

    fn greeted(&mut self, _: Ends, _: &str, _: u32) {}

    fn secured(&mut self, _: Ends, _: &crate::tls::Info, _: u32) {}

    fn insecure(&mut self, _: Ends, _: &Error) {}

    fn met(
        &mut self,
        _: Ends,
        _: &Agreed,
        _: Option<&crate::tls::Info>,
        _: &[u8; 16],
        _: &crate::qwh::Peer,
    ) {
    }

    fn unmet(&mut self, _: Ends, _: &Error) {}

    fn opened(&mut self, _: Ends, _: &Agreed) {
        let _ = self.told.send(Told::Opened);
    }

    fn room(&mut self) -> &mut Self {
        self
    }

    fn wait_for_room(&mut self, _: &Waker) {}

    fn released(&mut self) {
        panic!("a sink broke under the link's lock");
    }

    fn ended(&mut self) {
        let _ = self.told.send(Told::Ended);
    }

    fn closed(&mut self, closed: Closed) {
        let _ = self.told.send(Told::Closed(closed));
    }
}

impl Room for &mut Fragile {
    type Marks = Found;

    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Found)> {
        self.memory.resize(min, 0);
        Some((&mut self.memory, &mut self.found))
    }

    fn commit(&mut self, _: usize) {
        for (start, len) in std::mem::take(&mut self.found.0) {
            let message = self.memory[start..start + len].to_vec();
            assert_ne!(message, b"break", "a sink broke");
            let _ = self.told.send(Told::Message(message));
        }
    }

    fn assembled(&mut self, _: Vec<u8>, _: Payload) {}

    fn hold(&mut self, _: isize) -> bool {
        true
    }
}

struct NoLedger;

impl Ledger for NoLedger {
    fn release(&self, _: u32, _: Released) {}
    fn queue(&self, _: isize) {}
}

struct NoHost;

impl Host for NoHost {
    fn on_bell(&self) {}
    fn on_turn(&self) {}
    fn on_failure(&self, why: &str) {
        panic!("the whole thread broke: {why}");
    }
}

/// A link on an I/O thread, and its peer.
struct Scene {
    handle: Arc<Handle>,
    told: Receiver<Told>,
    peer: TcpStream,
}

impl Scene {
    fn on(thread: &IoThread) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let peer = TcpStream::connect(listener.local_addr().expect("an address"));
        let peer = peer.expect("connects");
        peer.set_read_timeout(Some(PATIENCE)).expect("an option");
        let (socket, _) = listener.accept().expect("accepts");
        socket.set_nonblocking(true).expect("an option");
        let handle = Arc::new(Handle::new(
            Protocol::LengthPrefixed,
            &Rates::default(),
            Arc::new(NoLedger),
            0,
        ));
        let (tell, told) = mpsc::channel();
        handle.set_reading(true);
        let link = NewLink {
            handle: Arc::clone(&handle),
            beginning: Beginning::Stream(Inbound::new(Protocol::LengthPrefixed, 1000)),
            sink: Fragile {
                told: tell,
                memory: Vec::new(),
                found: Found::default(),
            },
            inbound: Rates::default(),
            heartbeat: None,
            close_timeout: Duration::from_secs(5),
            security: None,
            within: Duration::MAX,
        };
        thread.adopt(socket, link);
        let scene = Self { handle, told, peer };
        assert!(matches!(scene.next(), Told::Opened));
        scene
    }

    fn next(&self) -> Told {
        self.told.recv_timeout(PATIENCE).expect("told in time")
    }

    fn write(&mut self, message: &[u8]) {
        let length = u32::try_from(message.len()).expect("fits").to_be_bytes();
        self.peer
            .write_all(&[&length, message].concat())
            .expect("writes");
    }

    fn works(&mut self) {
        self.write(b"still there?");
        assert!(matches!(self.next(), Told::Message(message) if message == b"still there?"));
    }

    /// The link ended through a defect, which said `why`, and the peer was told.
    fn is_broken(&mut self, why: &str) {
        let Told::Closed(Closed {
            clean: false,
            error: Some(error),
            ..
        }) = self.next()
        else {
            panic!("not a fault");
        };
        assert_eq!(error.code(), Code::Internal);
        assert!(error.context().contains(why), "{error}");
        let reset = self.peer.read(&mut [0]).expect_err("a reset");
        assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
    }
}

fn thread() -> IoThread {
    IoThread::start(Arc::new(NoHost)).expect("starts")
}

#[test]
fn a_sink_that_panics_ends_its_link_alone() {
    let thread = thread();
    let mut one = Scene::on(&thread);
    let mut broken = Scene::on(&thread);
    let mut other = Scene::on(&thread);
    one.works();
    broken.works();
    broken.write(b"break");
    broken.is_broken("a sink broke");
    one.works();
    other.works();
    Scene::on(&thread).works();
    thread.stop();
}

#[test]
fn a_panic_under_the_link_s_lock_leaves_the_lock_usable() {
    let thread = thread();
    let mut broken = Scene::on(&thread);
    // Due at once: the sink is told while the task holds the lock.
    broken.handle.notify_at(Released::default());
    broken.is_broken("under the link's lock");
    broken.handle.terminate();
    // What is left of the task may have the lock yet.
    let begun = Instant::now();
    while !broken.handle.try_send(Class::High, &[0; 4]) {
        assert!(begun.elapsed() < PATIENCE, "nobody gets the lock");
        std::thread::yield_now();
    }
    Scene::on(&thread).works();
    thread.stop();
}

/// Counts the failures of a listener.
struct Failures(Sender<Error>);

impl Admit for Failures {
    type Sink = Fragile;
    type Elsewhere = ();

    fn place(&mut self) -> Option<Placement<Fragile, ()>> {
        None
    }

    fn adopt((): &(), _: TcpStream, _: NewLink<Fragile>) {}

    fn failed(&mut self, error: Error) {
        let _ = self.0.send(error);
    }

    fn closed(&mut self) {}
}

#[test]
fn a_listener_that_fails_for_good_is_told_about_now_and_then() {
    let thread = thread();
    // Bound and not listening: there is no accepting from it.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    socket.set_nonblocking(true).expect("an option");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).expect("binds");
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    thread.listen(
        Listener::Tcp(socket.into()),
        SocketOptions::default(),
        Failures(tell),
        stopped,
    );
    let first = told.recv_timeout(PATIENCE).expect("told in time");
    assert_eq!(first.code(), Code::Resources);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(told.try_iter().count(), 0);
    drop(stop);
    let end = told.recv_timeout(PATIENCE);
    assert!(end.is_err(), "the port is not freed");
    thread.stop();
}

#[test]
fn an_orderly_end_is_clean() {
    let thread = thread();
    let Scene { handle, told, peer } = Scene::on(&thread);
    drop(peer);
    assert!(matches!(told.recv_timeout(PATIENCE), Ok(Told::Ended)));
    handle.close(crate::ws::CloseFrame::default());
    let closed = told.recv_timeout(PATIENCE).expect("told in time");
    assert!(matches!(
        closed,
        Told::Closed(Closed {
            clean: true,
            error: None,
            ..
        })
    ));
    thread.stop();
}

#[test]
fn a_thread_that_was_stopped_leaves_nothing_open() {
    let thread = thread();
    let Scene {
        handle,
        told,
        mut peer,
    } = Scene::on(&thread);
    thread.stop();
    thread.stop();
    drop(told);
    handle.abandon(true);
    assert!(peer.read(&mut [0]).is_err(), "a reset");
}

#[test]
fn a_link_that_is_up_pays_nothing_for_its_opening() {
    assert!(size_of::<Life<Fragile>>() <= size_of::<LinkTask<Fragile>>() + size_of::<usize>());
}
