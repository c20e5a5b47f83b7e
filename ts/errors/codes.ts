// Generated from errors.json by scripts/generate.mjs: edit that file instead.

/** What an error is about. */
export type ErrorKind = 'configuration' | 'usage' | 'protocol' | 'network' | 'resource' | 'internal';

/** A stable code: match on it, never on a message. */
export type ErrorCode =
  | 'ERR_QW_OPTION_INVALID'
  | 'ERR_QW_OPTION_UNKNOWN'
  | 'ERR_QW_OPTION_UNSUPPORTED'
  | 'ERR_QW_OPTION_FAILED'
  | 'ERR_QW_ENDPOINT_INVALID'
  | 'ERR_QW_CLOSED'
  | 'ERR_QW_ABORTED'
  | 'ERR_QW_ENCODE'
  | 'ERR_QW_DECODE'
  | 'ERR_QW_TOO_BIG'
  | 'ERR_QW_TRUNCATED'
  | 'ERR_QW_PROTOCOL'
  | 'ERR_QW_INVALID_UTF8'
  | 'ERR_QW_FLOOD'
  | 'ERR_QW_RATE_LIMITED'
  | 'ERR_QW_HANDSHAKE'
  | 'ERR_QW_HANDSHAKE_REFUSED'
  | 'ERR_QW_UPGRADE_REFUSED'
  | 'ERR_QW_TLS_CONFIG'
  | 'ERR_QW_TLS_UNTRUSTED'
  | 'ERR_QW_TLS_EXPIRED'
  | 'ERR_QW_TLS_NAME'
  | 'ERR_QW_TLS_CERT_REQUIRED'
  | 'ERR_QW_TLS_BAD_CERT'
  | 'ERR_QW_TLS_PIN'
  | 'ERR_QW_TLS_REVOKED'
  | 'ERR_QW_TLS_REFUSED'
  | 'ERR_QW_TLS_ALPN'
  | 'ERR_QW_TLS_INCOMPATIBLE'
  | 'ERR_QW_TLS_NOT_TLS'
  | 'ERR_QW_TLS_HANDSHAKE'
  | 'ERR_QW_TLS_ALERT'
  | 'ERR_QW_TLS_CLOSED'
  | 'ERR_QW_TLS_TIMEOUT'
  | 'ERR_QW_ADDRESS_IN_USE'
  | 'ERR_QW_SOCKET_STALE'
  | 'ERR_QW_ADDRESS_UNAVAILABLE'
  | 'ERR_QW_PERMISSION'
  | 'ERR_QW_DNS'
  | 'ERR_QW_CONNECT_REFUSED'
  | 'ERR_QW_CONNECT_TIMEOUT'
  | 'ERR_QW_CONNECT_FAILED'
  | 'ERR_QW_CONNECTION_LOST'
  | 'ERR_QW_HEARTBEAT_TIMEOUT'
  | 'ERR_QW_CLOSE_TIMEOUT'
  | 'ERR_QW_TOO_MANY_CONNECTIONS'
  | 'ERR_QW_TOO_MANY_TOPICS'
  | 'ERR_QW_RESOURCES'
  | 'ERR_QW_NATIVE_UNAVAILABLE'
  | 'ERR_QW_NATIVE_FAILED'
  | 'ERR_QW_INTERNAL';

/** What is known of an error by its code alone. */
export interface ErrorFacts {
  readonly kind: ErrorKind;
  /** The same operation may succeed later without a change to the program. */
  readonly retriable: boolean;
  readonly meaning: string;
  readonly remedy: string;
}

/** Every code with its facts. */
export const ERROR_TABLE: Readonly<Record<ErrorCode, ErrorFacts>> = {
  ERR_QW_OPTION_INVALID: {
    kind: 'configuration',
    retriable: false,
    meaning: 'An option has a value outside its range or of the wrong type.',
    remedy: 'Correct the option that the message names; docs/options.md lists types, units and ranges.',
  },
  ERR_QW_OPTION_UNKNOWN: {
    kind: 'configuration',
    retriable: false,
    meaning: 'An option that does not exist was given.',
    remedy: 'Check the spelling against docs/options.md.',
  },
  ERR_QW_OPTION_UNSUPPORTED: {
    kind: 'configuration',
    retriable: false,
    meaning: 'The backend, runtime or platform in use cannot honour an option.',
    remedy: 'Remove the option or choose a backend that honours it; docs/options.md has the table.',
  },
  ERR_QW_OPTION_FAILED: {
    kind: 'configuration',
    retriable: true,
    meaning: 'A function that was given as an option failed.',
    remedy: 'The cause is what it threw; a client that reconnects asks it again.',
  },
  ERR_QW_ENDPOINT_INVALID: {
    kind: 'configuration',
    retriable: false,
    meaning: 'An endpoint is not a URL or object this version understands.',
    remedy:
      'Write it as tcp://host:port, ws://host:port/path or unix:///path.sock; IPv6 addresses go in brackets.',
  },
  ERR_QW_CLOSED: {
    kind: 'usage',
    retriable: false,
    meaning: 'The connection or server was closed before the operation finished.',
    remedy: 'Open a new one; listen for close.',
  },
  ERR_QW_ABORTED: {
    kind: 'usage',
    retriable: false,
    meaning: 'The AbortSignal given to the operation was aborted.',
    remedy: "Expected when you abort; the cause is the signal's reason.",
  },
  ERR_QW_ENCODE: {
    kind: 'usage',
    retriable: false,
    meaning: 'The codec cannot encode the message given to send.',
    remedy: 'Send what the codec accepts, or choose another codec.',
  },
  ERR_QW_DECODE: {
    kind: 'protocol',
    retriable: false,
    meaning: "A received payload does not decode with this connection's codec; the stream stays in step.",
    remedy: 'Use the same codec on both ends.',
  },
  ERR_QW_TOO_BIG: {
    kind: 'protocol',
    retriable: false,
    meaning: 'A message is larger than maxMessage.',
    remedy: 'Send smaller messages, or raise maxMessage on both ends.',
  },
  ERR_QW_TRUNCATED: {
    kind: 'protocol',
    retriable: true,
    meaning: 'The stream ended in the middle of a message.',
    remedy: 'The peer died or closed early; the partial message was not delivered.',
  },
  ERR_QW_PROTOCOL: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The peer broke the rules of the protocol.',
    remedy: 'The connection was ended; the message says which rule. Correct the peer.',
  },
  ERR_QW_INVALID_UTF8: {
    kind: 'protocol',
    retriable: false,
    meaning: 'A text message is not valid UTF-8.',
    remedy: 'The connection was ended. Send bytes as a binary message.',
  },
  ERR_QW_FLOOD: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The peer sent more fragments or control frames than it may.',
    remedy: 'The connection was ended; maxFragments, controlBurst and controlPerSecond are the bounds.',
  },
  ERR_QW_RATE_LIMITED: {
    kind: 'protocol',
    retriable: true,
    meaning: 'The peer sent more than a hard bound of its rate allows.',
    remedy: 'The connection was ended. Send more slowly, or raise inboundRate on the receiving end.',
  },
  ERR_QW_HANDSHAKE: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The opening handshake failed.',
    remedy: 'Check that the other end speaks the same carrier and protocol; the message says what is wrong.',
  },
  ERR_QW_HANDSHAKE_REFUSED: {
    kind: 'protocol',
    retriable: false,
    meaning: 'One end refused the other in the handshake of qwh.',
    remedy:
      'closeCode and the message say why: a verdict, or a version, capability or codec that the two do not share.',
  },
  ERR_QW_UPGRADE_REFUSED: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The server answered the opening handshake with a refusal.',
    remedy: 'The details have its status, headers and the beginning of its body.',
  },
  ERR_QW_TLS_CONFIG: {
    kind: 'configuration',
    retriable: false,
    meaning: 'A certificate, key or certificate authority cannot be used.',
    remedy:
      'The message says which and why; check the file, the passphrase, and that key and certificate belong together.',
  },
  ERR_QW_TLS_UNTRUSTED: {
    kind: 'protocol',
    retriable: false,
    meaning: "The peer's certificate does not lead to a trusted authority.",
    remedy: 'Give the authority that signed it as ca, or have the peer send its intermediate certificates.',
  },
  ERR_QW_TLS_EXPIRED: {
    kind: 'protocol',
    retriable: false,
    meaning: "The peer's certificate is not valid at this time.",
    remedy: 'Renew the certificate; check the clock of both machines.',
  },
  ERR_QW_TLS_NAME: {
    kind: 'protocol',
    retriable: false,
    meaning: "The server's certificate is for another name than the one that was called.",
    remedy: 'Call the server by a name in its certificate, or set servername.',
  },
  ERR_QW_TLS_CERT_REQUIRED: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The client sent no certificate where one is required.',
    remedy: 'Give the client cert and key.',
  },
  ERR_QW_TLS_BAD_CERT: {
    kind: 'protocol',
    retriable: false,
    meaning: "The peer's certificate is malformed, wrongly signed, or not meant for this use.",
    remedy: 'The message says what is wrong with it; have it issued anew.',
  },
  ERR_QW_TLS_PIN: {
    kind: 'protocol',
    retriable: false,
    meaning: "The peer's certificate is none of the pinned ones.",
    remedy:
      "Check whom you are talking to; if the peer's key was changed on purpose, add its fingerprint to pins.",
  },
  ERR_QW_TLS_REVOKED: {
    kind: 'protocol',
    retriable: false,
    meaning: "The peer's certificate is on the list of revoked fingerprints.",
    remedy: 'The peer needs a new key and certificate.',
  },
  ERR_QW_TLS_REFUSED: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The application refused the peer after the TLS handshake.',
    remedy: 'The cause has what the callback said.',
  },
  ERR_QW_TLS_ALPN: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The two ends have no application protocol in common.',
    remedy: 'Give both ends a common name in alpn.',
  },
  ERR_QW_TLS_INCOMPATIBLE: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The two ends have no TLS version, cipher or key exchange in common.',
    remedy: 'Check minVersion, maxVersion and postQuantum of both ends.',
  },
  ERR_QW_TLS_NOT_TLS: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The peer does not speak TLS.',
    remedy: 'Check that both ends mean TLS: tls:// or wss:// on the client, and the right port.',
  },
  ERR_QW_TLS_HANDSHAKE: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The TLS handshake or its record layer broke.',
    remedy: "The message says how; the peer's log may say more.",
  },
  ERR_QW_TLS_ALERT: {
    kind: 'protocol',
    retriable: false,
    meaning: 'The peer ended TLS with an alert.',
    remedy: "The details have the alert's name; the peer's log says why.",
  },
  ERR_QW_TLS_CLOSED: {
    kind: 'network',
    retriable: true,
    meaning: 'The peer ended the connection during the TLS handshake without saying why.',
    remedy: "See the peer's log: it may refuse our certificate, or not speak TLS on this port.",
  },
  ERR_QW_TLS_TIMEOUT: {
    kind: 'network',
    retriable: true,
    meaning: 'The TLS handshake was not finished within its time.',
    remedy: 'Check the peer and the network, or raise tls.handshakeTimeoutMs.',
  },
  ERR_QW_ADDRESS_IN_USE: {
    kind: 'network',
    retriable: true,
    meaning: 'The port, or the path of a Unix socket, is taken.',
    remedy:
      'Choose another one, port 0 for a free one, or stop the other program. Processes that are to share a port, workers of node:cluster on the native backend among them, need reusePort.',
  },
  ERR_QW_SOCKET_STALE: {
    kind: 'network',
    retriable: false,
    meaning:
      'The file of a Unix socket is there and nobody listens on it: its server ended without removing it.',
    remedy: 'Remove the file, or set replaceStaleSocket.',
  },
  ERR_QW_ADDRESS_UNAVAILABLE: {
    kind: 'network',
    retriable: false,
    meaning: "The host's address or the interface does not exist on this machine.",
    remedy: 'Bind to an address of this machine, such as 127.0.0.1 or 0.0.0.0.',
  },
  ERR_QW_PERMISSION: {
    kind: 'network',
    retriable: false,
    meaning: 'The system does not allow the operation.',
    remedy: 'Use a port above 1023, or give the process the privilege.',
  },
  ERR_QW_DNS: {
    kind: 'network',
    retriable: true,
    meaning: "The host's name does not resolve.",
    remedy: 'Check the name and the resolver.',
  },
  ERR_QW_CONNECT_REFUSED: {
    kind: 'network',
    retriable: true,
    meaning: 'Nothing listens at the address.',
    remedy: 'Check that the server runs and that host and port are right.',
  },
  ERR_QW_CONNECT_TIMEOUT: {
    kind: 'network',
    retriable: true,
    meaning: 'The connection was not established within connectTimeoutMs.',
    remedy: 'Check the route and firewalls, or raise connectTimeoutMs.',
  },
  ERR_QW_CONNECT_FAILED: {
    kind: 'network',
    retriable: true,
    meaning: 'The connection could not be established.',
    remedy: "The cause has the system's own code.",
  },
  ERR_QW_CONNECTION_LOST: {
    kind: 'network',
    retriable: true,
    meaning: 'An established connection broke.',
    remedy: 'Reconnect; the client does so by default.',
  },
  ERR_QW_HEARTBEAT_TIMEOUT: {
    kind: 'network',
    retriable: true,
    meaning: 'The peer gave no sign of life for heartbeat.timeoutMs.',
    remedy:
      'Reconnect; the client does so by default. If the peer lives, look at the network between, or raise heartbeat.timeoutMs.',
  },
  ERR_QW_CLOSE_TIMEOUT: {
    kind: 'network',
    retriable: true,
    meaning: 'The peer did not end its side within closeTimeoutMs.',
    remedy: 'Nothing to do: the connection was cut.',
  },
  ERR_QW_TOO_MANY_CONNECTIONS: {
    kind: 'resource',
    retriable: true,
    meaning: 'The server holds maxConnections already.',
    remedy: 'Raise maxConnections, or spread the clients over more servers.',
  },
  ERR_QW_TOO_MANY_TOPICS: {
    kind: 'resource',
    retriable: false,
    meaning: 'The connection is subscribed to maxTopics topics already.',
    remedy: 'Unsubscribe from some, or raise maxTopics.',
  },
  ERR_QW_RESOURCES: {
    kind: 'resource',
    retriable: true,
    meaning:
      'The system is out of descriptors, memory or disk space, or a queue or memory budget of ours is full.',
    remedy:
      'Wait and try again; else raise the limit that the message names (ulimit -n, memoryBudget), or close what is not needed.',
  },
  ERR_QW_NATIVE_UNAVAILABLE: {
    kind: 'configuration',
    retriable: false,
    meaning: 'The native backend was demanded and cannot be loaded.',
    remedy: 'Run npx qwormhole doctor, or allow the TypeScript backend with QWORMHOLE_NATIVE=auto.',
  },
  ERR_QW_NATIVE_FAILED: {
    kind: 'internal',
    retriable: true,
    meaning: 'The native backend broke at run time and was destroyed.',
    remedy: 'Report it with the cause; onNativeFailure decides whether the TypeScript backend takes over.',
  },
  ERR_QW_INTERNAL: {
    kind: 'internal',
    retriable: false,
    meaning: 'An invariant of this library does not hold.',
    remedy: 'Report it with the stack.',
  },
};
