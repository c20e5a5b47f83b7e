//! The whole life of a link on a socket: what its peer does and what its consumer does, in any order. It ends once, with
//! nothing behind that, holds nothing then, and no message comes before it is open.

use std::{
    cell::RefCell,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use super::{Event, Taker, taker::plan};
use crate::{
    driver::{Bell, Host, Inline, Meeting, Opening, Poller, UnderWay},
    exchange::{LinkId, LinkPlan},
    frame::Protocol,
    fuzzing::our_hello,
    link::ReceiveLimits,
    qwh::Side,
    ws::{Compression, HeadLimits, Params},
};

/// Turns in which an end must have been told.
const TURNS: usize = 200;
/// Sockets of loopback need none: what is written is there.
const TURNS_AN_ACT: usize = 2;
const MAX_MESSAGE: usize = 5000;

/// What is fuzzed once: a system thread and some descriptors each would be too slow.
struct Scene {
    taker: Taker<Inline>,
    listener: TcpListener,
}

thread_local! {
    static SCENE: RefCell<Option<Scene>> = const { RefCell::new(None) };
}

pub(crate) fn run(data: &[u8]) {
    let Some((&kind, mut acts)) = data.split_first() else {
        return;
    };
    SCENE.with_borrow_mut(|scene| {
        let scene = scene.get_or_insert_with(Scene::new);
        let mut life = scene.begin(kind);
        while let Some((&act, rest)) = acts.split_first() {
            acts = life.act(act, rest);
            life.turns(TURNS_AN_ACT);
        }
        life.end();
    });
}

impl Scene {
    fn new() -> Self {
        let bell = Bell::new().expect("a descriptor");
        Self {
            taker: Taker::start(|host: Arc<dyn Host>| Inline::start(host, bell)),
            listener: TcpListener::bind(("127.0.0.1", 0)).expect("a port"),
        }
    }

    fn begin(&mut self, kind: u8) -> Life<'_> {
        let address = self.listener.local_addr().expect("an address");
        let peer = TcpStream::connect(address).expect("connects");
        peer.set_nonblocking(true).expect("does not wait");
        let (ours, _) = self.listener.accept().expect("accepts");
        ours.set_nonblocking(true).expect("does not wait");
        let plan = plan_of(kind);
        let (id, link) = self.taker.core.new_link(&plan, 1).expect("a slot");
        self.taker.core.poller().adopt(ours, link);
        Life {
            taker: &mut self.taker,
            peer: Some(peer),
            id,
            is_open: false,
            is_closed: false,
        }
    }
}

/// Which protocol, in which way.
fn plan_of(kind: u8) -> LinkPlan {
    let meeting = Arc::new(Meeting {
        side: Side::Responder,
        hello: our_hello(),
        limits: ReceiveLimits {
            max_message: MAX_MESSAGE,
            max_fragments: 5,
            control_burst: 8,
            control_per_second: 0,
        },
        timeout: Duration::from_secs(5),
        is_required: kind & 8 != 0,
        under_way: UnderWay::new(1),
    });
    let protocol = if kind & 4 == 0 {
        Protocol::LengthPrefixed
    } else {
        Protocol::Raw
    };
    let plan = plan(
        protocol,
        MAX_MESSAGE,
        if kind & 16 == 0 { 1 << 20 } else { 3000 },
    );
    let speaks_qwh = kind & 1 != 0;
    match kind & 2 {
        0 => LinkPlan {
            meeting: speaks_qwh.then_some(meeting),
            ..plan
        },
        _ => LinkPlan {
            opening: Some(Arc::new(Opening {
                limits: ReceiveLimits {
                    max_message: MAX_MESSAGE,
                    max_fragments: 5,
                    control_burst: 8,
                    control_per_second: 0,
                },
                head: HeadLimits::default(),
                deflate: Some((
                    Params::default(),
                    Compression {
                        threshold: 0,
                        level: 1,
                    },
                )),
                qwh: speaks_qwh.then_some(meeting),
                timeout: Duration::from_secs(5),
                call: None,
                under_way: UnderWay::new(1),
            })),
            ..plan
        },
    }
}

/// The numbers of `outbox.rs`.
mod operation {
    pub(super) const SEND: u32 = 1;
    pub(super) const RESUME: u32 = 2;
    pub(super) const PAUSE: u32 = 3;
    pub(super) const CLOSE: u32 = 4;
    pub(super) const TERMINATE: u32 = 5;
    pub(super) const NOTIFY: u32 = 6;
    pub(super) const RELEASE: u32 = 7;
    pub(super) const ACCEPT: u32 = 8;
    pub(super) const REFUSE: u32 = 9;
    pub(super) const ALLOW: u32 = 11;
    pub(super) const ADVISE: u32 = 13;
    pub(super) const TAKE_REST: u32 = 14;
}

struct Life<'a> {
    taker: &'a mut Taker<Inline>,
    peer: Option<TcpStream>,
    id: LinkId,
    is_open: bool,
    is_closed: bool,
}

impl Life<'_> {
    /// Does one thing; gives what is left of the input.
    fn act<'d>(&mut self, act: u8, rest: &'d [u8]) -> &'d [u8] {
        let (number, behind) = match rest.split_first() {
            Some((number, behind)) => (*number, behind),
            None => (0, rest),
        };
        match act % 16 {
            0..5 => {
                let (bytes, behind) = behind.split_at(behind.len().min(number.into()));
                self.write(bytes);
                return behind;
            }
            5 => self.read(),
            6 => drop(
                self.peer
                    .as_ref()
                    .map(|peer| peer.shutdown(Shutdown::Write)),
            ),
            7 => self.reset(),
            8 => self.submit(operation::RESUME, &[]),
            9 => self.submit(operation::PAUSE, &[]),
            10 => {
                let record = [
                    &u32::from(number).to_be_bytes(),
                    &vec![number; number.into()][..],
                ];
                self.submit(
                    operation::SEND | (u32::from(act >> 4) % 3) << 8,
                    &record.concat(),
                );
                return behind;
            }
            11 => self.submit(
                operation::CLOSE,
                &[&1000_u32.to_ne_bytes()[..], b"bye"].concat(),
            ),
            12 => {
                self.submit(
                    operation::NOTIFY,
                    &[1_u32.to_ne_bytes(), 1_u32.to_ne_bytes()].concat(),
                );
            }
            13 => self.submit(operation::ADVISE, &100_u32.to_ne_bytes()),
            14 => self.submit(operation::TAKE_REST, &[]),
            _ => match number % 8 {
                0 => self.submit(operation::TERMINATE, &[]),
                _ => self.submit(
                    operation::REFUSE,
                    &[&403_u32.to_ne_bytes()[..], b"no"].concat(),
                ),
            },
        }
        rest
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(peer) = &mut self.peer {
            // What is not taken is lost, and that is as good a stream as any.
            let _ = peer.write(bytes);
        }
    }

    fn read(&mut self) {
        let mut bytes = [0; 4096];
        while let Some(peer) = &mut self.peer {
            match peer.read(&mut bytes) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => break,
            }
        }
    }

    fn reset(&mut self) {
        if let Some(peer) = self.peer.take() {
            crate::socket::reset_on_close_now(&peer);
        }
    }

    fn submit(&self, operation: u32, data: &[u8]) {
        let LinkId { slot, generation } = self.id;
        let head = [operation, slot, generation, data.len() as u32];
        let mut batch: Vec<u8> = head.iter().flat_map(|word| word.to_ne_bytes()).collect();
        batch.extend_from_slice(data);
        batch.resize(batch.len().next_multiple_of(4), 0);
        self.taker.core.submit(&batch, false);
    }

    fn turns(&mut self, count: usize) {
        for _ in 0..count {
            self.taker.core.poller().turn(|| {});
            while self.taker.spare() < 2 {
                self.taker.lend(256 * 1024);
            }
            for (of, event) in self.taker.take(100) {
                if of == self.id || !matches!(event, Event::Slab | Event::Other) {
                    self.hear(event);
                }
            }
        }
    }

    fn hear(&mut self, event: Event) {
        assert!(!self.is_closed, "{event:?} behind the end");
        match event {
            Event::Asked => self.submit(operation::ACCEPT, &[]),
            Event::Met => self.submit(operation::ALLOW, &[]),
            Event::Opened => {
                assert!(!self.is_open, "opened twice");
                self.is_open = true;
                self.submit(operation::RESUME, &[]);
            }
            Event::Message(bytes) => {
                assert!(self.is_open, "a message of what is not open");
                assert!(bytes.len() <= 64 * 1024);
            }
            Event::Closed(text) => {
                assert!(!text.contains("ERR_QW_INTERNAL"), "{text}");
                self.is_closed = true;
            }
            Event::Released | Event::Slab | Event::Ended | Event::Other => {}
        }
    }

    fn end(mut self) {
        self.submit(operation::TERMINATE, &[]);
        for _ in 0..TURNS {
            if self.is_closed {
                break;
            }
            self.turns(1);
        }
        assert!(self.is_closed, "a link without an end");
        self.submit(operation::RELEASE, &[]);
        // Some linger to be heard, for as long as there is a peer.
        self.reset();
        for _ in 0..TURNS {
            if self.taker.held() == 0 {
                break;
            }
            self.turns(1);
        }
        assert_eq!(self.taker.held(), 0, "the books balance");
    }
}
