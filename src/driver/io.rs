//! The pollers that an exchange can have.

use std::future::Future;

#[cfg(target_os = "linux")]
use super::inline::Inline;
use super::{io_thread::IoThread, poller::Poller, sink::Sink, task::LinkTask};

/// A poller that was chosen at run time.
pub(crate) enum Io {
    /// Links are served on a thread of their own.
    Thread(IoThread),
    /// Links are served on their consumer's thread.
    #[cfg(target_os = "linux")]
    Inline(Inline),
}

/// Calls a method of whichever it is.
macro_rules! of_either {
    ($io:expr, $poller:ident => $call:expr) => {
        match $io {
            Io::Thread($poller) => $call,
            #[cfg(target_os = "linux")]
            Io::Inline($poller) => $call,
        }
    };
}

impl Poller for Io {
    fn spawn_link<S: Sink>(
        &self,
        beginning: impl Future<Output = Option<LinkTask<S>>> + Send + 'static,
    ) {
        of_either!(self, poller => poller.spawn_link(beginning));
    }

    fn spawn_listener(&self, life: impl Future<Output = ()> + Send + 'static) {
        of_either!(self, poller => poller.spawn_listener(life));
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        of_either!(self, poller => poller.spawn(work));
    }

    fn ring(&self) {
        of_either!(self, poller => poller.ring());
    }

    fn end_turn(&self) {
        of_either!(self, poller => poller.end_turn());
    }

    fn is_here(&self) -> bool {
        of_either!(self, poller => poller.is_here())
    }

    fn stop(&self) {
        of_either!(self, poller => poller.stop());
    }
}
