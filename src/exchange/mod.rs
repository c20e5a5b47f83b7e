//! Batches between an I/O side and a consumer on another thread, without an object per message.
//!
//! ```text
//!            slabs, lent by the consumer          one wake per batch
//!   sockets ────────────► Inbox ──────────────────────────────────► consumer
//!      ▲                 six words an event, in order                  │
//!      └──────────────── Outbox ◄──────────────────────────────────────┘
//!                        runs of records, one hand-over per tick
//! ```
//!
//! Inbound: links read straight into memory that the consumer lent and parse it in place; what crosses
//! is a [`Descriptor`] an event. Outbound: the consumer hands over byte batches; links write them from
//! where they are. The consumer knows how much of it the kernel has taken from [`Counters`], without a
//! call. Nothing here knows of Node: the tests lend plain vectors.

mod admission;
mod core;
mod counters;
mod descriptor;
mod fan_out;
mod holdings;
mod inbox;
mod link_sink;
mod outbox;
mod slab;
mod table;

pub(crate) use self::core::{Core, LinkPlan};
pub(crate) use admission::ListenerAdmission;
pub(crate) use counters::Counters;
pub(crate) use descriptor::{Descriptor, Parcel};
pub(crate) use holdings::Holdings;
pub(crate) use outbox::Manner;
pub(crate) use slab::Slab;
pub(crate) use table::LinkId;

#[cfg(any(feature = "fuzzing", test))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
