//! With an I/O thread.

use shuttle::rand::{Rng, thread_rng};

use super::{
    super::consumer::{CLOSE, NOTIFY, SEND, TERMINATE, record},
    heard::{Heard, all},
    links::{deliver, obey},
    stage::{Job, Stage},
    wire::Wire,
};
use crate::{exchange::Manner, model::tried};

/// Bit of a message that goes out at once if it can.
const DIRECT: u32 = 1 << 9;
const NORMAL: u32 = 1;

#[test]
fn every_message_arrives_once_and_in_order_and_nobody_sleeps_for_ever() {
    tried(|| {
        let mut stage = Stage::new();
        let (first, second) = (stage.link(), stage.link());
        let ids = [first.0, second.0];
        stage.lend();
        stage.begin(vec![
            Box::pin(deliver(first.1, 5)),
            Box::pin(deliver(second.1, 3)),
        ]);
        let mut heard = Heard::lending();
        while heard.closed.len() < 2 {
            // Few at a time: what is left must call again.
            stage.dispatch(2, &mut heard);
        }
        assert_eq!(
            ids.map(|id| heard.messages[&id.slot].clone()),
            [all(5), all(3)]
        );
        stage.taker.core.stop();
    });
}

#[test]
fn a_slab_is_begun_once_and_a_link_that_waits_for_one_goes_on() {
    tried(|| {
        let mut stage = Stage::new();
        let (id, link) = stage.link();
        stage.begin(vec![Box::pin(deliver(link, 6))]);
        let mut heard = Heard::default();
        // Two messages are in each, and there is none before the consumer has seen all of the last.
        for lent in 1..=3 {
            stage.lend();
            while heard.messages.get(&id.slot).map_or(0, Vec::len) < 2 * lent {
                stage.dispatch(8, &mut heard);
            }
            assert_eq!((heard.slabs, stage.taker.spare()), (lent, 0));
        }
        while heard.closed.is_empty() {
            stage.dispatch(8, &mut heard);
        }
        assert_eq!(heard.messages[&id.slot], all(6));
        stage.taker.core.stop();
    });
}

#[test]
fn what_is_sent_in_every_way_is_written_once_and_in_order() {
    tried(|| {
        let mut stage = Stage::new();
        let (id, link) = stage.link();
        let (mut wire, socket) = Wire::new();
        link.handle.connect(socket);
        stage.begin(vec![Box::pin(obey(link))]);
        let mut sent = Vec::new();
        let mut bytes = 0;
        for number in 0..5_u8 {
            let payload = [number; 3];
            // As JavaScript knows that it may: nothing of the link's waits.
            let is_idle = stage.taker.written(id) == bytes;
            match thread_rng().gen_range(0..3) {
                0 => stage.submit(SEND | NORMAL << 8, id, &record(&payload), is_idle),
                1 => stage.submit(SEND | NORMAL << 8, id, &record(&payload), false),
                _ => {
                    let manner = NORMAL | if is_idle { DIRECT } else { 0 };
                    (stage.taker.core).submit_large(id, Manner::from(manner), &payload);
                }
            }
            sent.extend(record(&payload));
            bytes += 3;
        }
        let threshold = [bytes.to_ne_bytes(), 5_u32.to_ne_bytes()].concat();
        stage.ask(NOTIFY, id, &threshold);
        let mut heard = Heard::default();
        while heard.notices == 0 {
            stage.dispatch(8, &mut heard);
        }
        assert_eq!(stage.taker.written(id), bytes);
        assert_eq!(wire.read(), sent);
        stage.taker.core.stop();
        assert_eq!((heard.notices, stage.taker.held()), (1, 0));
    });
}

#[test]
fn at_a_close_nothing_is_lost_and_nothing_doubled() {
    tried(|| {
        let mut stage = Stage::new();
        let (asked, link) = stage.link();
        let (told, other) = stage.link();
        let (mut wire, socket) = Wire::new();
        link.handle.connect(socket);
        stage.lend();
        stage.lend();
        let tasks: Vec<Job> = vec![Box::pin(obey(link)), Box::pin(deliver(other, 4))];
        stage.begin(tasks);
        for number in 0..3_u8 {
            stage.ask(SEND | NORMAL << 8, asked, &record(&[number]));
        }
        stage.ask(CLOSE, asked, &[0; 4]);
        // Behind the end, if that is known yet.
        stage.ask(SEND | NORMAL << 8, asked, &record(&[3]));
        let mut heard = Heard::default();
        while heard.closed.len() < 2 {
            stage.dispatch(3, &mut heard);
        }
        stage.taker.core.stop();
        assert_eq!(heard.messages[&told.slot], all(4));
        let written = wire.read();
        let whole: Vec<_> = (0..4).flat_map(|number| record(&[number])).collect();
        let before = 3 * record(&[0]).len();
        assert!(written.len() >= before && whole.starts_with(&written));
        assert_eq!(stage.taker.held(), 0);
    });
}

#[test]
fn a_reset_leaves_whole_messages_or_none() {
    tried(|| {
        let mut stage = Stage::new();
        let (id, link) = stage.link();
        let (mut wire, socket) = Wire::new();
        link.handle.connect(socket);
        stage.begin(vec![Box::pin(obey(link))]);
        stage.submit(SEND | NORMAL << 8, id, &record(&[0]), true);
        stage.ask(TERMINATE, id, &[]);
        stage.submit(
            SEND | NORMAL << 8,
            id,
            &record(&[1]),
            stage.taker.written(id) == 1,
        );
        let mut heard = Heard::default();
        while heard.closed.is_empty() {
            stage.dispatch(8, &mut heard);
        }
        stage.taker.core.stop();
        let written = wire.read();
        let whole = [record(&[0]), record(&[1])].concat();
        assert!(whole.starts_with(&written) && written.len() >= record(&[0]).len());
        assert_eq!(stage.taker.held(), 0);
    });
}

#[test]
fn behind_a_stop_nobody_calls_and_nobody_has_the_exchange() {
    tried(|| {
        let mut stage = Stage::new();
        let link = stage.link().1;
        stage.lend();
        stage.begin(vec![Box::pin(deliver(link, 2))]);
        if thread_rng().gen_range(0..2) == 1 {
            stage.dispatch(1, &mut Heard::default());
        }
        stage.taker.core.stop();
        let calls = stage.calls.count();
        assert_eq!(std::sync::Arc::strong_count(&stage.taker.core), 1);
        shuttle::thread::yield_now();
        assert_eq!(stage.calls.count(), calls);
    });
}
