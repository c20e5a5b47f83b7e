//! What is fuzzed of the exchange: how a link's bytes come into lent memory, and a link's whole life on a socket.

mod link;
mod slabs;
mod taker;

pub(super) use self::taker::{Event, Taker, plan};
pub(crate) use self::{link::run as link, slabs::run as slabs};
