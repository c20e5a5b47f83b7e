/**
 * QWH/1, the protocol between two endpoints of QWormhole, without its sockets: bytes, verdicts and time come in,
 * messages and bytes go out. `docs/wire-format.md` is the text that this follows; `src/qwh/` is its twin, and
 * `test/vectors/qwh/` holds both to it.
 */
export { CAPS, FIRST_CAP_OF_APPLICATION, IMPLEMENTED_CAPS } from './caps.js';
export { Decoder, type DecoderSettings, type ReceiveLimits } from './decoder.js';
export { Encoder, MAX_FRAGMENT } from './encoder.js';
export { FIRST_EXTENSION, mustBeKnown, type Extension } from './extension.js';
export { Fault, protocolFault } from './fault.js';
export type { GoAway } from './goaway.js';
export {
  Handshake,
  type Carrier,
  type Failure,
  type HandshakeEvent,
  type HandshakeSettings,
  type Peer,
  type Side,
} from './handshake.js';
export {
  encodeHello,
  parseHello,
  type Hello,
  type PeerLimits,
  type SessionAnswer,
  type SessionWish,
} from './hello.js';
export { MAX_EXTENSION_BYTES, MAX_EXTENSIONS, MAX_HELLO, MAX_REASON, MAX_RECORD, VERSION } from './limits.js';
export { decodeMeta, encodeMeta, metaSchema, type Meta } from './meta-schema.js';
export { misfitOf, type Misfit } from './misfit.js';
export { negotiate, type Agreement } from './negotiation.js';
export {
  Security,
  encodePreamble,
  parseAnswer,
  parsePreamble,
  type Preamble,
  type Versions,
} from './preamble.js';
export { Scheduler, type Fragment } from './scheduler.js';
