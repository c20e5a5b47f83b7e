//! What callers may set, and the check of it.

use std::{fmt::Display, net::SocketAddr, ops::RangeInclusive, time::Duration};

use super::{protocol::Protocol, qwh::QwhOptions, tls::TlsOptions};
use crate::{
    error::{Code, Error, Result},
    frame::MAX_PAYLOAD,
    link::{Heartbeat, Rates},
    socket::{FileRules, ListenFlags, SocketOptions},
};

use super::websocket::WebSocketOptions;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The options of [`listen`](crate::listen) and [`connect`](crate::connect).
///
/// Start from the defaults, which are safe, and change what you need:
///
/// ```
/// use qwormhole::{Options, Protocol};
///
/// let options = Options {
///     protocol: Protocol::Raw,
///     max_message: 64 * 1024,
///     ..Options::default()
/// };
/// # let _ = options;
/// ```
///
/// A value out of its range is refused with [`Code::OptionInvalid`] and the field's name, before
/// anything is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is spoken. A server of [`Protocol::Qwh`] takes peers of other protocols too, unless
    /// [`QwhOptions::require_handshake`] refuses them; a client speaks just that. Default [`Protocol::Qwh`].
    pub protocol: Protocol,
    /// Largest payload of one message in bytes, in both directions; with [`Protocol::Raw`], of one
    /// send. Default 4 MiB, at most 1 GiB.
    pub max_message: usize,
    /// With this many bytes queued on a connection `send` answers
    /// [`Backpressure`](crate::Sent::Backpressure). At most `max_queued`. Default 1 MiB, or a quarter
    /// of `max_queued` where that is less.
    pub high_water_mark: Option<usize>,
    /// After backpressure, `drained` resolves when the queue fell to this many bytes. At most the high
    /// watermark. Default 256 KiB, or a quarter of the high watermark where that is less.
    pub low_water_mark: Option<usize>,
    /// Hard cap, in bytes, of what is queued on a connection: a message that would exceed it is
    /// dropped. An empty queue takes one message of any legal size. Default 4 MiB.
    pub max_queued: usize,
    /// Bytes of received messages that may wait on a connection: beyond it the socket is not read, and
    /// the peer comes to wait. A message counts 32 bytes more than it has. As much again may be in the
    /// hands of `recv`. Default 512 KiB.
    pub receive_window: usize,
    /// What all connections of one server, or the one of one client, may hold in memory, in and out
    /// together: beyond it sockets are not read and sends are dropped. Default 512 MiB.
    pub memory_budget: usize,
    /// How fast a connection may be sent to. Who exceeds it is read no faster, or with
    /// [`is_hard`](Rates::is_hard) loses the connection with [`Code::RateLimited`]. Default: not bounded.
    pub inbound_rates: Rates,
    /// How fast a connection sends: what exceeds it waits in the queue, and `is_hard` is refused. Default: not
    /// bounded.
    pub outbound_rates: Rates,
    /// How peers are watched that say nothing, where there are signs of life: with `qwh`, and on WebSocket. Default: they are
    /// asked after 20 s, and lost with [`Code::HeartbeatTimeout`] after 45 s; `None` for not at all.
    pub heartbeat: Option<Heartbeat>,
    /// How long a closing connection may make no progress before it is cut. Default 5 s.
    pub close_timeout: Duration,
    /// The options of the sockets.
    pub socket: SocketOptions,
    /// The TLS of `tls://` and `wss://` endpoints; for others it means nothing.
    pub tls: TlsOptions,
    /// What only [`Protocol::Qwh`] has; for others it means nothing.
    pub qwh: QwhOptions,
    /// What only WebSockets have.
    pub websocket: WebSocketOptions,

    /// How long one attempt to connect may take; a name with several addresses has one attempt an
    /// address. Clients only. Default 10 s.
    pub connect_timeout: Duration,
    /// The address and port to connect from. Clients only. Default: the system's choice.
    pub local: Option<SocketAddr>,

    /// Connections held at a time: those beyond are refused. Servers only. Default 10,000.
    pub max_connections: usize,
    /// Connections that the kernel may hold until they are accepted; the system may have a lower
    /// limit. Servers only. Default 511.
    pub backlog: u16,
    /// Lets several processes or threads listen on one port and share its connections (SO_REUSEPORT).
    /// Servers only. Default false.
    pub reuse_port: bool,
    /// Lets a listener on `[::]` take IPv6 connections only (IPV6_V6ONLY). Servers only. Default false.
    pub ipv6_only: bool,
    /// The permissions of a Unix socket's file, as `chmod` takes them: who may write it may connect. Servers only.
    /// Default: as the process's umask has it.
    pub socket_mode: Option<u32>,
    /// Whether the file of a Unix socket on which nobody listens any more is replaced; else that is
    /// [`Code::SocketStale`]. Servers only. Default false.
    pub replace_stale_socket: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            max_message: 4 * MIB,
            high_water_mark: None,
            low_water_mark: None,
            max_queued: 4 * MIB,
            receive_window: 512 * KIB,
            memory_budget: 512 * MIB,
            inbound_rates: Rates::default(),
            outbound_rates: Rates::default(),
            heartbeat: Some(Heartbeat::default()),
            close_timeout: Duration::from_secs(5),
            socket: SocketOptions::default(),
            tls: TlsOptions::default(),
            qwh: QwhOptions::default(),
            websocket: WebSocketOptions::default(),
            connect_timeout: Duration::from_secs(10),
            local: None,
            max_connections: 10_000,
            backlog: 511,
            reuse_port: false,
            ipv6_only: false,
            socket_mode: None,
            replace_stale_socket: false,
        }
    }
}

/// The bounds of one connection, checked. All in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub max_message: usize,
    pub high: usize,
    pub low: usize,
    pub max_queued: usize,
    pub receive_window: usize,
}

impl Options {
    /// Checks every field.
    pub(super) fn check(&self) -> Result<Limits> {
        let bytes = 1..=MAX_PAYLOAD;
        within("max_message", self.max_message, bytes.clone())?;
        within("max_queued", self.max_queued, bytes.clone())?;
        within("receive_window", self.receive_window, bytes)?;
        within("memory_budget", self.memory_budget, 64 * KIB..=usize::MAX)?;
        within("max_connections", self.max_connections, 1..=1 << 20)?;
        within("backlog", self.backlog, 1..=u16::MAX)?;
        check_rates("inbound_rates", &self.inbound_rates)?;
        check_rates("outbound_rates", &self.outbound_rates)?;
        if self.outbound_rates.is_hard {
            return Err(invalid(
                "outbound_rates.is_hard: what is sent can only wait",
            ));
        }
        self.heartbeat.as_ref().map_or(Ok(()), check_heartbeat)?;
        within_millis("close_timeout", self.close_timeout, 0)?;
        within_millis("connect_timeout", self.connect_timeout, 1)?;
        check_socket(&self.socket)?;
        if let Some(mode) = self.socket_mode {
            within("socket_mode", mode, 0..=0o777)?;
        }
        within_millis("tls.handshake_timeout", self.tls.handshake_timeout, 1)?;
        let pending = self.tls.max_pending_handshakes;
        within("tls.max_pending_handshakes", pending, 1..=1 << 20)?;
        self.qwh.check()?;
        self.websocket.check()?;
        let high = self
            .high_water_mark
            .unwrap_or(MIB.min(self.max_queued.div_ceil(4)));
        within("high_water_mark", high, 1..=self.max_queued)?;
        let low = self.low_water_mark.unwrap_or((256 * KIB).min(high / 4));
        within("low_water_mark", low, 0..=high)?;
        Ok(Limits {
            max_message: self.max_message,
            high,
            low,
            max_queued: self.max_queued,
            receive_window: self.receive_window,
        })
    }

    pub(super) fn listen_flags(&self) -> ListenFlags {
        ListenFlags {
            backlog: self.backlog.into(),
            reuse_port: self.reuse_port,
            ipv6_only: self.ipv6_only,
        }
    }

    pub(super) fn file_rules(&self) -> FileRules {
        FileRules {
            mode: self.socket_mode,
            replace_stale: self.replace_stale_socket,
        }
    }
}

fn check_heartbeat(Heartbeat { interval, timeout }: &Heartbeat) -> Result<()> {
    within_millis("heartbeat.interval", *interval, 100)?;
    within_millis("heartbeat.timeout", *timeout, 100)?;
    match timeout > interval {
        true => Ok(()),
        false => Err(invalid("heartbeat.timeout: must be more than the interval")),
    }
}

fn check_rates(name: &str, rates: &Rates) -> Result<()> {
    for (unit, rate) in [("bytes", rates.bytes), ("messages", rates.messages)] {
        if let Some(rate) = rate {
            within(
                &format!("{name}.{unit}.per_second"),
                rate.per_second,
                1..=1 << 40,
            )?;
            within(&format!("{name}.{unit}.burst"), rate.burst, 1..=1 << 40)?;
        }
    }
    Ok(())
}

fn check_socket(options: &SocketOptions) -> Result<()> {
    const MOST: usize = (1 << 30) - 1;
    if let Some(idle) = options.keep_alive {
        // The kernels count in whole seconds, in 15 bits.
        let seconds = Duration::from_secs(1)..=Duration::from_secs(32_767);
        if !seconds.contains(&idle) {
            return Err(invalid("socket.keep_alive must be from 1 s to 32767 s"));
        }
    }
    for (name, size) in [
        ("socket.receive_buffer", options.receive_buffer),
        ("socket.send_buffer", options.send_buffer),
    ] {
        size.map_or(Ok(()), |size| within(name, size, 1..=MOST))?;
    }
    if let Some(bytes) = options.not_sent_low_at {
        within("socket.not_sent_low_at", bytes, 1..=i32::MAX as u32)?;
    }
    if let Some(timeout) = options.user_timeout {
        within_millis("socket.user_timeout", timeout, 1)?;
    }
    match options.interface.as_deref() {
        Some(name) if name.is_empty() || name.contains('\0') => {
            Err(invalid("socket.interface is not the name of an interface"))
        }
        _ => Ok(()),
    }
}

pub(super) fn within<T: PartialOrd + Display>(
    name: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<()> {
    match range.contains(&value) {
        true => Ok(()),
        false => Err(invalid(format!(
            "{name} must be from {} to {}, not {value}",
            range.start(),
            range.end()
        ))),
    }
}

/// Times are kept in whole milliseconds, in 31 bits, as on the TypeScript side.
pub(super) fn within_millis(name: &str, time: Duration, least: u128) -> Result<()> {
    let most = i32::MAX as u128;
    match (least..=most).contains(&time.as_millis()) {
        true => Ok(()),
        false => Err(invalid(format!(
            "{name} must be from {least} ms to {most} ms, not {time:?}"
        ))),
    }
}

pub(super) fn invalid(what: impl Into<String>) -> Error {
    Error::new(Code::OptionInvalid, what)
}
