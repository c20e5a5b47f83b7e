//! How often the way of a message asks for memory. The allocator of the tests counts, for each thread by itself, and
//! every path of [`crate::instructions`] is held against its budget in `bench/allocations.json`.
#![allow(unsafe_code, reason = "an allocator is unsafe to write")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use crate::instructions::with_messages;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Each path is run with these numbers of messages: what both runs have in common is no part of a message.
const FEW: usize = 1000;
const MANY: usize = 3000;

/// Budgets and counts are of so many messages: most paths ask for memory more rarely than once a message.
const PER: usize = 1000;

/// What a count may be above its budget: when a list doubles depends on what was in it before.
const HEAD_ROOM: f64 = 0.1;
/// And besides, of a thousand messages: lists that grow have grown now and then.
const A_FEW: f64 = 5.0;

struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends may free and ask when its own memory is gone already; nobody counts it.
    let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
}

// SAFETY: everything is the system's allocator's, which counting does not touch; the count allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: by the contract of this very method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Fails if the path `name`, which `run` is, asks for memory more often than its budget allows.
pub(crate) fn check(name: &str, run: impl Fn()) {
    let asked = |messages| {
        let before = ASKED.get();
        with_messages(messages, &run);
        ASKED.get() - before
    };
    let (few, many) = (asked(FEW), asked(MANY));
    let each = many.saturating_sub(few) as f64 * PER as f64 / (MANY - FEW) as f64;
    let budgets = include_str!("../bench/allocations.json");
    let budgets: serde_json::Value = serde_json::from_str(budgets).expect("budgets");
    let budget = budgets[name].as_f64();
    let budget = budget.unwrap_or_else(|| panic!("{name} has no budget: it asks {each} times"));
    assert!(
        each <= budget * (1.0 + HEAD_ROOM) + A_FEW,
        "{name} asks for memory {each} times in {PER} messages, its budget is {budget}"
    );
}

#[test]
fn what_asks_for_memory_is_counted() {
    let before = ASKED.get();
    let mut list = std::hint::black_box(Vec::<u8>::with_capacity(10));
    list.reserve_exact(100);
    let another = std::thread::spawn(|| drop(std::hint::black_box(vec![0_u8; 1000])));
    let own = ASKED.get() - before;
    another.join().expect("ends");
    assert!(
        (2..30).contains(&own),
        "{own}: a list, what it became, a thread"
    );
    let before = ASKED.get();
    assert_eq!(std::hint::black_box(list).len(), 0);
    assert_eq!(ASKED.get(), before, "nothing was asked for");
}
