//! Load generator for echo servers that speak u32-big-endian length-prefixed frames over TCP.
//!
//! One thread, one poll loop, every byte of every reply checked: a figure from here is a figure for
//! correct work. Reading order: `options` and `scenario` (what to do), `pattern` (what a message
//! looks like), `connection` (one socket), `load` (the run), `cpu` (what the server spent), `report`
//! (what is printed). `floor` is the other side: the least a server can do, to compare with; `pair` measures
//! the machine itself.

mod affinity;
mod connection;
mod cpu;
mod error;
mod floor;
mod load;
mod options;
mod pair;
mod pattern;
mod report;
mod scenario;

use std::process::ExitCode;

use error::Error;
use options::{Command, USAGE};

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
            floor::serve(options.port)?;
        }
        Command::Pair { pin } => {
            affinity::pin(pin)?;
            pair::measure()?;
        }
        Command::Load(options) => {
            affinity::pin(options.pin)?;
            let outcome = load::run(&options)?;
            if options.json {
                println!("{}", report::json(&options, &outcome));
            } else {
                print!("{}", report::text(&options, &outcome));
            }
        }
    }
    Ok(())
}
