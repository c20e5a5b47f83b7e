//! Running links: sockets, readiness, time.
//!
//! The link core knows none of it. [`Poller`] is what a way of running links offers to its callers;
//! [`IoThread`] is the reference: one tokio current-thread runtime on a thread of its own. [`Inline`](inline) runs
//! the same links on their consumer's thread. A link's half that other threads may touch is [`Handle`]; the rest lives
//! in its task. `local` runs links on the caller's own runtime.

#[cfg(any(feature = "addon", feature = "fuzzing", test))]
mod accept;
mod adopt;
mod carrier;
mod ciphertext;
mod dial;
mod door;
mod guarded;
mod handle;
mod here;
mod incoming;
#[cfg(all(target_os = "linux", any(feature = "addon", feature = "fuzzing", test)))]
mod inline;
#[cfg(any(feature = "addon", feature = "fuzzing", test))]
mod io;
#[cfg(any(feature = "addon", feature = "fuzzing", test))]
mod io_thread;
mod life;
mod local;
mod meeting;
mod new_link;
mod opening;
mod pace;
#[cfg(any(feature = "addon", feature = "fuzzing", test))]
mod poller;
mod pulse;
mod records;
mod secure;
mod sink;
mod starving;
mod stream;
mod task;
mod under_way;
mod upgrade;

pub(crate) use door::Door;
pub(crate) use handle::{Handle, Verdict, keep};
pub(crate) use local::{dial_here, open_here, serve_here};
pub(crate) use meeting::{Meeting, SUBPROTOCOL};
pub(crate) use new_link::{Beginning, NewLink};
pub(crate) use opening::{Call, Opening};
pub(crate) use secure::{Guard, Security};
pub(crate) use sink::{Agreed, Closed, Ends, Ledger, Sink};
pub(crate) use starving::{Ration, STUCK, Starving, watch};
pub(crate) use under_way::UnderWay;

// What serves a consumer on another thread, which is the addon's way and not the Rust API's.
#[cfg(any(feature = "addon", feature = "fuzzing", test))]
pub(crate) use guarded::message as panic_message;
#[cfg(any(feature = "addon", feature = "fuzzing", test))]
pub(crate) use {
    adopt::{Admitted, Answer},
    io::Io,
    io_thread::IoThread,
    poller::{Admit, Host, Placement, Poller},
};

#[cfg(any(feature = "fuzzing", test))]
pub(crate) use task::LinkTask;

#[cfg(all(target_os = "linux", any(feature = "addon", feature = "fuzzing", test)))]
pub(crate) use inline::{Bell, Inline};

// What runs an I/O thread, for a thread that is a model's.
#[cfg(all(test, feature = "model"))]
pub(crate) use io_thread::{Bells, Essential};

#[cfg(test)]
mod tests;
