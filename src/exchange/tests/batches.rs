//! Batches that do not parse, or ask for the impossible, are refused and harm nothing.

use bytes::BytesMut;
use proptest::{collection::vec, prelude::*};

use super::{
    super::{LinkId, Manner, outbox},
    consumer::{Batch, Consumer, SEND},
    driven::Idle,
};

/// Still at work: a slot is given out and its release is understood.
fn works(consumer: &Consumer<Idle>) {
    consumer.submit(
        &Batch::default()
            .ask(
                super::consumer::RELEASE,
                LinkId {
                    slot: 1,
                    generation: 1,
                },
            )
            .0,
    );
    assert!(consumer.link().is_some());
}

proptest! {
    #[test]
    fn random_bytes_never_panic(batch in vec(any::<u8>(), 0..200)) {
        let consumer = Consumer::idle();
        let _link = consumer.link().expect("a slot");
        consumer.submit(&batch);
        consumer.core.submit(&batch, true);
        works(&consumer);
    }

    #[test]
    fn random_runs_for_a_live_link_never_panic(
        runs in vec((0..12_u32, 0..4_u32, vec(any::<u8>(), 0..60)), 0..8),
        cut in any::<prop::sample::Index>(),
        direct in any::<bool>(),
    ) {
        let consumer = Consumer::idle();
        let link = consumer.link().expect("a slot").id;
        let mut batch = Batch::default();
        for (operation, class, data) in &runs {
            batch = batch.run(operation | class << 8, link, data);
        }
        consumer.core.submit(&batch.0, direct);
        consumer.answer();
        consumer.submit(&batch.0[..cut.index(batch.0.len() + 1)]);
        works(&consumer);
    }

    #[test]
    fn a_single_message_is_a_batch_of_whole_words(payload in vec(any::<u8>(), 0..70)) {
        let link = LinkId { slot: 1, generation: 1 };
        let mut batch = BytesMut::new();
        outbox::single(&mut batch, link, Manner::from(1), &payload);
        prop_assert_eq!(&batch[..], Batch::default().send(1, link, &[&payload]).0);
    }
}

#[test]
fn a_stale_link_is_nobody() {
    let consumer = Consumer::idle();
    let link = consumer.link().expect("a slot").id;
    for stale in [
        LinkId {
            generation: link.generation + 1,
            ..link
        },
        LinkId {
            generation: link.generation.wrapping_sub(1),
            ..link
        },
        LinkId {
            slot: 0,
            generation: 0,
        },
        LinkId {
            slot: u32::MAX,
            generation: 1,
        },
    ] {
        let batch = (1..10).fold(Batch::default(), |batch, operation| {
            batch.ask(operation, stale)
        });
        consumer.submit(&batch.send(1, stale, &[b"for nobody"]).0);
        consumer
            .core
            .submit(&Batch::default().run(SEND, stale, &[]).0, true);
        assert!(!consumer.answer(), "written at once to nobody");
    }
}
