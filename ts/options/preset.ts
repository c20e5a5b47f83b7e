/** Limits for those who may call a server, by where they may come from. */
import { OPTION_TABLE as T } from './table.js';

/** Limits that a preset decides. */
export interface Preset {
  /** May be `Infinity`. */
  readonly maxConnectionsPerAddress: number;
  readonly maxPendingHandshakes: number;
  readonly handshakeTimeoutMs: number;
}

/** The name of a preset. */
export type PresetName = 'lan' | 'internet';

/**
 * `internet`: 64 connections are a household or a small office behind one address, so that one caller takes less
 * than a hundredth of `maxConnections`; a handshake is a round trip or two, and 5 s are some ten of the slowest.
 */
const PRESETS: Readonly<Record<PresetName, Preset>> = {
  lan: {
    maxConnectionsPerAddress: Infinity,
    maxPendingHandshakes: T.maxPendingHandshakes.default,
    handshakeTimeoutMs: T.handshakeTimeoutMs.default,
  },
  internet: { maxConnectionsPerAddress: 64, maxPendingHandshakes: 256, handshakeTimeoutMs: 5000 },
};

/** The limits of a preset, each unless it is set itself. */
export function resolvePreset({
  preset = 'lan',
  ...given
}: { readonly [Name in keyof Preset]?: number } & { readonly preset?: PresetName }): Preset {
  const limits = PRESETS[preset];
  return {
    maxConnectionsPerAddress: given.maxConnectionsPerAddress ?? limits.maxConnectionsPerAddress,
    maxPendingHandshakes: given.maxPendingHandshakes ?? limits.maxPendingHandshakes,
    handshakeTimeoutMs: given.handshakeTimeoutMs ?? limits.handshakeTimeoutMs,
  };
}
