/** What a row of the checklist is made of. */
import type { Attacker } from './attacker.js';
import type { Dialect, DialectName } from './dialects.js';
import type { Random } from './random.js';
import type { Backend, Report, Target } from './target.js';

/** Which end of ours is attacked. */
export type Role = 'server' | 'client';

/** One attack under way. */
export interface Stage {
  readonly target: Target;
  readonly backend: Backend;
  readonly role: Role;
  readonly dialect: Dialect;
  readonly random: Random;
  /** The number of the server or client at the target. */
  readonly subject: number;
  /** The connection of the attack. */
  readonly attacker: Attacker;
  /** What must not be in any log. */
  readonly canary: string;
  /** Of a server: one more connection to it. */
  call(from?: string): Promise<Attacker>;
  report(): Promise<Report>;
  /** Said in the table. */
  note(text: string): void;
}

export type Step = (on: Stage) => unknown;

/** One value for both backends, or one for each. */
export type ByBackend<T> = T | { readonly ts: T; readonly native: T };

/** What the attacker sees of the end: an HTTP status, a code, or how the stream ended. */
export type Wire = number | 'reset' | 'end';

/** What must come of it. */
export interface Expectation {
  /** Of the one `close` at our end. Without it there must not have been a connection. */
  readonly code?: ByBackend<number>;
  readonly wire?: ByBackend<Wire> | readonly Wire[];
  /** Of a connection, of the handshake, or of a client's attempt. */
  readonly error?: ByBackend<string>;
  /** What the application got, in order. */
  readonly messages?: readonly string[];
  /** Nothing ends: the connection echoes afterwards. */
  readonly lives?: boolean;
}

/** One entry of the table. */
export interface Entry {
  /** Its row in the checklist. */
  readonly id: string;
  /** What is tried. */
  readonly what: string;
  readonly steps: readonly Step[];
  readonly expect: Expectation | ((role: Role, backend: Backend) => Expectation);
  /** The number in telemetry that rises by one; that of the fault, where there is one. */
  readonly counter?: string | ((role: Role) => string);
  /** Looks at what else must hold, before the end of the server or client. */
  readonly check?: Step;
  readonly roles?: readonly Role[];
  /** Options on top of those of its family. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Takes longer than a test may: left to `npm run attack`. */
  readonly isLong?: boolean;
  /** Thousands of connections at once: what the allocator keeps behind them is allowed for. */
  readonly isCrowd?: boolean;
  /** TLS is left to its steps. */
  readonly isPlain?: boolean;
  /** JavaScript of the target stands still: meanwhile nobody is answered. */
  readonly isBlocking?: boolean;
  /** No connection is made for it: its steps make their own. */
  readonly isBare?: boolean;
  /** Of servers: takes this long at most from the attack to the end, ms. */
  readonly withinMs?: number;
  /** Why less, or something else, is asked for than the checklist has. */
  readonly differs?: string;
}

/** Entries that have a carrier and options in common. */
export interface Family {
  readonly name: string;
  readonly carrier: 'tcp' | 'tls' | 'ws';
  readonly dialect: DialectName;
  /** Of the witness, where it must not speak the same. */
  readonly witness?: DialectName;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly roles?: readonly Role[];
  /** How many the target may have open: it is one of its own then. */
  readonly descriptors?: number;
  readonly entries: readonly Entry[];
}

/** The value for a backend. */
export function on<T>(backend: Backend, value: ByBackend<T>): T {
  if (typeof value !== 'object' || value === null || !('ts' in value)) return value as T;
  return backend === 'ts' ? value.ts : value.native;
}
