/** A peer's handshake as telemetry has it: what the peer declares of itself, and what the session is known by. */
import type { HandshakeInfo } from '../link/qwh.js';

/** What is not there was not said. */
export interface HandshakeReport extends Pick<
  HandshakeInfo,
  'sid' | 'transport' | 'nv' | 'intent' | 'shard' | 'trace'
> {}

const FIELDS = ['sid', 'transport', 'nv', 'intent', 'shard', 'trace'] as const;

/** With the name that records and snapshots have for it; nothing where nobody has shaken hands. */
export function told(info: HandshakeInfo | undefined): { readonly handshake?: HandshakeReport } {
  if (info === undefined) return {};
  const said = FIELDS.filter((name) => info[name] !== undefined).map((name) => [name, info[name]]);
  return { handshake: Object.freeze(Object.fromEntries(said)) as HandshakeReport };
}
