// Generated from errors.json by scripts/generate.mjs: edit that file instead.

//! The stable codes of this library's errors, the same in Rust and TypeScript.

use std::fmt;

/// A stable error code: match on it, never on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// An option has a value outside its range or of the wrong type.
    OptionInvalid,
    /// An option that does not exist was given.
    OptionUnknown,
    /// The backend, runtime or platform in use cannot honour an option.
    OptionUnsupported,
    /// A function that was given as an option failed.
    OptionFailed,
    /// An endpoint is not a URL or object this version understands.
    EndpointInvalid,
    /// The connection or server was closed before the operation finished.
    Closed,
    /// The AbortSignal given to the operation was aborted.
    Aborted,
    /// The codec cannot encode the message given to send.
    Encode,
    /// A received payload does not decode with this connection's codec; the stream stays in step.
    Decode,
    /// A message is larger than maxMessage.
    TooBig,
    /// The stream ended in the middle of a message.
    Truncated,
    /// The peer broke the rules of the protocol.
    Protocol,
    /// A text message is not valid UTF-8.
    InvalidUtf8,
    /// The peer sent more fragments or control frames than it may.
    Flood,
    /// The peer sent more than a hard bound of its rate allows.
    RateLimited,
    /// The opening handshake failed.
    Handshake,
    /// One end refused the other in the handshake of qwh.
    HandshakeRefused,
    /// The server answered the opening handshake with a refusal.
    UpgradeRefused,
    /// A certificate, key or certificate authority cannot be used.
    TlsConfig,
    /// The peer's certificate does not lead to a trusted authority.
    TlsUntrusted,
    /// The peer's certificate is not valid at this time.
    TlsExpired,
    /// The server's certificate is for another name than the one that was called.
    TlsName,
    /// The client sent no certificate where one is required.
    TlsCertRequired,
    /// The peer's certificate is malformed, wrongly signed, or not meant for this use.
    TlsBadCert,
    /// The peer's certificate is none of the pinned ones.
    TlsPin,
    /// The peer's certificate is on the list of revoked fingerprints.
    TlsRevoked,
    /// The application refused the peer after the TLS handshake.
    TlsRefused,
    /// The two ends have no application protocol in common.
    TlsAlpn,
    /// The two ends have no TLS version, cipher or key exchange in common.
    TlsIncompatible,
    /// The peer does not speak TLS.
    TlsNotTls,
    /// The TLS handshake or its record layer broke.
    TlsHandshake,
    /// The peer ended TLS with an alert.
    TlsAlert,
    /// The peer ended the connection during the TLS handshake without saying why.
    TlsClosed,
    /// The TLS handshake was not finished within its time.
    TlsTimeout,
    /// The port, or the path of a Unix socket, is taken.
    AddressInUse,
    /// The file of a Unix socket is there and nobody listens on it: its server ended without removing it.
    SocketStale,
    /// The host's address or the interface does not exist on this machine.
    AddressUnavailable,
    /// The system does not allow the operation.
    Permission,
    /// The host's name does not resolve.
    Dns,
    /// Nothing listens at the address.
    ConnectRefused,
    /// The connection was not established within connectTimeoutMs.
    ConnectTimeout,
    /// The connection could not be established.
    ConnectFailed,
    /// An established connection broke.
    ConnectionLost,
    /// The peer gave no sign of life for heartbeat.timeoutMs.
    HeartbeatTimeout,
    /// The peer did not end its side within closeTimeoutMs.
    CloseTimeout,
    /// The server holds maxConnections already.
    TooManyConnections,
    /// The connection is subscribed to maxTopics topics already.
    TooManyTopics,
    /// The system is out of descriptors, memory or disk space, or a queue or memory budget of ours is full.
    Resources,
    /// The native backend was demanded and cannot be loaded.
    NativeUnavailable,
    /// The native backend broke at run time and was destroyed.
    NativeFailed,
    /// An invariant of this library does not hold.
    Internal,
}

struct Facts {
    name: &'static str,
    retriable: bool,
    remedy: &'static str,
}

impl Code {
    /// Every code, in the order of the table.
    pub const ALL: [Code; 51] = [
        Code::OptionInvalid,
        Code::OptionUnknown,
        Code::OptionUnsupported,
        Code::OptionFailed,
        Code::EndpointInvalid,
        Code::Closed,
        Code::Aborted,
        Code::Encode,
        Code::Decode,
        Code::TooBig,
        Code::Truncated,
        Code::Protocol,
        Code::InvalidUtf8,
        Code::Flood,
        Code::RateLimited,
        Code::Handshake,
        Code::HandshakeRefused,
        Code::UpgradeRefused,
        Code::TlsConfig,
        Code::TlsUntrusted,
        Code::TlsExpired,
        Code::TlsName,
        Code::TlsCertRequired,
        Code::TlsBadCert,
        Code::TlsPin,
        Code::TlsRevoked,
        Code::TlsRefused,
        Code::TlsAlpn,
        Code::TlsIncompatible,
        Code::TlsNotTls,
        Code::TlsHandshake,
        Code::TlsAlert,
        Code::TlsClosed,
        Code::TlsTimeout,
        Code::AddressInUse,
        Code::SocketStale,
        Code::AddressUnavailable,
        Code::Permission,
        Code::Dns,
        Code::ConnectRefused,
        Code::ConnectTimeout,
        Code::ConnectFailed,
        Code::ConnectionLost,
        Code::HeartbeatTimeout,
        Code::CloseTimeout,
        Code::TooManyConnections,
        Code::TooManyTopics,
        Code::Resources,
        Code::NativeUnavailable,
        Code::NativeFailed,
        Code::Internal,
    ];

    /// The code as it is written in both languages, such as `ERR_QW_CLOSED`.
    pub const fn as_str(self) -> &'static str {
        self.facts().name
    }

    /// Whether the same operation may succeed later without a change to the program.
    pub const fn retriable(self) -> bool {
        self.facts().retriable
    }

    /// What to do about it, one or two sentences.
    pub const fn remedy(self) -> &'static str {
        self.facts().remedy
    }

    const fn facts(self) -> &'static Facts {
        // The table has the variants in their order.
        &FACTS[self as usize]
    }
}

static FACTS: [Facts; 51] = [
    Facts {
        name: "ERR_QW_OPTION_INVALID",
        retriable: false,
        remedy: "Correct the option that the message names; docs/options.md lists types, units and ranges.",
    },
    Facts {
        name: "ERR_QW_OPTION_UNKNOWN",
        retriable: false,
        remedy: "Check the spelling against docs/options.md.",
    },
    Facts {
        name: "ERR_QW_OPTION_UNSUPPORTED",
        retriable: false,
        remedy: "Remove the option or choose a backend that honours it; docs/options.md has the table.",
    },
    Facts {
        name: "ERR_QW_OPTION_FAILED",
        retriable: true,
        remedy: "The cause is what it threw; a client that reconnects asks it again.",
    },
    Facts {
        name: "ERR_QW_ENDPOINT_INVALID",
        retriable: false,
        remedy: "Write it as tcp://host:port, ws://host:port/path or unix:///path.sock; IPv6 addresses go in brackets.",
    },
    Facts {
        name: "ERR_QW_CLOSED",
        retriable: false,
        remedy: "Open a new one; listen for close.",
    },
    Facts {
        name: "ERR_QW_ABORTED",
        retriable: false,
        remedy: "Expected when you abort; the cause is the signal's reason.",
    },
    Facts {
        name: "ERR_QW_ENCODE",
        retriable: false,
        remedy: "Send what the codec accepts, or choose another codec.",
    },
    Facts {
        name: "ERR_QW_DECODE",
        retriable: false,
        remedy: "Use the same codec on both ends.",
    },
    Facts {
        name: "ERR_QW_TOO_BIG",
        retriable: false,
        remedy: "Send smaller messages, or raise maxMessage on both ends.",
    },
    Facts {
        name: "ERR_QW_TRUNCATED",
        retriable: true,
        remedy: "The peer died or closed early; the partial message was not delivered.",
    },
    Facts {
        name: "ERR_QW_PROTOCOL",
        retriable: false,
        remedy: "The connection was ended; the message says which rule. Correct the peer.",
    },
    Facts {
        name: "ERR_QW_INVALID_UTF8",
        retriable: false,
        remedy: "The connection was ended. Send bytes as a binary message.",
    },
    Facts {
        name: "ERR_QW_FLOOD",
        retriable: false,
        remedy: "The connection was ended; maxFragments, controlBurst and controlPerSecond are the bounds.",
    },
    Facts {
        name: "ERR_QW_RATE_LIMITED",
        retriable: true,
        remedy: "The connection was ended. Send more slowly, or raise inboundRate on the receiving end.",
    },
    Facts {
        name: "ERR_QW_HANDSHAKE",
        retriable: false,
        remedy: "Check that the other end speaks the same carrier and protocol; the message says what is wrong.",
    },
    Facts {
        name: "ERR_QW_HANDSHAKE_REFUSED",
        retriable: false,
        remedy: "closeCode and the message say why: a verdict, or a version, capability or codec that the two do not share.",
    },
    Facts {
        name: "ERR_QW_UPGRADE_REFUSED",
        retriable: false,
        remedy: "The details have its status, headers and the beginning of its body.",
    },
    Facts {
        name: "ERR_QW_TLS_CONFIG",
        retriable: false,
        remedy: "The message says which and why; check the file, the passphrase, and that key and certificate belong together.",
    },
    Facts {
        name: "ERR_QW_TLS_UNTRUSTED",
        retriable: false,
        remedy: "Give the authority that signed it as ca, or have the peer send its intermediate certificates.",
    },
    Facts {
        name: "ERR_QW_TLS_EXPIRED",
        retriable: false,
        remedy: "Renew the certificate; check the clock of both machines.",
    },
    Facts {
        name: "ERR_QW_TLS_NAME",
        retriable: false,
        remedy: "Call the server by a name in its certificate, or set servername.",
    },
    Facts {
        name: "ERR_QW_TLS_CERT_REQUIRED",
        retriable: false,
        remedy: "Give the client cert and key.",
    },
    Facts {
        name: "ERR_QW_TLS_BAD_CERT",
        retriable: false,
        remedy: "The message says what is wrong with it; have it issued anew.",
    },
    Facts {
        name: "ERR_QW_TLS_PIN",
        retriable: false,
        remedy: "Check whom you are talking to; if the peer's key was changed on purpose, add its fingerprint to pins.",
    },
    Facts {
        name: "ERR_QW_TLS_REVOKED",
        retriable: false,
        remedy: "The peer needs a new key and certificate.",
    },
    Facts {
        name: "ERR_QW_TLS_REFUSED",
        retriable: false,
        remedy: "The cause has what the callback said.",
    },
    Facts {
        name: "ERR_QW_TLS_ALPN",
        retriable: false,
        remedy: "Give both ends a common name in alpn.",
    },
    Facts {
        name: "ERR_QW_TLS_INCOMPATIBLE",
        retriable: false,
        remedy: "Check minVersion, maxVersion and postQuantum of both ends.",
    },
    Facts {
        name: "ERR_QW_TLS_NOT_TLS",
        retriable: false,
        remedy: "Check that both ends mean TLS: tls:// or wss:// on the client, and the right port.",
    },
    Facts {
        name: "ERR_QW_TLS_HANDSHAKE",
        retriable: false,
        remedy: "The message says how; the peer's log may say more.",
    },
    Facts {
        name: "ERR_QW_TLS_ALERT",
        retriable: false,
        remedy: "The details have the alert's name; the peer's log says why.",
    },
    Facts {
        name: "ERR_QW_TLS_CLOSED",
        retriable: true,
        remedy: "See the peer's log: it may refuse our certificate, or not speak TLS on this port.",
    },
    Facts {
        name: "ERR_QW_TLS_TIMEOUT",
        retriable: true,
        remedy: "Check the peer and the network, or raise tls.handshakeTimeoutMs.",
    },
    Facts {
        name: "ERR_QW_ADDRESS_IN_USE",
        retriable: true,
        remedy: "Choose another one, port 0 for a free one, or stop the other program. Processes that are to share a port, workers of node:cluster on the native backend among them, need reusePort.",
    },
    Facts {
        name: "ERR_QW_SOCKET_STALE",
        retriable: false,
        remedy: "Remove the file, or set replaceStaleSocket.",
    },
    Facts {
        name: "ERR_QW_ADDRESS_UNAVAILABLE",
        retriable: false,
        remedy: "Bind to an address of this machine, such as 127.0.0.1 or 0.0.0.0.",
    },
    Facts {
        name: "ERR_QW_PERMISSION",
        retriable: false,
        remedy: "Use a port above 1023, or give the process the privilege.",
    },
    Facts {
        name: "ERR_QW_DNS",
        retriable: true,
        remedy: "Check the name and the resolver.",
    },
    Facts {
        name: "ERR_QW_CONNECT_REFUSED",
        retriable: true,
        remedy: "Check that the server runs and that host and port are right.",
    },
    Facts {
        name: "ERR_QW_CONNECT_TIMEOUT",
        retriable: true,
        remedy: "Check the route and firewalls, or raise connectTimeoutMs.",
    },
    Facts {
        name: "ERR_QW_CONNECT_FAILED",
        retriable: true,
        remedy: "The cause has the system's own code.",
    },
    Facts {
        name: "ERR_QW_CONNECTION_LOST",
        retriable: true,
        remedy: "Reconnect; the client does so by default.",
    },
    Facts {
        name: "ERR_QW_HEARTBEAT_TIMEOUT",
        retriable: true,
        remedy: "Reconnect; the client does so by default. If the peer lives, look at the network between, or raise heartbeat.timeoutMs.",
    },
    Facts {
        name: "ERR_QW_CLOSE_TIMEOUT",
        retriable: true,
        remedy: "Nothing to do: the connection was cut.",
    },
    Facts {
        name: "ERR_QW_TOO_MANY_CONNECTIONS",
        retriable: true,
        remedy: "Raise maxConnections, or spread the clients over more servers.",
    },
    Facts {
        name: "ERR_QW_TOO_MANY_TOPICS",
        retriable: false,
        remedy: "Unsubscribe from some, or raise maxTopics.",
    },
    Facts {
        name: "ERR_QW_RESOURCES",
        retriable: true,
        remedy: "Wait and try again; else raise the limit that the message names (ulimit -n, memoryBudget), or close what is not needed.",
    },
    Facts {
        name: "ERR_QW_NATIVE_UNAVAILABLE",
        retriable: false,
        remedy: "Run npx qwormhole doctor, or allow the TypeScript backend with QWORMHOLE_NATIVE=auto.",
    },
    Facts {
        name: "ERR_QW_NATIVE_FAILED",
        retriable: true,
        remedy: "Report it with the cause; onNativeFailure decides whether the TypeScript backend takes over.",
    },
    Facts {
        name: "ERR_QW_INTERNAL",
        retriable: false,
        remedy: "Report it with the stack.",
    },
];

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
