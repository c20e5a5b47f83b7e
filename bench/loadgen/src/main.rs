//! Load generator for servers that speak u32-big-endian length-prefixed frames over TCP, or WebSocket, with
//! TLS or without.
//!
//! One thread, one poll loop, every byte of every reply checked: a figure from here is a figure for
//! correct work. Reading order: `options` and `scenario` (what to do), `pattern` (what a message
//! looks like), `wire`, `frame` and `handshake` (how it is framed), `transport` (TLS or none), `channel` (one polled socket) and
//! `caller` (one that waits), `load`, `fanout`, `churn` and `idle` (the runs), `outcome` and `cpu` (what
//! they found and what the server spent), `report` (what is printed). `floor` is the other side: the
//! least a server can do, to compare with.

mod affinity;
mod caller;
mod channel;
mod churn;
mod connection;
mod cpu;
mod error;
mod fanout;
mod floor;
mod frame;
#[cfg(test)]
mod hall;
mod handshake;
mod idle;
mod load;
mod options;
mod outcome;
mod pattern;
mod qwh;
mod report;
mod scenario;
mod transport;
mod wire;

use std::process::ExitCode;

use error::Error;
use options::{Command, LoadOptions, USAGE};
use scenario::Work;

fn main() -> ExitCode {
    match Command::parse(std::env::args().skip(1)).and_then(execute) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ Error::Usage { .. }) => {
            eprintln!("{error}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("qwormhole-loadgen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<(), Error> {
    match command {
        Command::Help => println!("{USAGE}"),
        Command::Floor(options) => {
            affinity::pin(options.pin)?;
            floor::serve(options.port, options.wire)?;
        }
        Command::Load(options) => {
            affinity::pin(options.pin)?;
            println!("{}", measure(&options)?);
        }
    }
    Ok(())
}

/// Runs the load and words what it found.
fn measure(options: &LoadOptions) -> Result<String, Error> {
    let outcome = match options.work {
        Work::Echo => load::run(options)?,
        Work::Fanout => fanout::run(options)?,
        Work::Churn => churn::run(options)?,
        Work::Idle => {
            let held = idle::run(options)?;
            return Ok(if options.json {
                report::held_json(options, &held).to_string()
            } else {
                report::held_text(options, &held)
            });
        }
    };
    Ok(if options.json {
        report::json(options, &outcome).to_string()
    } else {
        report::text(options, &outcome)
    })
}
