//! What turns on the consumer's thread cost, from the socket to the consumer and back. The kernel's part is not
//! counted, the peer's calls of it are: a handful of instructions each.

use std::io::Write;

use super::{
    super::{
        super::descriptor::Kind,
        consumer::{Batch, CLOSE, RELEASE, record},
        served::{Served, gets},
    },
    BATCH,
};
use crate::instructions::{counted, send};

/// Subscribers, as many as there are slots for, and publications that are written at once.
const LINKS: usize = 6;
const PUBLICATIONS: usize = 8;

counted! {
    turn_inline_echo_64_b => echo();
    send_fan_out_128_b => fan_out();
    visit_inline => visits();
}

/// A batch comes with one read, and its replies go out with one write.
fn echo() {
    let mut served = Served::start();
    let (link, mut peer) = served.accepted();
    let records = record(&[7; 64]).repeat(BATCH);
    let replies = Batch::default().send(1, link, &[&[7; 64][..]; BATCH]);
    let mut room = vec![0; records.len()];
    send(BATCH, || {
        peer.write_all(&records).expect("writes");
        served.until(Kind::Message, BATCH);
        served.ask(&replies);
        gets(&peer, &mut room);
    });
    assert_eq!(room, records);
}

/// Publications for the same links are gathered, and written to each at once; counted by the delivery.
fn fan_out() {
    let mut served = Served::start();
    let (links, peers): (Vec<_>, Vec<_>) = (0..LINKS).map(|_| served.accepted()).unzip();
    let message = [7; 128];
    let batch = (0..PUBLICATIONS).fold(Batch::default(), |batch, _| {
        batch.fan_out(1, &links, &message)
    });
    let expected = record(&message).repeat(PUBLICATIONS);
    let mut room = vec![0; expected.len()];
    send(LINKS * PUBLICATIONS, || {
        served.ask(&batch);
        for peer in &peers {
            gets(peer, &mut room);
        }
    });
    assert_eq!(room, expected);
}

/// A client connects, has one message echoed, and leaves in order; counted by the visit.
fn visits() {
    let mut served = Served::start();
    let hello = record(&[7; 64]);
    let mut room = vec![0; hello.len()];
    send(1, || {
        let (link, mut peer) = served.accepted();
        peer.write_all(&hello).expect("writes");
        served.until(Kind::Message, 1);
        served.ask(&Batch::default().send(1, link, &[&[7; 64]]));
        gets(&peer, &mut room);
        drop(peer);
        served.until(Kind::Ended, 1);
        served.ask(&Batch::default().ask(CLOSE, link));
        served.until(Kind::Closed, 1);
        served.ask(&Batch::default().ask(RELEASE, link));
    });
    assert_eq!(room, hello);
}
