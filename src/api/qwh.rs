//! The options of QWH/1.

use std::{sync::Arc, time::Duration};

use super::{
    options::{Options, invalid, within, within_millis},
    protocol::Protocol,
    verify::Verify,
};
use crate::{
    driver::{Meeting, UnderWay},
    error::Result,
    link::ReceiveLimits,
    qwh::{
        Hello, PeerLimits, Side, Versions,
        caps::FIRST_OF_APPLICATION,
        check_meta,
        limits::{MAX_CODEC, VERSION},
    },
};

/// The capabilities that are the application's.
const OF_APPLICATION: u64 = u64::MAX << FIRST_OF_APPLICATION;

/// What a HELLO says of this implementation in its `meta`, as that of JavaScript does.
const TRANSPORT: &str = r#""transport":{"native":true,"backend":"rust"}"#;

/// What only [`Protocol::Qwh`] has, in [`Options::qwh`].
///
/// ```
/// use qwormhole::{Options, QwhOptions};
///
/// let options = Options {
///     qwh: QwhOptions {
///         codec: "json".into(),
///         meta: Some(r#"{"intent":"prices"}"#.into()),
///         ..QwhOptions::default()
///     },
///     ..Options::default()
/// };
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct QwhOptions {
    /// What the program's messages are written in, 1 to 32 bytes: both ends must name the same. Messages are bytes
    /// here; in JavaScript it is the name of its codec. Default `buffer`, as there.
    pub codec: String,
    /// Capabilities of the application that it has: bits 32 to 63. Default none.
    pub offered_caps: u64,
    /// Those of them without which there is no connection. Default none.
    pub required_caps: u64,
    /// What it says of itself: a JSON object of at most 4 KiB and eight levels. Peers in JavaScript refuse one in which
    /// `tags`, `intent`, `shard` or `app` are not what they are there; `transport` is added. Default none.
    pub meta: Option<String>,
    /// Has the last word on peers. Default: all are accepted.
    pub verify: Option<Verify>,
    /// Refuses peers that speak something else; false takes those that are length-prefixed, and on WebSocket those
    /// that do not offer `qwh.v1`. Servers only. Default: true with `verify` or `required_caps`, which it must be
    /// then, else false.
    pub require_handshake: Option<bool>,
    /// Time for a handshake, the verdict included. Servers only; clients have
    /// [`Options::connect_timeout`]. Default 10 s.
    pub handshake_timeout: Duration,
    /// Handshakes under way at a time. Beyond, the connection that has been silent the longest is reset, or the new
    /// one where all others wait for their verdict. Servers only. Default 1,024.
    pub max_pending_handshakes: usize,
    /// Most frames of one message that needs fewer, at 16 KiB each. Default 16,384.
    pub max_fragments: usize,
    /// Frames that are no messages, such as pings, that a peer may send at once. Default 64.
    pub control_burst: u32,
    /// Such frames that it may send each second from then on. Default 32.
    pub control_per_second: u32,
}

impl Default for QwhOptions {
    fn default() -> Self {
        let limits = ReceiveLimits::default();
        Self {
            codec: "buffer".to_owned(),
            offered_caps: 0,
            required_caps: 0,
            meta: None,
            verify: None,
            require_handshake: None,
            handshake_timeout: Duration::from_secs(10),
            max_pending_handshakes: 1024,
            max_fragments: limits.max_fragments,
            control_burst: limits.control_burst,
            control_per_second: limits.control_per_second,
        }
    }
}

impl QwhOptions {
    pub(super) fn check(&self) -> Result<()> {
        const MOST: usize = 1 << 20;
        within("qwh.codec's length", self.codec.len(), 1..=MAX_CODEC)?;
        if self.offered_caps & !OF_APPLICATION != 0 {
            return Err(invalid("qwh.offered_caps has bits below 32"));
        }
        if self.required_caps & !self.offered_caps != 0 {
            return Err(invalid("qwh.required_caps has bits that are not offered"));
        }
        if let Some(meta) = &self.meta {
            // On its own first: what is added must not make an object of it.
            for text in [meta, &self.full_meta()] {
                check_meta(text.as_bytes())
                    .map_err(|fault| invalid(format!("qwh.meta: {}", fault.reason)))?;
            }
        }
        if self.require_handshake == Some(false) && self.has_conditions() {
            return Err(invalid(
                "qwh.require_handshake: with verify or required_caps it is required",
            ));
        }
        within_millis("qwh.handshake_timeout", self.handshake_timeout, 1)?;
        let pending = self.max_pending_handshakes;
        within("qwh.max_pending_handshakes", pending, 1..=MOST)?;
        within("qwh.max_fragments", self.max_fragments, 1..=MOST)?;
        within("qwh.control_burst", self.control_burst, 1..=1 << 20)?;
        within(
            "qwh.control_per_second",
            self.control_per_second,
            1..=1 << 20,
        )
    }

    /// Whether peers of other protocols are refused: whoever has conditions wants to see them met.
    pub(super) fn is_required(&self) -> bool {
        self.require_handshake
            .unwrap_or_else(|| self.has_conditions())
    }

    fn has_conditions(&self) -> bool {
        self.verify.is_some() || self.required_caps != 0
    }

    /// The program's, with ours in front: where both have a key the program's counts.
    fn full_meta(&self) -> String {
        let meta = self.meta.as_deref().unwrap_or("{}").trim_start();
        let rest = meta.strip_prefix('{').unwrap_or_default().trim_start();
        let comma = if rest.starts_with('}') { "" } else { "," };
        format!("{{{TRANSPORT}{comma}{rest}")
    }
}

impl Options {
    /// The handshakes of a listener or of a call, if they are to be shaken.
    pub(super) fn meeting(&self, side: Side) -> Option<Arc<Meeting>> {
        let qwh = &self.qwh;
        (self.protocol == Protocol::Qwh).then(|| {
            Arc::new(Meeting {
                side,
                hello: self.hello(),
                limits: ReceiveLimits {
                    max_message: self.max_message,
                    max_fragments: qwh.max_fragments,
                    control_burst: qwh.control_burst,
                    control_per_second: qwh.control_per_second,
                },
                timeout: match side {
                    Side::Initiator => self.connect_timeout,
                    Side::Responder => qwh.handshake_timeout,
                },
                is_required: qwh.is_required(),
                under_way: UnderWay::new(qwh.max_pending_handshakes),
            })
        })
    }

    fn hello(&self) -> Hello {
        // For whoever does not read: so often it has to show that it lives.
        let idle = self
            .heartbeat
            .map_or(0, |heartbeat| heartbeat.timeout.as_millis());
        // Both were checked to be within 31 bits.
        let number = |value: u128| u32::try_from(value).unwrap_or(u32::MAX);
        Hello {
            versions: Versions {
                min: VERSION,
                max: VERSION,
            },
            offered: self.qwh.offered_caps,
            required: self.qwh.required_caps,
            limits: PeerLimits {
                max_message: number(self.max_message as u128),
                idle_ms: number(idle),
                ..PeerLimits::default()
            },
            codec: self.qwh.codec.clone(),
            session: None,
            meta: Some(self.qwh.full_meta()),
            trace: None,
            extensions: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_to_meta_leaves_it_json() {
        let full = |meta: &str| {
            let meta = Some(meta.to_owned());
            let options = QwhOptions {
                meta,
                ..QwhOptions::default()
            };
            options.check().expect("legal");
            serde_json::from_str::<serde_json::Value>(&options.full_meta()).expect("JSON")
        };
        let transport = serde_json::json!({ "native": true, "backend": "rust" });
        for (meta, intent) in [
            ("{}", None),
            (" { } ", None),
            (r#"{"intent":"x"}"#, Some("x")),
            (" {\n\"intent\": \"y\" }\n", Some("y")),
        ] {
            let full = full(meta);
            assert_eq!(full["transport"], transport, "{meta}");
            assert_eq!(full["intent"].as_str(), intent, "{meta}");
        }
        assert_eq!(full(r#"{"transport":1}"#)["transport"], 1);
    }
}
