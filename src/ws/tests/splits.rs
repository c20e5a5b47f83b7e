//! However a stream is cut into reads, and whatever room there is, the same comes of it.

use proptest::prelude::*;

use super::{
    script::{acts, mutate, stream},
    support::{Lent, Outcome, Pieces, decode},
};
use crate::{
    link::ReceiveLimits,
    ws::{Decoder, Params, Role},
};

fn decoder(role: Role, first: &[u8]) -> Decoder {
    let limits = ReceiveLimits {
        max_message: 5_000,
        max_fragments: 5,
        control_burst: 20,
        control_per_second: 0,
    };
    Decoder::new(role, limits, Some(&Params::default()), first.to_vec())
}

/// All in one read.
fn at_once(role: Role, stream: &[u8]) -> Outcome {
    let mut room = Lent::new(1 << 20, Vec::new());
    decode(
        decoder(role, b""),
        Pieces::new(stream, Vec::new()),
        &mut room,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn give_the_same_messages_and_the_same_end(
        acts in acts(true),
        server: bool,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 0..3),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        first in any::<prop::sample::Index>(),
        generosity in 0usize..5000,
        moods in prop::collection::vec(any::<bool>(), 0..40),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut stream = stream(&acts, role);
        mutate(&mut stream, &flips);
        let length = stream.len();
        let expected = at_once(role, &stream);
        let check = |first: usize, cuts: Vec<usize>, mut room: Lent| {
            let (first, rest) = stream.split_at(first);
            let outcome = decode(decoder(role, first), Pieces::new(rest, cuts), &mut room);
            prop_assert_eq!(&outcome, &expected);
            Ok(())
        };
        check(0, (0..length).collect(), Lent::default())?;
        check(length, Vec::new(), Lent::default())?;
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(length + 1)).collect();
        check(first.index(length + 1), cuts, Lent::new(generosity, moods))?;
    }
}
