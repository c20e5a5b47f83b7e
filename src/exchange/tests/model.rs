//! The hand-over between an I/O side and its consumer, in very many orders.
//!
//! The exchange is the real one, and so are an I/O thread's bells, the poller without a thread, and the sockets that are
//! written. Of the model are the threads, and what is in `crate::sync`.

mod heard;
mod inline;
mod links;
mod stage;
mod thread;
mod wire;
