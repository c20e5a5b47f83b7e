//! The command line, parsed once into values the rest of the program need not check again.

use std::str::FromStr;
use std::time::Duration;

use crate::error::Error;
use crate::pattern::STAMP;
use crate::scenario::{Scenario, Work};
use crate::wire::Wire;

/// Printed for `--help` and after a mistake.
pub const USAGE: &str = "\
usage: qwormhole-loadgen --addr HOST:PORT [options]
       qwormhole-loadgen floor [--wire tcp|ws] [--port PORT] [--pin CPU]

Puts a load on a server and checks every byte that comes back.

  --scenario NAME    sets wire, work, connections, window and size (default e2):
                     e1 e2 e3 e4 ping        echo of u32-big-endian length-prefixed frames
                     paced                   the same at a fixed rate, whatever the replies do
                     churn                   connect, one echo, reset
                     ws-e1 ... ws-paced      the same of WebSocket messages
                     ws-b1 ws-b8             one publishes, all others get it
                     ws-churn                connect, upgrade, one echo, close
                     ws-idle-5k ws-idle-15k  open, hold, weigh
                     qwh-e1 qwh-e2           the same of records of QWH/1
                     tls-e2 tls-e3 tls-e4 wss-e2   the same under TLS 1.3
                     tls-handshake           connect, full handshake, one echo, reset
  --connections N    connections; with churn, those at once
  --window W         messages in flight per connection
  --rate N           messages per second, latency from when each was due; 0: as replies come
  --size BYTES       payload bytes per message, at least 8
  --mode MODE        echo (default) | pingpong (a window of 1)
  --path PATH        where to open WebSockets (default /)
  --seconds S        measured time (default 2)
  --warmup S         time before it (default 0.5)
  --pid PID          report this process's processor time and memory
  --collect          send it SIGUSR2 before it is weighed: it then frees what it can
  --pin CPU          run on this processor only
  --json             print one line of JSON

floor: a naked poll-loop echo server; prints {\"listening\":PORT,\"pid\":PID} and serves
until its standard input ends or it gets SIGTERM.";

/// Larger messages would only measure the allocator, on both sides.
const MAX_SIZE: usize = 64 << 20;

/// What to do.
#[derive(Debug)]
pub enum Command {
    Help,
    Floor(FloorOptions),
    Load(LoadOptions),
}

/// Settings of the floor server.
#[derive(Debug)]
pub struct FloorOptions {
    pub wire: Wire,
    pub port: u16,
    pub pin: Option<usize>,
}

/// Settings of a load run.
#[derive(Debug)]
pub struct LoadOptions {
    pub address: String,
    /// Of the opening handshake.
    pub path: String,
    /// The preset in force, if the shape is exactly one of them.
    pub scenario: Option<&'static str>,
    pub wire: Wire,
    /// TLS below it.
    pub tls: bool,
    pub work: Work,
    pub connections: u32,
    pub window: usize,
    pub size: usize,
    pub measured: Duration,
    pub warmup: Duration,
    pub rate: u32,
    pub pid: Option<u32>,
    pub collect: bool,
    pub pin: Option<usize>,
    pub json: bool,
}

impl Command {
    /// Reads the arguments after the program's name.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut arguments = arguments.peekable();
        if arguments.next_if(|first| first == "floor").is_some() {
            return parse_floor(arguments);
        }
        parse_load(arguments)
    }
}

fn parse_floor(mut arguments: impl Iterator<Item = String>) -> Result<Command, Error> {
    let mut options = FloorOptions {
        wire: Wire::Prefixed,
        port: 0,
        pin: None,
    };
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--help" => return Ok(Command::Help),
            "--wire" => options.wire = wire(&value::<String>(&name, arguments.next())?)?,
            "--port" => options.port = value(&name, arguments.next())?,
            "--pin" => options.pin = Some(value(&name, arguments.next())?),
            _ => return Err(usage(format!("unknown option {name}"))),
        }
    }
    Ok(Command::Floor(options))
}

fn wire(name: &str) -> Result<Wire, Error> {
    match name {
        "tcp" => Ok(Wire::Prefixed),
        "ws" => Ok(Wire::WebSocket),
        "qwh" => Ok(Wire::Qwh),
        other => Err(usage(format!("unknown wire {other}"))),
    }
}

fn parse_load(mut arguments: impl Iterator<Item = String>) -> Result<Command, Error> {
    let mut shape = Shape::default();
    let mut address = None;
    let mut path = String::from("/");
    let (mut measured, mut warmup) = (2.0, 0.5);
    let (mut pid, mut pin, mut json, mut collect) = (None, None, false, false);
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--help" => return Ok(Command::Help),
            "--json" => json = true,
            "--collect" => collect = true,
            "--addr" => address = Some(value(&name, arguments.next())?),
            "--path" => path = value(&name, arguments.next())?,
            "--seconds" => measured = value(&name, arguments.next())?,
            "--warmup" => warmup = value(&name, arguments.next())?,
            "--pid" => pid = Some(value(&name, arguments.next())?),
            "--pin" => pin = Some(value(&name, arguments.next())?),
            _ => shape.set(&name, arguments.next())?,
        }
    }
    let resolved = shape.resolve()?;
    Ok(Command::Load(LoadOptions {
        address: address.ok_or_else(|| usage("--addr HOST:PORT is missing".into()))?,
        path,
        scenario: Scenario::find(resolved.name)
            .filter(|preset| *preset == resolved)
            .map(|preset| preset.name),
        wire: resolved.wire,
        tls: resolved.tls,
        work: resolved.work,
        connections: resolved.connections,
        window: resolved.window,
        size: resolved.size,
        measured: duration("--seconds", measured)?,
        warmup: duration("--warmup", warmup)?,
        rate: resolved.rate,
        pid,
        collect,
        pin,
        json,
    }))
}

/// The options that make up the shape of the load; what is given by hand overrides the preset,
/// wherever it stands on the command line.
#[derive(Default)]
struct Shape {
    preset: Option<Scenario>,
    connections: Option<u32>,
    window: Option<usize>,
    size: Option<usize>,
    rate: Option<u32>,
    pingpong: bool,
}

impl Shape {
    fn set(&mut self, name: &str, given: Option<String>) -> Result<(), Error> {
        match name {
            "--connections" => self.connections = Some(value(name, given)?),
            "--window" => self.window = Some(value(name, given)?),
            "--rate" => self.rate = Some(value(name, given)?),
            "--size" => self.size = Some(value(name, given)?),
            "--scenario" => {
                let wanted: String = value(name, given)?;
                let preset = Scenario::find(&wanted);
                self.preset =
                    Some(preset.ok_or_else(|| usage(format!("unknown scenario {wanted}")))?);
            }
            "--mode" => match value::<String>(name, given)?.as_str() {
                "echo" => self.pingpong = false,
                "pingpong" => self.pingpong = true,
                other => return Err(usage(format!("unknown mode {other}"))),
            },
            _ => return Err(usage(format!("unknown option {name}"))),
        }
        Ok(())
    }

    fn resolve(self) -> Result<Scenario, Error> {
        let preset = self.preset.or_else(|| Scenario::find("e2"));
        let preset = preset.ok_or_else(|| usage("no default scenario".into()))?;
        let shape = Scenario {
            connections: self.connections.unwrap_or(preset.connections),
            window: if self.pingpong {
                1
            } else {
                self.window.unwrap_or(preset.window)
            },
            size: self.size.unwrap_or(preset.size),
            rate: self.rate.unwrap_or(preset.rate),
            ..preset
        };
        if shape.connections == 0 || shape.window == 0 {
            return Err(usage(
                "--connections and --window must be at least 1".into(),
            ));
        }
        if !(STAMP..=MAX_SIZE).contains(&shape.size) {
            return Err(usage(format!("--size must be from {STAMP} to {MAX_SIZE}")));
        }
        Ok(shape)
    }
}

fn value<T: FromStr>(name: &str, given: Option<String>) -> Result<T, Error> {
    let given = given.ok_or_else(|| usage(format!("{name} needs a value")))?;
    given
        .parse()
        .map_err(|_| usage(format!("{name} does not take {given:?}")))
}

fn duration(name: &str, seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| usage(format!("{name} does not take {seconds}")))
}

fn usage(reason: String) -> Error {
    Error::Usage { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(line: &str) -> LoadOptions {
        match Command::parse(line.split(' ').map(String::from)) {
            Ok(Command::Load(options)) => options,
            other => panic!("not a load run: {other:?}"),
        }
    }

    #[test]
    fn a_preset_yields_to_what_is_given_by_hand() {
        let options = load("--size 100 --addr localhost:1 --scenario e1");
        assert_eq!(
            (options.connections, options.window, options.size),
            (1, 100, 100)
        );
        assert_eq!(options.scenario, None);
        assert_eq!(
            load("--addr localhost:1 --scenario e1").scenario,
            Some("e1")
        );
    }

    #[test]
    fn pingpong_is_a_window_of_one() {
        assert_eq!(
            load("--addr localhost:1 --window 7 --mode pingpong").window,
            1
        );
    }

    #[test]
    fn mistakes_are_named() {
        for line in [
            "--scenario e2",
            "--addr a:1 --size 7",
            "--addr a:1 --window 0",
            "--addr a:1 --wat",
            "floor --port x",
            "floor --wire tls",
        ] {
            let parsed = Command::parse(line.split(' ').map(String::from));
            assert!(matches!(parsed, Err(Error::Usage { .. })), "{line}");
        }
    }
}
