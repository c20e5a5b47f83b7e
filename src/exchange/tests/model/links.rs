//! Links as their tasks are, for as long as they deliver or send.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    driver::{Closed, Handle, NewLink, Poller, Sink},
    exchange::{Core, LinkId, fuzzing::plan, link_sink::LinkSink},
    frame::Protocol,
    link::{Marks, Payload, Room},
};

pub(super) fn link_of<P: Poller>(core: &Arc<Core<P>>) -> (LinkId, NewLink<LinkSink<P>>) {
    let plan = plan(Protocol::LengthPrefixed, 1000, usize::MAX);
    core.new_link(&plan, 0).expect("a slot")
}

/// Delivers messages of one byte, counted from 0, as a link does that receives them, one in a turn; and ends.
pub(super) async fn deliver<P: Poller>(mut link: NewLink<LinkSink<P>>, count: u8) {
    for number in 0..count {
        room_for(&mut link.sink, number).await;
        turn().await;
    }
    link.sink.closed(Closed::clean());
}

/// As a link's task: where there is no room it waits to be woken.
async fn room_for<P: Poller>(sink: &mut LinkSink<P>, number: u8) {
    std::future::poll_fn(|cx| {
        let has_room = place(sink, number);
        if has_room {
            return Poll::Ready(());
        }
        sink.wait_for_room(cx.waker());
        Poll::Pending
    })
    .await;
}

fn place<P: Poller>(sink: &mut LinkSink<P>, number: u8) -> bool {
    let mut room = sink.room();
    let Some((space, marks)) = room.space(1) else {
        return false;
    };
    space[0] = number;
    marks.message(0, 1, Payload::Binary);
    room.commit(1);
    true
}

/// Has the others go on.
async fn turn() {
    let mut has_yielded = false;
    std::future::poll_fn(|cx: &mut Context<'_>| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Does what the consumer wants, as a link's task does that receives nothing.
pub(super) async fn obey<P: Poller>(mut link: NewLink<LinkSink<P>>) {
    let handle: Arc<Handle> = Arc::clone(&link.handle);
    std::future::poll_fn(|cx| {
        let wants = handle.wants(cx.waker());
        if wants.notice {
            link.sink.released();
        }
        match wants.close || wants.terminate {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    handle.abandon(false);
    link.sink.closed(Closed::clean());
}
