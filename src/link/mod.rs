//! One connection, without its socket: bytes and readiness in, messages and bytes out.
//!
//! Nothing here waits, spawns or looks at a clock. A poller calls [`Inbound::on_readable`] and
//! [`Outbound::on_writable`] with whatever implements [`std::io::Read`] and [`std::io::Write`] without
//! blocking; tests call them with byte slices and chopped-up streams.

mod framer;
mod inbound;
mod intake;
mod limits;
mod liveness;
mod outbound;
mod packer;
mod queue;
mod queues;
mod rate;
mod reading;
mod room;
mod shared;
mod stage;

pub(crate) use inbound::CARRY;
pub use inbound::{Inbound, ReadTurn, TURN};
pub use intake::Intake;
pub use limits::ReceiveLimits;
pub use liveness::{Act, Heartbeat, Liveness};
pub use outbound::{Class, Outbound, Released, Written};
pub use rate::{Bucket, Rate, Rates, Throttle};
pub(crate) use reading::{FrameReader, Parse, Stop};
pub use room::{Marks, Payload, Room};
pub(crate) use shared::Shared;
