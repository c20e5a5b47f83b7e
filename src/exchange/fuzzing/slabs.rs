//! Length-prefixed messages into lent memory: however they are cut, however little memory there is and however late it
//! comes, what the descriptors point at are the messages.

use std::{net::SocketAddr, task::Waker};

use super::{Event, Taker, plan};
use crate::{
    driver::{Agreed, Closed, Ends, Host, LinkTask, Poller, Sink},
    error::Code,
    frame::Protocol,
    fuzzing::{Input, Lent, Pieces},
    link::{Inbound, ReadTurn, TURN},
};

const MAX_MESSAGE: usize = 5000;
/// Slabs are small, as small as they must be, and as large as they are.
const SLABS: [usize; 4] = [700, MAX_MESSAGE + 4, 66_000, 272 * 1024];
/// So often in a row there is no room before it is known that there will be none.
const PATIENCE: usize = 16;

/// Runs nothing: the link is driven by hand.
struct Still;

impl Poller for Still {
    fn spawn_link<S: Sink>(&self, _: impl Future<Output = Option<LinkTask<S>>> + Send + 'static) {}

    fn spawn_listener(&self, _: impl Future<Output = ()> + Send + 'static) {}

    fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}

    fn ring(&self) {}

    fn end_turn(&self) {}

    fn stop(&self) {}
}

pub(crate) fn run(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let (expected, fault) = plainly(input.stream);
    let outcome = through_slabs(&input);
    match outcome.is_starved {
        // What a budget cannot hold never comes; what came is right.
        true => assert!(expected.starts_with(&outcome.messages)),
        false => assert_eq!((outcome.messages, outcome.fault), (expected, fault)),
    }
}

/// The same without all that.
fn plainly(stream: &[u8]) -> (Vec<Vec<u8>>, Option<Code>) {
    let mut inbound = Inbound::new(Protocol::LengthPrefixed, MAX_MESSAGE);
    let mut room = Lent::new(70_000, Vec::new());
    let mut io = Pieces::new(stream, Vec::new());
    let fault = loop {
        match inbound.on_readable(&mut io, &mut room, TURN) {
            Ok(ReadTurn::End) => break None,
            Ok(_) => {}
            Err(error) => break Some(error.code()),
        }
    };
    (
        room.messages.into_iter().map(|(_, bytes)| bytes).collect(),
        fault,
    )
}

struct Outcome {
    messages: Vec<Vec<u8>>,
    fault: Option<Code>,
    is_starved: bool,
}

fn through_slabs(input: &Input<'_>) -> Outcome {
    let budget = if input.flag(0) { 3000 } else { 1 << 30 };
    let mut taker = Taker::start(|_| Ok(Still)).lending(usize::from(input.flag(1)));
    let plan = plan(Protocol::LengthPrefixed, MAX_MESSAGE, budget);
    let (id, link) = taker.core.new_link(&plan, 0).expect("a slot");
    let (mut link, _) = link.rebegin(());
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    let ends = Ends {
        remote: address,
        local: address,
    };
    link.sink.opened(ends, &Agreed::default());
    let mut inbound = Inbound::new(Protocol::LengthPrefixed, MAX_MESSAGE);
    let mut io = Pieces::new(input.stream, input.cuts.clone());
    let (mut events, mut stalls) = (Vec::new(), 0);
    let fault = loop {
        let turn = inbound.on_readable(&mut io, &mut link.sink.room(), TURN);
        taker.core.on_turn();
        // A consumer that lags takes one event at a time.
        events.extend(taker.take(if input.flag(2) { 1 } else { 100 }));
        match turn {
            Ok(ReadTurn::End) => break None,
            Ok(ReadTurn::Stalled) if stalls == PATIENCE => break None,
            Ok(ReadTurn::Stalled) => {
                stalls += 1;
                link.sink.wait_for_room(Waker::noop());
                taker.lend(SLABS[(stalls + usize::from(input.flag(3))) % SLABS.len()]);
                taker.core.on_bell();
            }
            Ok(_) => stalls = 0,
            Err(error) => break Some(error.code()),
        }
    };
    inbound.discard(&mut link.sink.room());
    link.sink.closed(Closed::clean());
    drop(link);
    taker.core.on_turn();
    while let taken @ [_, ..] = &mut taker.take(100)[..] {
        events.extend(
            taken
                .iter_mut()
                .map(|each| std::mem::replace(each, (id, Event::Other))),
        );
    }
    assert_eq!(taker.held(), 0, "the books balance");
    assert!(
        matches!(events.last(), Some((_, Event::Closed(_)))),
        "the end is the last"
    );
    let messages = events.into_iter().filter_map(|(of, event)| match event {
        Event::Message(bytes) => {
            assert_eq!(of, id, "a message of another link");
            Some(bytes)
        }
        _ => None,
    });
    Outcome {
        messages: messages.collect(),
        fault,
        is_starved: stalls == PATIENCE,
    }
}

impl Taker<Still> {
    /// With a first slab of a size that is legal.
    fn lending(mut self, size: usize) -> Self {
        self.lend(SLABS[1 + size]);
        self
    }
}
