// Generated from options.json by scripts/generate.mjs: edit that file instead.

/** Whether an option is honoured: yes, no, not known, or under conditions. */
export type Support =
  | boolean
  | null
  | {
      readonly os: readonly string[];
      /** The first version of each release line, as `major.minor`; newer lines count too. */
      readonly minimum: readonly string[];
    };

/** What is known of an option, besides its meaning. */
export interface OptionFacts {
  readonly for: 'both' | 'server' | 'client';
  /** What a legal value is, for messages. */
  readonly expects: string;
  readonly default?: number | boolean | string;
  readonly min?: number;
  readonly max?: number;
  /** Where it is not honoured; what is not listed honours it. */
  readonly support?: {
    readonly native?: { readonly [Platform in 'linux' | 'darwin' | 'win32']?: Support };
    readonly ts?: { readonly [Runtime in 'node' | 'bun' | 'deno']?: Support };
  };
  /** With this value of another option the support does not matter. */
  readonly unless?: Readonly<Record<string, string>>;
  /** What to do where it is not honoured. */
  readonly cure?: string;
}

/** Every option by its name; those of a nested object are `outer.inner`. */
export const OPTION_TABLE = {
  endpoints: {
    for: 'both',
    expects: 'one endpoint or a list of at least one (on a client also a function that gives them)',
  },
  protocol: {
    for: 'both',
    expects: "'raw', 'length-prefixed' or 'qwh'",
    default: 'qwh',
  },
  verifyHandshake: {
    for: 'both',
    expects: 'a function',
  },
  offeredCaps: {
    for: 'both',
    expects: 'a bigint with no other bits than 32 to 63',
  },
  requiredCaps: {
    for: 'both',
    expects: 'a bigint with no other bits than those of offeredCaps',
  },
  meta: {
    for: 'both',
    expects:
      'an object with tags, intent, shard or app, of at most 4 KiB with what is added, and eight levels as JSON (on a client also a function that gives one)',
  },
  trace: {
    for: 'both',
    expects:
      "a traceparent of version 00, as W3C's Trace Context has it (on a client also a function that gives one, or nothing)",
  },
  extensions: {
    for: 'both',
    expects:
      'a list of at most 16 objects with name, value (bytes) and required, each name once, 4 KiB in all',
  },
  codec: {
    for: 'both',
    expects: "'buffer', 'text', 'json', 'cbor', 'msgpack' or an object with name, encode and decode",
    default: 'buffer',
  },
  preferNative: {
    for: 'both',
    expects: 'true or false',
    default: true,
  },
  forceTs: {
    for: 'both',
    expects: 'true or false',
    default: false,
  },
  onNativeFailure: {
    for: 'both',
    expects: "'migrate' or 'error'",
  },
  io: {
    for: 'both',
    expects: "'auto', 'inline' or 'threads'",
    default: 'auto',
    support: { ts: { node: false, bun: false, deno: false } },
    cure: 'leave it out, or use the native backend',
  },
  ioThreads: {
    for: 'both',
    expects: 'an integer from 1 to 64 (threads)',
    default: 1,
    min: 1,
    max: 64,
    support: { ts: { node: false, bun: false, deno: false } },
    cure: 'leave it out, or use the native backend',
  },
  maxMessage: {
    for: 'both',
    expects: 'an integer from 1 to 1073741824 (bytes)',
    default: 4_194_304,
    min: 1,
    max: 1_073_741_824,
  },
  highWaterMark: {
    for: 'both',
    expects: 'an integer from 1 to 1073741824 (bytes)',
    default: 1_048_576,
    min: 1,
    max: 1_073_741_824,
  },
  lowWaterMark: {
    for: 'both',
    expects: 'an integer from 0 to 1073741824 (bytes)',
    default: 262_144,
    min: 0,
    max: 1_073_741_824,
  },
  maxQueued: {
    for: 'both',
    expects: 'an integer from 1 to 1073741824 (bytes)',
    default: 4_194_304,
    min: 1,
    max: 1_073_741_824,
  },
  overflow: {
    for: 'both',
    expects: "'drop-newest', 'drop-oldest', 'conflate', 'block' or 'close'",
    default: 'drop-newest',
  },
  flushIntervalMs: {
    for: 'both',
    expects: 'an integer from 0 to 1000 (ms)',
    default: 0,
    min: 0,
    max: 1000,
  },
  batching: {
    for: 'both',
    expects: "'off', 'guarded', 'aggressive' or an object",
    default: 'guarded',
  },
  'batching.maxEvents': {
    for: 'both',
    expects: 'an integer from 1 to 1048576 (messages)',
    min: 1,
    max: 1_048_576,
  },
  'batching.flushIntervalMs': {
    for: 'both',
    expects: 'an integer from 0 to 1000 (ms)',
    min: 0,
    max: 1000,
  },
  concurrency: {
    for: 'both',
    expects: 'an integer from 1 to 1048576 (handlers) or Infinity',
    min: 1,
    max: 1_048_576,
  },
  inboundRate: {
    for: 'both',
    expects: 'an object with bytesPerSecond or messagesPerSecond',
  },
  'inboundRate.bytesPerSecond': {
    for: 'both',
    expects: 'an integer from 1000 to 4294967295 (bytes)',
    min: 1000,
    max: 4_294_967_295,
  },
  'inboundRate.burstBytes': {
    for: 'both',
    expects: 'an integer from 1 to 1073741824 (bytes)',
    min: 1,
    max: 1_073_741_824,
  },
  'inboundRate.messagesPerSecond': {
    for: 'both',
    expects: 'an integer from 1 to 1000000000 (messages)',
    min: 1,
    max: 1_000_000_000,
  },
  'inboundRate.burstMessages': {
    for: 'both',
    expects: 'an integer from 1 to 1000000 (messages)',
    min: 1,
    max: 1_000_000,
  },
  'inboundRate.hard': {
    for: 'both',
    expects: 'true or false',
    default: false,
  },
  outboundRate: {
    for: 'both',
    expects: 'an object with bytesPerSecond or messagesPerSecond',
  },
  'outboundRate.bytesPerSecond': {
    for: 'both',
    expects: 'an integer from 1000 to 4294967295 (bytes)',
    min: 1000,
    max: 4_294_967_295,
  },
  'outboundRate.burstBytes': {
    for: 'both',
    expects: 'an integer from 1 to 1073741824 (bytes)',
    min: 1,
    max: 1_073_741_824,
  },
  'outboundRate.messagesPerSecond': {
    for: 'both',
    expects: 'an integer from 1 to 1000000000 (messages)',
    min: 1,
    max: 1_000_000_000,
  },
  'outboundRate.burstMessages': {
    for: 'both',
    expects: 'an integer from 1 to 1000000 (messages)',
    min: 1,
    max: 1_000_000,
  },
  'outboundRate.hard': {
    for: 'both',
    expects: 'true or false',
    default: false,
  },
  memoryBudget: {
    for: 'both',
    expects: 'an integer from 65536 to 2147483648 (bytes)',
    default: 536_870_912,
    min: 65_536,
    max: 2_147_483_648,
  },
  closeTimeoutMs: {
    for: 'both',
    expects: 'an integer from 0 to 2147483647 (ms)',
    default: 5000,
    min: 0,
    max: 2_147_483_647,
  },
  heartbeat: {
    for: 'both',
    expects: 'false or an object',
  },
  'heartbeat.intervalMs': {
    for: 'both',
    expects: 'an integer from 100 to 2147483647 (ms)',
    default: 20_000,
    min: 100,
    max: 2_147_483_647,
  },
  'heartbeat.timeoutMs': {
    for: 'both',
    expects: 'an integer from 200 to 2147483647 (ms)',
    default: 45_000,
    min: 200,
    max: 2_147_483_647,
  },
  idleTimeoutMs: {
    for: 'both',
    expects: 'an integer from 100 to 2147483647 (ms)',
    min: 100,
    max: 2_147_483_647,
  },
  noDelay: {
    for: 'both',
    expects: 'true or false',
    default: true,
  },
  keepAlive: {
    for: 'both',
    expects: 'false or an integer from 1000 to 32767000 (ms)',
    default: 60_000,
    min: 1000,
    max: 32_767_000,
  },
  receiveBufferSize: {
    for: 'both',
    expects: 'an integer from 1 to 1073741823 (bytes)',
    min: 1,
    max: 1_073_741_823,
    support: { ts: { node: false, bun: false, deno: false } },
    cure: 'leave it out, or use the native backend',
  },
  sendBufferSize: {
    for: 'both',
    expects: 'an integer from 1 to 1073741823 (bytes)',
    min: 1,
    max: 1_073_741_823,
    support: { ts: { node: false, bun: false, deno: false } },
    cure: 'leave it out, or use the native backend',
  },
  notSentLowAt: {
    for: 'both',
    expects: 'an integer from 1 to 2147483647 (bytes)',
    min: 1,
    max: 2_147_483_647,
    support: { native: { darwin: false, win32: false }, ts: { node: false, bun: false, deno: false } },
    cure: 'leave it out, or use the native backend on Linux',
  },
  userTimeoutMs: {
    for: 'both',
    expects: 'an integer from 1 to 2147483647 (ms)',
    min: 1,
    max: 2_147_483_647,
    support: { native: { darwin: false, win32: false }, ts: { node: false, bun: false, deno: false } },
    cure: 'leave it out, or use the native backend on Linux',
  },
  interfaceName: {
    for: 'both',
    expects: 'the name of a network interface',
    support: { native: { win32: false }, ts: { node: false, bun: false, deno: false } },
    unless: { interfaceBinding: 'address' },
    cure: "use the native backend on Linux or macOS, or set interfaceBinding to 'address', which is weaker: routing may still choose another interface",
  },
  interfaceBinding: {
    for: 'both',
    expects: "'device' or 'address'",
    default: 'device',
    support: { ts: { bun: false } },
    cure: 'leave it out and give an endpoint with the address, or use Node',
  },
  copy: {
    for: 'both',
    expects: 'true or false',
    default: false,
  },
  signal: {
    for: 'both',
    expects: 'an AbortSignal',
  },
  logger: {
    for: 'both',
    expects: 'a function',
  },
  logLevel: {
    for: 'both',
    expects: "'debug', 'info', 'warn' or 'error'",
    default: 'info',
  },
  onTelemetry: {
    for: 'both',
    expects: 'a function',
  },
  telemetryIntervalMs: {
    for: 'both',
    expects: 'an integer from 10 to 2147483647 (ms)',
    default: 10_000,
    min: 10,
    max: 2_147_483_647,
  },
  profiling: {
    for: 'both',
    expects: 'true or false',
    default: false,
  },
  subprotocols: {
    for: 'both',
    expects: 'a list of names (on a server also a function that chooses one)',
  },
  deflate: {
    for: 'both',
    expects: 'true, false or an object',
    default: false,
  },
  'deflate.threshold': {
    for: 'both',
    expects: 'an integer from 0 to 1073741824 (bytes)',
    default: 1024,
    min: 0,
    max: 1_073_741_824,
  },
  'deflate.level': {
    for: 'both',
    expects: 'an integer from 0 to 9',
    default: 6,
    min: 0,
    max: 9,
  },
  'deflate.serverNoContextTakeover': {
    for: 'both',
    expects: 'true or false',
    default: false,
  },
  'deflate.clientNoContextTakeover': {
    for: 'both',
    expects: 'true or false',
    default: false,
  },
  'deflate.serverMaxWindowBits': {
    for: 'both',
    expects: 'an integer from 9 to 15',
    default: 15,
    min: 9,
    max: 15,
  },
  'deflate.clientMaxWindowBits': {
    for: 'both',
    expects: 'an integer from 9 to 15',
    default: 15,
    min: 9,
    max: 15,
  },
  maxHeaderBytes: {
    for: 'both',
    expects: 'an integer from 1024 to 1048576 (bytes)',
    default: 16_384,
    min: 1024,
    max: 1_048_576,
  },
  maxHeaders: {
    for: 'both',
    expects: 'an integer from 8 to 10000 (headers)',
    default: 100,
    min: 8,
    max: 10_000,
  },
  maxFragments: {
    for: 'both',
    expects: 'an integer from 1 to 1048576 (frames)',
    default: 16_384,
    min: 1,
    max: 1_048_576,
  },
  controlBurst: {
    for: 'both',
    expects: 'an integer from 1 to 1048576 (frames)',
    default: 64,
    min: 1,
    max: 1_048_576,
  },
  controlPerSecond: {
    for: 'both',
    expects: 'an integer from 1 to 1048576 (frames)',
    default: 32,
    min: 1,
    max: 1_048_576,
  },
  tls: {
    for: 'both',
    expects: 'an object (on a client also a function that gives one)',
  },
  'tls.cert': {
    for: 'both',
    expects: 'PEM or DER, or a list',
  },
  'tls.certPath': {
    for: 'both',
    expects: 'the path of a file',
  },
  'tls.key': {
    for: 'both',
    expects: 'PEM or DER',
  },
  'tls.keyPath': {
    for: 'both',
    expects: 'the path of a file',
  },
  'tls.passphrase': {
    for: 'both',
    expects: 'a string',
  },
  'tls.ca': {
    for: 'both',
    expects: 'PEM or DER, or a list',
  },
  'tls.caPath': {
    for: 'both',
    expects: 'the path of a file',
  },
  'tls.rejectUnauthorized': {
    for: 'both',
    expects: 'true or false',
    default: true,
  },
  'tls.requestCert': {
    for: 'server',
    expects: 'true or false',
    default: false,
  },
  'tls.servername': {
    for: 'client',
    expects: 'a host name, or an empty string',
  },
  'tls.minVersion': {
    for: 'both',
    expects: "'TLSv1.2' or 'TLSv1.3'",
    default: 'TLSv1.2',
  },
  'tls.maxVersion': {
    for: 'both',
    expects: "'TLSv1.2' or 'TLSv1.3'",
    default: 'TLSv1.3',
  },
  'tls.alpn': {
    for: 'both',
    expects: 'a list of names of 1 to 255 bytes',
  },
  'tls.pins': {
    for: 'both',
    expects: 'a list such as sha256/<base64>, sha256-spki:<hex> or sha256-cert:<hex>',
  },
  'tls.revoked': {
    for: 'both',
    expects: 'a list such as sha256/<base64>, sha256-spki:<hex> or sha256-cert:<hex>',
  },
  'tls.verify': {
    for: 'both',
    expects: 'a function',
  },
  'tls.postQuantum': {
    for: 'both',
    expects: "'off', 'prefer' or 'require'",
    default: 'prefer',
  },
  'tls.sessionResumption': {
    for: 'both',
    expects: 'true or false',
    default: true,
  },
  'tls.handshakeTimeoutMs': {
    for: 'both',
    expects: 'an integer from 1 to 2147483647 (ms)',
    default: 10_000,
    min: 1,
    max: 2_147_483_647,
  },
  'tls.maxPendingHandshakes': {
    for: 'server',
    expects: 'an integer from 1 to 1048576 (connections)',
    default: 1024,
    min: 1,
    max: 1_048_576,
  },
  'tls.identities': {
    for: 'server',
    expects: 'a list of objects with cert and key',
  },
  'tls.sniCallback': {
    for: 'server',
    expects: 'a function',
  },
  'tls.watch': {
    for: 'server',
    expects: 'true or false',
    default: false,
  },
  maxConnections: {
    for: 'server',
    expects: 'an integer from 1 to 1048576 (connections)',
    default: 10_000,
    min: 1,
    max: 1_048_576,
  },
  maxConnectionsPerAddress: {
    for: 'server',
    expects: 'an integer from 1 to 1048576 (connections) or Infinity',
    min: 1,
    max: 1_048_576,
  },
  preset: {
    for: 'server',
    expects: "'lan' or 'internet'",
    default: 'lan',
  },
  backlog: {
    for: 'server',
    expects: 'an integer from 1 to 65535 (connections)',
    default: 511,
    min: 1,
    max: 65_535,
  },
  reusePort: {
    for: 'server',
    expects: 'true or false',
    default: false,
    support: {
      native: { darwin: false, win32: false },
      ts: {
        node: { os: ['linux'], minimum: ['22.12', '23.1'] },
        bun: { os: ['linux'], minimum: ['1.3'] },
        deno: { os: ['linux'], minimum: ['2.9'] },
      },
    },
    cure: 'leave it out, or use Linux with the native backend or Node 22.12, 23.1 or newer',
  },
  socketMode: {
    for: 'server',
    expects: 'an integer from 0 to 511 (bits)',
    min: 0,
    max: 511,
  },
  replaceStaleSocket: {
    for: 'server',
    expects: 'true or false',
    default: false,
  },
  ipv6Only: {
    for: 'server',
    expects: 'true or false',
    default: false,
    support: { ts: { deno: false } },
    cure: 'leave it out, or use Node',
  },
  origins: {
    for: 'server',
    expects: "'*' or a list of origins such as https://example.com",
  },
  requireOrigin: {
    for: 'server',
    expects: 'true or false',
    default: false,
  },
  authorize: {
    for: 'server',
    expects: 'a function',
  },
  handshake: {
    for: 'server',
    expects: "'required', 'optional' or 'off'",
  },
  handshakeTimeoutMs: {
    for: 'server',
    expects: 'an integer from 1 to 2147483647 (ms)',
    default: 10_000,
    min: 1,
    max: 2_147_483_647,
  },
  maxPendingHandshakes: {
    for: 'server',
    expects: 'an integer from 1 to 1048576 (connections)',
    default: 1024,
    min: 1,
    max: 1_048_576,
  },
  maxTopics: {
    for: 'server',
    expects: 'an integer from 0 to 1048576 (topics)',
    default: 1000,
    min: 0,
    max: 1_048_576,
  },
  localAddress: {
    for: 'client',
    expects: 'an IP address of this machine',
    support: { ts: { bun: false } },
    cure: 'leave it out, or use Node',
  },
  localPort: {
    for: 'client',
    expects: 'an integer from 0 to 65535',
    default: 0,
    min: 0,
    max: 65_535,
    support: { ts: { bun: false } },
    cure: 'leave it out, or use Node',
  },
  connectTimeoutMs: {
    for: 'client',
    expects: 'an integer from 1 to 2147483647 (ms)',
    default: 10_000,
    min: 1,
    max: 2_147_483_647,
  },
  headers: {
    for: 'client',
    expects: 'an object of header names and values, or a function that gives one',
  },
  maxRedirects: {
    for: 'client',
    expects: 'an integer from 0 to 20 (redirects)',
    default: 0,
    min: 0,
    max: 20,
  },
  agent: {
    for: 'client',
    expects: 'an http.Agent',
    support: { native: { linux: false, darwin: false, win32: false }, ts: { bun: null, deno: null } },
    cure: 'leave it out, or use the TypeScript backend',
  },
  reconnect: {
    for: 'client',
    expects: 'true, false or an object',
    default: true,
  },
  'reconnect.initial': {
    for: 'client',
    expects: 'true or false',
    default: false,
  },
  'reconnect.baseMs': {
    for: 'client',
    expects: 'an integer from 1 to 2147483647 (ms)',
    default: 300,
    min: 1,
    max: 2_147_483_647,
  },
  'reconnect.capMs': {
    for: 'client',
    expects: 'an integer from 1 to 2147483647 (ms)',
    default: 10_000,
    min: 1,
    max: 2_147_483_647,
  },
  'reconnect.maxAttempts': {
    for: 'client',
    expects: 'an integer from 1 to 2147483647 (attempts) or Infinity',
    min: 1,
    max: 2_147_483_647,
  },
  offlineQueue: {
    for: 'client',
    expects: 'false or an object',
  },
  'offlineQueue.maxBytes': {
    for: 'client',
    expects: 'an integer from 1 to 1073741824 (bytes)',
    default: 1_048_576,
    min: 1,
    max: 1_073_741_824,
  },
  'offlineQueue.maxAgeMs': {
    for: 'client',
    expects: 'an integer from 1 to 2147483647 (ms)',
    default: 30_000,
    min: 1,
    max: 2_147_483_647,
  },
} as const satisfies Record<string, OptionFacts>;
