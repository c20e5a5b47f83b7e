//! Which message goes on next. Messages wait whole and become fragments late, so that an urgent one
//! overtakes the rest of a large one.

use super::limits::{FRAGMENT, PASSED_OVER};
use crate::link::Class;

/// A part of a message: `from..to` of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The class whose first message it is of.
    pub class: Class,
    /// Where it begins.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// Size of the message.
    pub total: usize,
}

impl Fragment {
    /// Whether the message is finished with it.
    pub fn is_last(&self) -> bool {
        self.to == self.total
    }
}

/// Strict priority by class, but a class that waits gets one of every 16 fragments, so that nothing
/// starves.
#[derive(Debug, Default)]
pub struct Scheduler {
    /// How much of each class's first message is on its way.
    progress: [usize; 3],
    /// Fragments of higher classes since normal and low had their turns.
    normal_passed_over: u8,
    low_passed_over: u8,
}

impl Scheduler {
    /// The next fragment, given the size of each class's first message. A message stays the first of its
    /// class until its [last](Fragment::is_last) fragment was given out.
    pub fn next(&mut self, waiting: [Option<usize>; 3]) -> Option<Fragment> {
        let class = self.choose(waiting.map(|size| size.is_some()))?;
        let total = (*waiting.get(class as usize)?)?;
        let progress = self.progress.get_mut(class as usize)?;
        let from = *progress;
        let to = total.min(from + FRAGMENT);
        *progress = if to == total { 0 } else { to };
        Some(Fragment {
            class,
            from,
            to,
            total,
        })
    }

    /// Whether part of a message of this class is on its way: it may no longer be dropped.
    pub fn is_started(&self, class: Class) -> bool {
        self.progress
            .get(class as usize)
            .is_some_and(|progress| *progress > 0)
    }

    fn choose(&mut self, [high, normal, low]: [bool; 3]) -> Option<Class> {
        let chosen = if normal && self.normal_passed_over >= PASSED_OVER {
            Class::Normal
        } else if low && self.low_passed_over >= PASSED_OVER {
            Class::Low
        } else if high {
            Class::High
        } else if normal {
            Class::Normal
        } else if low {
            Class::Low
        } else {
            return None;
        };
        if !normal || chosen == Class::Normal {
            self.normal_passed_over = 0;
        } else if chosen == Class::High {
            self.normal_passed_over += 1;
        }
        if !low || chosen == Class::Low {
            self.low_passed_over = 0;
        } else {
            // It may wait for one more turn, of normal, once it is due.
            self.low_passed_over = self.low_passed_over.saturating_add(1);
        }
        Some(chosen)
    }
}
