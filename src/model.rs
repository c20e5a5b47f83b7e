//! How the model tests try a scenario: in very many of the orders in which its threads can go on.

use shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler},
};

/// Orders that are tried of each scenario, by either way of choosing: some seconds for all of them.
const ORDERS: usize = 500;

/// As many threads are held up at the worst moment; defects that take more are rare.
const DEPTH: usize = 3;

/// Memory of a thread: what is not optimised has large frames.
const STACK: usize = 512 * 1024;

/// Tries `scenario`, `QWORMHOLE_TEST_ORDERS` times if that is set. Where everybody sleeps for ever, that is a
/// failure too. What fails prints its order, for `shuttle::replay`.
pub(crate) fn tried(scenario: impl Fn() + Copy + Send + Sync + 'static) {
    let orders = std::env::var("QWORMHOLE_TEST_ORDERS");
    let orders = orders.map_or(ORDERS, |number| number.parse().expect("a number"));
    let mut config = Config::new();
    config.stack_size = STACK;
    Runner::new(RandomScheduler::new(orders), config.clone()).run(scenario);
    Runner::new(PctScheduler::new(DEPTH, orders), config).run(scenario);
}
