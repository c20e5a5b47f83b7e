//! Which message goes on next. Messages wait whole and become fragments late, so that an urgent one
//! overtakes the rest of a large one.

use super::limits::{FRAGMENT, PASSED_OVER};
use crate::link::Class;

const CLASSES: [Class; 3] = [Class::High, Class::Normal, Class::Low];

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
    /// Fragments of higher classes since each had its turn.
    passed_over: [u8; 3],
}

impl Scheduler {
    /// The next fragment, given the size of each class's first message. A message stays the first of its
    /// class until its [last](Fragment::is_last) fragment was given out.
    pub fn next(&mut self, waiting: [Option<usize>; 3]) -> Option<Fragment> {
        let chosen = self.choose(&waiting)?;
        let mut parts = self.progress.iter_mut().zip(waiting).zip(CLASSES);
        let ((progress, total), class) = parts.nth(chosen)?;
        let total = total?;
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

    fn choose(&mut self, waiting: &[Option<usize>; 3]) -> Option<usize> {
        let passed_over = self.passed_over;
        let due = |index: &usize| {
            passed_over
                .get(*index)
                .is_some_and(|count| *count >= PASSED_OVER)
        };
        let waits = |index: &usize| waiting.get(*index).is_some_and(Option::is_some);
        let mut all = (0..waiting.len()).filter(waits);
        let first = all.next()?;
        let chosen = std::iter::once(first).chain(all).find(due).unwrap_or(first);
        for (index, count) in self.passed_over.iter_mut().enumerate() {
            *count = match waits(&index) {
                true if index > chosen => count.saturating_add(1),
                true if index < chosen => *count,
                _ => 0,
            };
        }
        Some(chosen)
    }
}
