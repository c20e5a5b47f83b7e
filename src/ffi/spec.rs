//! The seam's specs as they come from TypeScript, where they were validated.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::{
    driver::{Call, Meeting, Opening, Security, UnderWay},
    error::{Code, Error, Result},
    exchange::LinkPlan,
    frame::Protocol,
    link::{Heartbeat, Rate, Rates, ReceiveLimits},
    qwh::{Hello, Side},
    socket::{ListenFlags, SocketOptions},
    ws::{self, Compression, HeadLimits, Params},
};

/// `LinkLimits` and the protocol.
#[napi(object)]
pub struct PlanSpec {
    /// `raw` or `length-prefixed`.
    pub protocol: String,
    /// Bytes.
    pub max_message: u32,
    /// Bytes.
    pub memory_budget: u32,
    /// Milliseconds.
    pub close_timeout_ms: u32,
    /// Set: what is received is bounded.
    pub inbound: Option<RatesSpec>,
    /// Set: what is sent is bounded.
    pub outbound: Option<RatesSpec>,
    /// Set: peers are watched.
    pub heartbeat: Option<HeartbeatSpec>,
    /// Of a call: for all of it until it is open, milliseconds.
    pub opening_timeout_ms: Option<u32>,
    /// Set: the carrier is WebSocket.
    pub ws: Option<WebSocketSpec>,
    /// Set: QWH/1 is spoken, on WebSocket where its subprotocol is chosen.
    pub qwh: Option<QwhSpec>,
}

/// `QwhListenSettings`, or with `initiates` `QwhSettings`.
#[napi(object)]
pub struct QwhSpec {
    /// A client's.
    pub initiates: bool,
    /// The TLVs of our HELLO, without a session.
    pub hello: Uint8Array,
    /// Milliseconds.
    pub handshake_timeout_ms: u32,
    /// Frames of one message.
    pub max_fragments: u32,
    /// Frames that are no messages, at once.
    pub control_burst: u32,
    /// Such frames per second.
    pub control_per_second: u32,
    /// Of a listener: nobody else is admitted.
    pub is_required: bool,
    /// Of a listener: handshakes at once.
    pub max_pending_handshakes: u32,
    /// Of those from one address.
    pub max_pending_per_address: Option<u32>,
}

/// `Heartbeat`.
#[napi(object)]
pub struct HeartbeatSpec {
    /// Milliseconds.
    pub interval_ms: u32,
    /// Milliseconds.
    pub timeout_ms: u32,
}

/// `RateSettings`; a bound that is not set has neither rate nor burst.
#[napi(object)]
pub struct RatesSpec {
    /// Payload bytes.
    pub bytes_per_second: Option<f64>,
    /// Payload bytes at once.
    pub burst_bytes: Option<f64>,
    /// Messages.
    pub messages_per_second: Option<f64>,
    /// Messages at once.
    pub burst_messages: Option<f64>,
    /// Who exceeds it is rejected instead of held back.
    pub is_hard: bool,
}

/// `WebSocketListenSettings`, or with `call` `WebSocketDialSettings`.
#[napi(object)]
pub struct WebSocketSpec {
    /// Set: permessage-deflate is accepted or offered.
    pub deflate: Option<DeflateSpec>,
    /// Milliseconds.
    pub handshake_timeout_ms: u32,
    /// Bytes.
    pub max_header_bytes: u32,
    /// Headers.
    pub max_headers: u32,
    /// Frames of one message.
    pub max_fragments: u32,
    /// Control frames at once.
    pub control_burst: u32,
    /// Control frames per second.
    pub control_per_second: u32,
    /// Of a listener: handshakes at once.
    pub max_pending_handshakes: Option<u32>,
    /// Of a client: what it asks for.
    pub call: Option<CallSpec>,
}

/// `DeflateSettings`.
#[napi(object)]
pub struct DeflateSpec {
    /// Bytes.
    pub threshold: u32,
    /// zlib's level.
    pub level: u32,
    /// RFC 7692, section 7.1.1.1.
    pub server_no_context_takeover: bool,
    /// RFC 7692, section 7.1.1.2.
    pub client_no_context_takeover: bool,
    /// RFC 7692, section 7.1.2.1.
    pub server_max_window_bits: u8,
    /// RFC 7692, section 7.1.2.2.
    pub client_max_window_bits: u8,
}

/// What a client asks for in its opening handshake.
#[napi(object)]
pub struct CallSpec {
    /// Path and query.
    pub target: String,
    /// Value of the header Host.
    pub authority: String,
    /// Names and values in turn.
    pub headers: Vec<String>,
    /// Best first.
    pub subprotocols: Vec<String>,
}

/// `SocketSettings`.
#[napi(object)]
pub struct SocketSpec {
    /// TCP_NODELAY.
    pub no_delay: bool,
    /// Milliseconds; 0 is off.
    pub keep_alive_ms: u32,
    /// SO_RCVBUF, bytes.
    pub receive_buffer_size: Option<u32>,
    /// SO_SNDBUF, bytes.
    pub send_buffer_size: Option<u32>,
    /// TCP_NOTSENT_LOWAT, bytes.
    pub not_sent_low_at: Option<u32>,
    /// TCP_USER_TIMEOUT, milliseconds.
    pub user_timeout_ms: Option<u32>,
    /// Device to bind to.
    pub interface_name: Option<String>,
}

/// Where and how to listen; the host is an address, names were resolved before, or a path.
#[napi(object)]
pub struct ListenerSpec {
    /// IP address, or the path of a Unix socket, which begins with a slash.
    pub host: String,
    /// Port, 0 for a free one.
    pub port: u16,
    /// Pending connections.
    pub backlog: i32,
    /// SO_REUSEPORT.
    pub reuse_port: bool,
    /// IPV6_V6ONLY.
    pub ipv6_only: bool,
    /// For every connection.
    pub plan: PlanSpec,
    /// For every socket.
    pub socket: SocketSpec,
}

/// A request for a WebSocket that was let in: what its answer depends on.
#[napi(object)]
pub struct AdoptSpec {
    /// `Sec-WebSocket-Key`.
    pub key: String,
    /// `Sec-WebSocket-Extensions`, empty for none.
    pub extensions: String,
    /// The one that was chosen, empty for none.
    pub subprotocol: String,
}

/// Whom and how to call; hosts are addresses or paths.
#[napi(object)]
pub struct DialerSpec {
    /// IP address, or the path of a Unix socket, which begins with a slash.
    pub host: String,
    /// Port.
    pub port: u16,
    /// IP address to call from.
    pub local_address: Option<String>,
    /// Port to call from.
    pub local_port: Option<u16>,
    /// Milliseconds.
    pub connect_timeout_ms: u32,
    /// For the connection.
    pub plan: PlanSpec,
    /// For its socket.
    pub socket: SocketSpec,
}

impl PlanSpec {
    pub(super) fn to_plan(&self, security: Option<Security>) -> Result<LinkPlan> {
        let max_message = self.max_message as usize;
        let meeting = match &self.qwh {
            Some(qwh) => Some(Arc::new(qwh.to_meeting(max_message)?)),
            None => None,
        };
        Ok(LinkPlan {
            protocol: match self.protocol.as_str() {
                // Of a peer that does not speak it.
                "length-prefixed" | "qwh" => Protocol::LengthPrefixed,
                "raw" => Protocol::Raw,
                other => {
                    return Err(Error::new(
                        Code::OptionInvalid,
                        format!("protocol {other:?} is not known to the native backend"),
                    ));
                }
            },
            max_message,
            memory_budget: self.memory_budget as usize,
            close_timeout: millis(self.close_timeout_ms),
            rates: (rates(self.inbound.as_ref()), rates(self.outbound.as_ref())),
            heartbeat: self.heartbeat.as_ref().map(HeartbeatSpec::to_heartbeat),
            opening: self
                .ws
                .as_ref()
                .map(|ws| Arc::new(ws.to_opening(max_message, meeting.clone()))),
            meeting,
            security,
            within: self.opening_timeout_ms.map_or(Duration::MAX, millis),
        })
    }
}

fn rates(spec: Option<&RatesSpec>) -> Rates {
    spec.map_or_else(Rates::default, RatesSpec::to_rates)
}

impl HeartbeatSpec {
    fn to_heartbeat(&self) -> Heartbeat {
        Heartbeat {
            interval: millis(self.interval_ms),
            timeout: millis(self.timeout_ms),
        }
    }
}

impl RatesSpec {
    fn to_rates(&self) -> Rates {
        Rates {
            bytes: rate(self.bytes_per_second, self.burst_bytes),
            messages: rate(self.messages_per_second, self.burst_messages),
            is_hard: self.is_hard,
        }
    }
}

/// Integers that a `u32` may not hold, as JavaScript has them.
fn rate(per_second: Option<f64>, burst: Option<f64>) -> Option<Rate> {
    Some(Rate {
        per_second: per_second? as u64,
        burst: burst? as u64,
    })
}

impl QwhSpec {
    fn to_meeting(&self, max_message: usize) -> Result<Meeting> {
        let side = match self.initiates {
            true => Side::Initiator,
            false => Side::Responder,
        };
        Ok(Meeting {
            side,
            hello: Hello::parse(&self.hello, self.initiates)?,
            limits: ReceiveLimits {
                max_message,
                max_fragments: self.max_fragments as usize,
                control_burst: self.control_burst,
                control_per_second: self.control_per_second,
            },
            timeout: millis(self.handshake_timeout_ms),
            is_required: self.is_required,
            under_way: UnderWay::with_most_per_address(
                self.max_pending_handshakes as usize,
                (self.max_pending_per_address).map_or(usize::MAX, |most| most as usize),
            ),
        })
    }
}

impl WebSocketSpec {
    fn to_opening(&self, max_message: usize, qwh: Option<Arc<Meeting>>) -> Opening {
        Opening {
            qwh,
            limits: ReceiveLimits {
                max_message,
                max_fragments: self.max_fragments as usize,
                control_burst: self.control_burst,
                control_per_second: self.control_per_second,
            },
            head: HeadLimits {
                bytes: self.max_header_bytes as usize,
                headers: self.max_headers as usize,
            },
            deflate: self.deflate.as_ref().map(DeflateSpec::to_params),
            timeout: millis(self.handshake_timeout_ms),
            call: self.call.as_ref().map(CallSpec::to_call),
            under_way: UnderWay::new(self.max_pending_handshakes.map_or(1, |most| most as usize)),
        }
    }
}

impl DeflateSpec {
    fn to_params(&self) -> (Params, Compression) {
        let params = Params {
            server: ws::Side {
                no_context_takeover: self.server_no_context_takeover,
                window_bits: self.server_max_window_bits,
            },
            client: ws::Side {
                no_context_takeover: self.client_no_context_takeover,
                window_bits: self.client_max_window_bits,
            },
        };
        let compression = Compression {
            threshold: self.threshold as usize,
            level: self.level,
        };
        (params, compression)
    }
}

impl CallSpec {
    fn to_call(&self) -> Call {
        let pairs = self.headers.chunks_exact(2);
        Call {
            target: self.target.clone(),
            authority: self.authority.clone(),
            headers: pairs
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect(),
            subprotocols: self.subprotocols.clone(),
        }
    }
}

impl SocketSpec {
    pub(super) fn to_options(&self) -> SocketOptions {
        SocketOptions {
            no_delay: self.no_delay,
            keep_alive: (self.keep_alive_ms > 0).then(|| millis(self.keep_alive_ms)),
            receive_buffer: self.receive_buffer_size.map(|bytes| bytes as usize),
            send_buffer: self.send_buffer_size.map(|bytes| bytes as usize),
            not_sent_low_at: self.not_sent_low_at,
            user_timeout: self.user_timeout_ms.map(millis),
            interface: self.interface_name.clone(),
        }
    }
}

/// The path of a Unix socket, if that is what a host is: no address begins with a slash.
pub(super) fn path_of(host: &str) -> Option<&Path> {
    host.starts_with('/').then(|| Path::new(host))
}

impl ListenerSpec {
    pub(super) fn address(&self) -> Result<SocketAddr> {
        address(&self.host, self.port)
    }

    pub(super) fn flags(&self) -> ListenFlags {
        ListenFlags {
            backlog: self.backlog,
            reuse_port: self.reuse_port,
            ipv6_only: self.ipv6_only,
        }
    }
}

impl DialerSpec {
    pub(super) fn address(&self) -> Result<SocketAddr> {
        address(&self.host, self.port)
    }

    /// Where to call from, if that was said.
    pub(super) fn local(&self) -> Result<Option<SocketAddr>> {
        let port = self.local_port.unwrap_or(0);
        match &self.local_address {
            Some(host) => address(host, port).map(Some),
            None if port == 0 => Ok(None),
            None => {
                let any = if self.address()?.is_ipv6() {
                    "::"
                } else {
                    "0.0.0.0"
                };
                address(any, port).map(Some)
            }
        }
    }
}

fn address(host: &str, port: u16) -> Result<SocketAddr> {
    // A zone (`fe80::1%eth0`) is an address with its interface: only the system's parser knows names.
    let (ip, zone) = host
        .split_once('%')
        .map_or((host, None), |(ip, zone)| (ip, Some(zone)));
    let ip = ip.parse().map_err(|_| {
        Error::new(
            Code::EndpointInvalid,
            format!("{host:?} is not an IP address"),
        )
    })?;
    let mut address = SocketAddr::new(ip, port);
    if let (SocketAddr::V6(v6), Some(zone)) = (&mut address, zone) {
        let index = zone.parse().map_err(|_| {
            Error::new(
                Code::EndpointInvalid,
                format!("the zone of {host:?} must be an interface's number"),
            )
        })?;
        v6.set_scope_id(index);
    }
    Ok(address)
}

pub(super) fn millis(millis: u32) -> Duration {
    Duration::from_millis(u64::from(millis))
}
