/** What users get. */
export {
  connect,
  createQWormholeClient,
  createQWormholeServer,
  listen,
  type BackendResult,
  type Callees,
  type ConnectOptions,
  type CreatedClient,
  type CreatedServer,
  type Endpoints,
  type ListenOptions,
} from './factory.js';
export { backendInfo, type BackendInfo } from './link/backend-info.js';
export { QWormholeRuntime, type RuntimeDefaults } from './runtime.js';
export { QWormholeServer } from './server.js';
export type {
  Attachment,
  AttachOptions,
  BroadcastOptions,
  BroadcastResult,
  QWormholeServerLike,
  ServerCloseOptions,
  ServerEvents,
} from './server-like.js';
export type { ServerConnection } from './server-connection.js';
export { QWormholeClient, type ClientEvents } from './client.js';
export { Connection, type ConnectionEvents, type ConnectionState } from './connection.js';
export type { MessageIterator } from './iteration.js';
export type { MessageClass, SendOptions } from './sending.js';
export type {
  Amount,
  AttemptStats,
  ClientStats,
  Drops,
  HandshakeStats,
  ServerStats,
  TrafficStats,
} from './stats.js';
export type { DiagnosticsMessage, LogLevel, LogRecord } from './telemetry/journal.js';
export type { HistogramStats } from './telemetry/histogram.js';
export type { Labels } from './telemetry/labels.js';
export type { LatencyStats } from './telemetry/latencies.js';
export { METRICS_CONTENT_TYPE, metricsText, type MetricsSource } from './telemetry/metrics.js';
export type { ClientTelemetry, ServerTelemetry, Telemetry, Vitals } from './telemetry/snapshot.js';
export type { DropRun } from './policy/drop-log.js';
export type { Io, IoWish } from './policy/io.js';
export type { WaitOptions } from './policy/waits.js';
export type {
  ClientOptions,
  ClientTlsOptions,
  DeflateOptions,
  HeartbeatOptions,
  OfflineQueueOptions,
  InboundRateOptions,
  OutboundRateOptions,
  ReconnectOptions,
  ServerOptions,
  ServerTlsOptions,
  SharedOptions,
  TlsOptions,
} from './options/types.js';
export type { HandshakeExtension } from './options/qwh.js';
export type { ConnectAttempt, EndpointSource, HeadersInput, PerAttempt } from './options/sources.js';
export type {
  EndpointInput,
  EndpointObject,
  LocalEndpointObject,
  Scheme,
  TcpEndpointObject,
  WebSocketEndpointObject,
} from './endpoint.js';
export type { TlsVersion } from './link/tls.js';
export type { CertificateStats } from './tls/expiry.js';
export type { TlsStats } from './tls/service.js';
export type { ConnectionTls } from './tls/session.js';
export type {
  ServerTlsUpdate,
  SniCallback,
  TlsIdentityOptions,
  TlsMaterial,
  TlsPeerSession,
  TlsSession,
  VerifyPeer,
} from './tls/types.js';
export type { HandshakeInfo } from './link/qwh.js';
export type {
  HandshakeMeta,
  HandshakePeer,
  HandshakeRefusal,
  HandshakeVerdict,
  VerifyHandshake,
} from './policy/handshake.js';
export type { Headers } from './link/headers.js';
export type {
  Authorize,
  RefusalByClose,
  RefusalByStatus,
  Verdict,
  Welcome,
} from './policy/upgrade-authorize.js';
export type { OpeningRequest } from './policy/upgrade-request.js';
export type { SubprotocolChoice } from './policy/upgrade-subprotocol.js';
export type { CodecAt } from './codec/codec-at.js';
export type {
  BufferInput,
  Codec,
  CodecInput,
  CodecMessage,
  CodecName,
  CodecOption,
  ContractCodec,
  Messages,
  MessageTypes,
} from './codec/codec.js';
export { QWormholeError, type ErrorCode, type ErrorKind } from './errors/error.js';
export {
  CLOSE_CODES,
  CloseCode,
  closeCodeName,
  isRetriableClose,
  type CloseCodeName,
} from './close-codes.js';
export type { Batching, BatchingMode, ForcedBatching } from './policy/batching.js';
export type { BatchingStats } from './policy/loop-share.js';
export type { Overflow } from './policy/overflow.js';
export type { Backend, Carrier, DropReason, Mode, Protocol, SendResult } from './link/link.js';
