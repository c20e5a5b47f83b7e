//! The named shapes of load that all benches of the project share.

/// One shape: how many connections, how many messages in flight on each, how large they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub name: &'static str,
    pub connections: u32,
    pub window: usize,
    pub size: usize,
}

/// The echo scenarios, e1 to e4.
pub const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "e1",
        connections: 1,
        window: 100,
        size: 64,
    },
    Scenario {
        name: "e2",
        connections: 50,
        window: 10,
        size: 64,
    },
    Scenario {
        name: "e3",
        connections: 50,
        window: 10,
        size: 1024,
    },
    Scenario {
        name: "e4",
        connections: 10,
        window: 4,
        size: 64 * 1024,
    },
];

impl Scenario {
    /// The scenario called `name`.
    pub fn find(name: &str) -> Option<Self> {
        SCENARIOS.into_iter().find(|scenario| scenario.name == name)
    }
}
