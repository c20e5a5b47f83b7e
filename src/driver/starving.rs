//! Links that are not read because too much memory is held, and the rule that ends a standstill.
//!
//! What unfinished messages hold is freed when their peers send the rest, and while nothing is read none
//! of them gets that far. So when nothing was freed for a while, the link that holds the most is cut.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use super::{handle::Handle, here::sleep};
use crate::error::{Code, Error};

/// How often waiting links look again: not everybody who frees memory says so.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Nothing was freed for so long: whoever holds the most of an unfinished message will not finish it.
pub(crate) const STUCK: Duration = Duration::from_secs(5);

/// Links of which some may be gone before anybody cares.
const LEAST_CROWD: usize = 64;

/// The memory that links wait for.
pub(crate) trait Ration: Send + Sync + 'static {
    /// Who waits.
    fn starving(&self) -> &Starving;
    /// Bytes held; less than before is progress.
    fn used(&self) -> usize;
    /// Whether a link with this budget may be read.
    fn has_room(&self, budget: usize) -> bool;
    /// Whether the consumer takes what it is given: while it does not, no peer is to blame.
    fn is_consumed(&self) -> bool;
}

/// The links that share a memory, and those among them that wait.
#[derive(Debug)]
pub(crate) struct Starving {
    patience: Duration,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// All links: who holds the most need not be one who waits.
    all: Vec<Member>,
    /// How many `all` may be before those that are gone are taken out.
    crowd: usize,
    /// Those who wait, by the addresses of their handles.
    links: HashMap<usize, Member>,
    is_watched: bool,
    /// Bytes held at the last look.
    used: usize,
    /// How long nothing was freed.
    stuck: Duration,
}

#[derive(Debug)]
struct Member {
    link: Weak<Handle>,
    budget: usize,
}

impl Starving {
    /// Cuts a link when nothing was freed for `patience`.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            waiting: Mutex::default(),
        }
    }

    /// `link` will share the memory.
    pub(crate) fn enlist(&self, link: &Arc<Handle>, budget: usize) {
        let mut waiting = self.waiting();
        if waiting.all.len() >= waiting.crowd {
            waiting.all.retain(|member| member.link.strong_count() > 0);
            waiting.crowd = 2 * waiting.all.len() + LEAST_CROWD;
        }
        waiting.all.push(Member::new(link, budget));
    }

    /// `link` waits. True if nobody watches those who wait: then the caller is to run [`watch`].
    #[must_use]
    pub(crate) fn wait(&self, link: &Arc<Handle>, budget: usize) -> bool {
        let mut waiting = self.waiting();
        waiting.links.insert(key(link), Member::new(link, budget));
        if std::mem::replace(&mut waiting.is_watched, true) {
            return false;
        }
        waiting.used = usize::MAX;
        true
    }

    /// `link` waits no more.
    pub(crate) fn forget(&self, link: &Arc<Handle>) {
        self.waiting().links.remove(&key(link));
    }

    /// Lets those go on who may, cuts one if nothing moves; false if nobody waits any more.
    pub(crate) fn look(&self, memory: &impl Ration) -> bool {
        let mut waiting = self.waiting();
        let fed = waiting.take_fed(memory);
        waiting.count(memory);
        let cut = match waiting.stuck >= self.patience {
            true => waiting.largest(),
            false => None,
        };
        let goes_on = !waiting.links.is_empty();
        drop(waiting);
        fed.iter().for_each(Member::wake);
        if let Some((link, budget)) = cut {
            cut_off(&link, budget);
        }
        goes_on
    }

    /// The watch is over. Who came meanwhile looks again, and has itself watched anew if it must.
    fn end_watch(&self) {
        let links = {
            let mut waiting = self.waiting();
            waiting.is_watched = false;
            std::mem::take(&mut waiting.links)
        };
        links.values().for_each(Member::wake);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Lists and numbers: whole whatever panicked.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take_fed(&mut self, memory: &impl Ration) -> Vec<Member> {
        let fed = self
            .links
            .extract_if(|_, member| memory.has_room(member.budget));
        fed.map(|(_, member)| member).collect()
    }

    /// Adds to the time without progress. It is counted in looks: in time that passes while the process
    /// sleeps nobody could have done anything.
    fn count(&mut self, memory: &impl Ration) {
        let used = memory.used();
        if used < self.used {
            self.stuck = Duration::ZERO;
        } else if memory.is_consumed() {
            self.stuck += LOOK_AGAIN;
        }
        self.used = used;
    }

    /// Who holds the most of an unfinished message, and the budget it had.
    fn largest(&mut self) -> Option<(Arc<Handle>, usize)> {
        self.stuck = Duration::ZERO;
        let members = self.all.iter();
        let links = members.filter_map(|member| Some((member.link.upgrade()?, member.budget)));
        links
            .max_by_key(|(link, _)| link.held())
            .filter(|(link, _)| link.held() > 0)
    }
}

impl Member {
    fn new(link: &Arc<Handle>, budget: usize) -> Self {
        Self {
            link: Arc::downgrade(link),
            budget,
        }
    }

    fn wake(&self) {
        if let Some(link) = self.link.upgrade() {
            link.wake();
        }
    }
}

fn cut_off(link: &Handle, budget: usize) {
    let held = link.held();
    let context = format!(
        "the memory budget of {budget} bytes is used up, and {held} bytes of it wait for the rest of a message"
    );
    let error = Error::new(Code::Resources, context);
    link.fail(error.with("held", held).with("budget", budget));
}

/// Looks at those who wait until nobody does.
pub(crate) fn watch<M: Ration>(memory: &Arc<M>) -> impl Future<Output = ()> + Send + use<M> {
    // Made here, so that it also ends if it is dropped before it ran.
    let watch = Watch(Arc::downgrade(memory));
    async move {
        loop {
            sleep(LOOK_AGAIN).await;
            match watch.0.upgrade() {
                Some(memory) if memory.starving().look(&*memory) => {}
                _ => return,
            }
        }
    }
}

struct Watch<M: Ration>(Weak<M>);

impl<M: Ration> Drop for Watch<M> {
    fn drop(&mut self) {
        if let Some(memory) = self.0.upgrade() {
            memory.starving().end_watch();
        }
    }
}

fn key(link: &Arc<Handle>) -> usize {
    Arc::as_ptr(link).addr()
}
