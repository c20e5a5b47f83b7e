//! What events and batches cost on their way through the exchange, counted as in `crate::instructions`.

#[cfg(target_os = "linux")]
mod turns;

use super::{
    super::Descriptor,
    consumer::{Batch, Consumer, record},
};
use crate::instructions::{counted, send};

const BATCH: usize = 10;
const SLAB: usize = 256 * 1024;
const SLAB_EVENT: u32 = 2;

counted! {
    receive_through_exchange_64_b => receive();
    send_through_exchange_64_b => send_batches();
}

/// From the bytes of a read to descriptors in the consumer's memory.
fn receive() {
    let mut consumer = Consumer::idle();
    consumer.lend(SLAB);
    let mut link = consumer.link().expect("a slot");
    let stream = record(&[7; 64]).repeat(BATCH);
    let mut descriptors = vec![Descriptor::default(); 1024];
    let (mut sent, mut taken) = (0, 0);
    send(BATCH, || {
        link.feed_all(&stream);
        sent += BATCH;
        loop {
            let count = consumer.core.take(&mut descriptors);
            let slabs = descriptors[..count]
                .iter()
                .filter(|[_, kind, ..]| *kind == SLAB_EVENT)
                .count();
            taken += count - slabs;
            for _ in 0..slabs {
                consumer.lend(SLAB);
            }
            if count == 0 {
                break;
            }
        }
    });
    assert_eq!(taken, sent);
}

/// From a batch of the consumer to the queue of its link, which is emptied by its end.
fn send_batches() {
    let consumer = Consumer::idle();
    let id = consumer.link().expect("a slot").id;
    let messages = [&[7_u8; 64][..]; BATCH];
    let batch = Batch::default().send(1, id, &messages).0;
    send(BATCH, || consumer.submit(&batch));
}
