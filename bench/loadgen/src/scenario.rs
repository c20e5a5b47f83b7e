//! The named shapes of load that all benches of the project share.

use crate::wire::Wire;

/// What connections do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Messages come back.
    Echo,
    /// One more connection publishes, and all get it.
    Fanout,
    /// Connections come, send one message, get it back, and go.
    Churn,
    /// Connections are there.
    Idle,
}

/// One shape: how many connections, how many messages in flight on each, how large they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub name: &'static str,
    pub wire: Wire,
    /// TLS below it.
    pub tls: bool,
    pub work: Work,
    pub connections: u32,
    pub window: usize,
    pub size: usize,
    /// Messages per second on all connections together, each at its own moment whatever became of those
    /// before it; 0: a new one follows each reply.
    pub rate: u32,
}

const KIB: usize = 1024;

/// Every scenario.
pub const SCENARIOS: [Scenario; 25] = [
    tcp("e1", 1, 100, 64),
    tcp("e2", 50, 10, 64),
    tcp("e3", 50, 10, KIB),
    tcp("e4", 10, 4, 64 * KIB),
    tcp("ping", 1, 1, 64),
    paced("paced", tcp("", 50, 64, 64)),
    Scenario {
        work: Work::Churn,
        ..tcp("churn", 16, 1, 64)
    },
    ws("ws-e1", Work::Echo, 1, 100, 64),
    ws("ws-e2", Work::Echo, 50, 10, 64),
    ws("ws-e3", Work::Echo, 50, 10, KIB),
    ws("ws-e4", Work::Echo, 10, 4, 64 * KIB),
    ws("ws-ping", Work::Echo, 1, 1, 64),
    paced("ws-paced", ws("", Work::Echo, 50, 64, 64)),
    ws("ws-b1", Work::Fanout, 500, 1, 128),
    ws("ws-b8", Work::Fanout, 500, 8, 128),
    ws("ws-churn", Work::Churn, 16, 1, 64),
    ws("ws-idle-5k", Work::Idle, 5_000, 1, 64),
    ws("ws-idle-15k", Work::Idle, 15_000, 1, 64),
    secured("tls-e2", tcp("e2", 50, 10, 64)),
    secured("tls-e3", tcp("e3", 50, 10, KIB)),
    secured("tls-e4", tcp("e4", 10, 4, 64 * KIB)),
    Scenario {
        wire: Wire::Qwh,
        ..tcp("qwh-e1", 1, 100, 64)
    },
    Scenario {
        wire: Wire::Qwh,
        ..tcp("qwh-e2", 50, 10, 64)
    },
    secured("wss-e2", ws("ws-e2", Work::Echo, 50, 10, 64)),
    secured(
        "tls-handshake",
        Scenario {
            work: Work::Churn,
            ..tcp("", 16, 1, 64)
        },
    ),
];

const fn tcp(name: &'static str, connections: u32, window: usize, size: usize) -> Scenario {
    Scenario {
        name,
        wire: Wire::Prefixed,
        tls: false,
        work: Work::Echo,
        connections,
        window,
        size,
        rate: 0,
    }
}

const fn ws(
    name: &'static str,
    work: Work,
    connections: u32,
    window: usize,
    size: usize,
) -> Scenario {
    Scenario {
        name,
        wire: Wire::WebSocket,
        tls: false,
        work,
        connections,
        window,
        size,
        rate: 0,
    }
}

/// As many messages a second as every server under test carries with ease: what is seen is what each of them
/// waits, not a queue.
const PACE: u32 = 5_000;

/// The same at a pace of its own.
const fn paced(name: &'static str, scenario: Scenario) -> Scenario {
    Scenario {
        name,
        rate: PACE,
        ..scenario
    }
}

/// The same under TLS.
const fn secured(name: &'static str, scenario: Scenario) -> Scenario {
    Scenario {
        name,
        tls: true,
        ..scenario
    }
}

impl Scenario {
    /// The scenario called `name`.
    pub fn find(name: &str) -> Option<Self> {
        SCENARIOS.into_iter().find(|scenario| scenario.name == name)
    }
}
