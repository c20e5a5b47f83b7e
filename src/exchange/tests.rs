//! The exchange with plain memory for slabs: first with links that the test itself drives, then with
//! real I/O threads and sockets.

#[cfg(unix)]
mod adopted;
mod batches;
mod consumer;
mod driven;
mod events;
mod fan_out;
mod instructions;
mod live;
#[cfg(all(target_os = "linux", feature = "model"))]
mod model;
mod room;
#[cfg(target_os = "linux")]
mod served;
mod starving;
