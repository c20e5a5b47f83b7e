//! Tests of the parts together, and the tables of bad input.

mod decoder;
mod deflate;
mod differential;
mod extensions;
mod frame;
mod handshake;
mod outbound;
mod script;
mod splits;
mod support;
mod vectors;
