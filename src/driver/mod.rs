//! Running links: sockets, readiness, time.
//!
//! The link core knows none of it. [`Poller`] is what a way of running links offers to its callers;
//! [`IoThread`] is the reference: one tokio current-thread runtime on a thread of its own. A link's
//! half that other threads may touch is [`Handle`]; the rest lives in its task.

mod accept;
mod carrier;
mod dial;
mod guarded;
mod handle;
mod io_thread;
mod local;
mod poller;
mod sink;
mod task;

pub(crate) use guarded::message as panic_message;
pub(crate) use handle::Handle;
pub(crate) use io_thread::IoThread;
pub(crate) use local::{dial_here, serve_here};
pub(crate) use poller::{Admit, Host, NewLink, Placement, Poller};
pub(crate) use sink::{Closed, Ends, Ledger, Sink};
