/** What is written from `options.json`: the table that the schema reads, the types, and the page for users. */
import { comment, literal, oneOf, property, table, WIDTH } from './text.mjs';

const NOTE = 'Generated from options.json by scripts/generate.mjs: edit that file instead.';
const SYSTEMS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };
const ROLES = ['server', 'client'];
const KEYS = new Set(
  [
    'name',
    'for',
    'type',
    'types',
    'unit',
    'expects',
    'required',
    'values',
    'default',
    'defaultText',
    'min',
    'max',
  ].concat(['orFalse', 'orInfinity', 'meaning', 'server', 'client', 'support', 'unless', 'cure']),
);

/** The generated files of the option table, as `[path, text]` pairs. */
export function optionFiles(entries) {
  for (const entry of entries) checkEntry(entry);
  return [
    ['ts/options/table.ts', runtimeTable(entries)],
    ['ts/options/types.ts', types(entries)],
    ['docs/options.md', page(entries)],
  ];
}

function checkEntry(entry) {
  const unknown = Object.keys(entry).find((key) => !KEYS.has(key));
  if (unknown !== undefined) throw new Error(`options.json: ${entry.name} has the unknown field ${unknown}`);
  for (const role of ROLES.filter((name) => (entry.for ?? name) === name)) {
    const text = meaning(entry, role);
    if (!/^[A-Z].*\.$/.test(text ?? ''))
      throw new Error(`options.json: ${entry.name} has no sentence for ${role}`);
  }
  if (entry.support !== undefined && !entry.cure) throw new Error(`options.json: ${entry.name} has no cure`);
}

function meaning(entry, role) {
  return entry.meaning ?? entry[role];
}

/** What a legal value is, as messages and the page say it. */
function expects({ expects: text, type, unit, values, min, max, orFalse, orInfinity }) {
  if (text) return text;
  if (values) return oneOf(values.map((value) => `'${value}'`));
  if (type === 'boolean') return 'true or false';
  const range = `an integer from ${min} to ${max}${unit ? ` (${unit})` : ''}`;
  return `${orFalse ? 'false or ' : ''}${range}${orInfinity ? ' or Infinity' : ''}`;
}

// --- ts/options/table.ts

function runtimeTable(entries) {
  return `// ${NOTE}

/** Whether an option is honoured: yes, no, not known, or under conditions. */
export type Support =
  | boolean
  | null
  | {
      readonly os: readonly string[];
      /** The first version of each release line, as \`major.minor\`; newer lines count too. */
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

/** Every option by its name; those of a nested object are \`outer.inner\`. */
export const OPTION_TABLE = {
${entries.map(runtimeEntry).join('\n')}
} as const satisfies Record<string, OptionFacts>;
`;
}

function runtimeEntry(entry) {
  const indent = '    ';
  const lines = [property(indent, 'for', literal(entry.for ?? 'both'))];
  lines.push(property(indent, 'expects', literal(expects(entry))));
  for (const key of ['default', 'min', 'max']) {
    if (entry[key] !== undefined) lines.push(property(indent, key, expression(entry[key])));
  }
  if (entry.support) lines.push(nested(indent, 'support', entry.support));
  if (entry.unless) lines.push(property(indent, 'unless', expression(entry.unless)));
  if (entry.cure) lines.push(property(indent, 'cure', literal(entry.cure)));
  const name = entry.name.includes('.') ? literal(entry.name) : entry.name;
  return `  ${name}: {\n${lines.join('\n')}\n  },`;
}

/** A property whose object is spread over lines where it does not fit. */
function nested(indent, name, data) {
  const line = `${indent}${name}: ${expression(data)},`;
  if (line.length <= WIDTH || data === null || typeof data !== 'object') return line;
  const inner = Object.entries(data).map(([key, each]) => nested(`${indent}  `, key, each));
  return `${indent}${name}: {\n${inner.join('\n')}\n${indent}},`;
}

/** Plain data as a TypeScript expression on one line. */
function expression(data) {
  if (typeof data === 'string') return literal(data);
  if (typeof data === 'number' && data >= 10_000) return String(data).replace(/\B(?=(\d{3})+$)/g, '_');
  if (data === null || typeof data !== 'object') return String(data);
  if (Array.isArray(data)) return `[${data.map(expression).join(', ')}]`;
  return `{ ${Object.entries(data)
    .map(([key, inner]) => `${key}: ${expression(inner)}`)
    .join(', ')} }`;
}

// --- ts/options/types.ts

function types(entries) {
  const isShared = ({ name, for: role, meaning: text }) => !role && text !== undefined && !name.includes('.');
  const ofRole = (role) =>
    entries.filter((entry) => !entry.name.includes('.') && inRole(entry, role) && !isShared(entry));
  const group = (outer) =>
    entries
      .filter(({ name }) => name.startsWith(`${outer}.`))
      .map((entry) => ({ ...entry, name: entry.name.slice(outer.length + 1) }));
  return `// ${NOTE}

import type { Agent } from 'node:http';
import type { CodecOption } from '../codec/codec.js';
import type { EndpointInput } from '../endpoint.js';
import type { Protocol } from '../link/link.js';
import type { Batching } from '../policy/batching.js';
import type { Overflow } from '../policy/overflow.js';
import type { HandshakeMeta, VerifyHandshake } from '../policy/handshake.js';
import type { Authorize } from '../policy/upgrade-authorize.js';
import type { SubprotocolChoice } from '../policy/upgrade-subprotocol.js';
import type { TlsVersion } from '../link/tls.js';
import type { LogLevel, LogRecord } from '../telemetry/journal.js';
import type { ClientTelemetry, ServerTelemetry } from '../telemetry/snapshot.js';
import type { EndpointSource, HeadersInput, PerAttempt } from './sources.js';
import type { HandshakeExtension } from './qwh.js';
import type { SniCallback, TlsIdentityOptions, TlsMaterial, VerifyPeer } from '../tls/types.js';

/** Options of servers and clients alike. \`C\` is the codec, which says what messages are. */
export interface SharedOptions<C extends CodecOption = CodecOption> {
${fields(entries.filter(isShared))}
}

/** Options of a server. */
export interface ServerOptions<C extends CodecOption = CodecOption> extends SharedOptions<C> {
${fields(ofRole('server'), 'server')}
}

/** Options of a client. */
export interface ClientOptions<C extends CodecOption = CodecOption> extends SharedOptions<C> {
${fields(ofRole('client'), 'client')}
}

/** How fast a connection may be sent to. */
export interface InboundRateOptions {
${fields(group('inboundRate'))}
}

/** How fast a connection sends. */
export interface OutboundRateOptions {
${fields(group('outboundRate'))}
}

/** How peers are watched that say nothing. */
export interface HeartbeatOptions {
${fields(group('heartbeat'))}
}

/** How a client connects again. */
export interface ReconnectOptions {
${fields(group('reconnect'))}
}

/** What a client keeps while there is no connection. */
export interface OfflineQueueOptions {
${fields(group('offlineQueue'))}
}

/** How WebSocket messages are compressed. */
export interface DeflateOptions {
${fields(group('deflate'))}
}

/** TLS of servers and clients alike. */
export interface TlsOptions {
${fields(group('tls').filter(({ for: role }) => !role))}
}

/** TLS of a server. */
export interface ServerTlsOptions extends TlsOptions {
${fields(group('tls').filter(({ for: role }) => role === 'server'))}
}

/** TLS of a client. */
export interface ClientTlsOptions extends TlsOptions {
${fields(group('tls').filter(({ for: role }) => role === 'client'))}
}
`;
}

function inRole(entry, role) {
  return (entry.for ?? role) === role;
}

function fields(entries, role) {
  return entries.map((entry) => field(entry, role)).join('\n');
}

function field(entry, role) {
  const facts = [meaning(entry, role)];
  const type = entry.types?.[role] ?? entry.type;
  if (type.startsWith('number')) facts.push(`Takes ${readable(expects(entry), entry.unit)}.`);
  if (!entry.required) facts.push(`Default: ${readable(defaultOf(entry), entry.unit)}.`);
  const optional = entry.required ? '' : '?';
  return `${comment('  ', facts.join(' '))}\n  readonly ${entry.name}${optional}: ${type};`;
}

function defaultOf({ default: fixed, defaultText }) {
  return defaultText ?? String(fixed);
}

// --- docs/options.md

function page(entries) {
  const shared = entries.filter((entry) => !entry.for);
  const section = (title, about, list) => `## ${title}\n\n${about}\n\n${optionTable(list)}\n`;
  return `<!-- ${NOTE} -->

# Options

Options are checked when a server or client is made. One that does not exist is \`ERR_QW_OPTION_UNKNOWN\`, a value that is
not legal \`ERR_QW_OPTION_INVALID\`, and one that the backend, runtime or platform in use cannot honour
\`ERR_QW_OPTION_UNSUPPORTED\`: nothing is ignored. An option that is \`undefined\` counts as left out.

${section('Servers and clients', 'Byte counts are payload bytes where not said otherwise.', shared)}
${section(
  'Servers only',
  'For `listen` and `createQWormholeServer`.',
  entries.filter((entry) => entry.for === 'server'),
)}
${section(
  'Clients only',
  'For `connect` and `createQWormholeClient`.',
  entries.filter((entry) => entry.for === 'client'),
)}
${supportSection(entries)}`;
}

function optionTable(entries) {
  return table(['Option', 'Default', 'Value', 'Meaning'], entries.map(optionRow));
}

function optionRow(entry) {
  const about = entry.meaning ?? `Server: ${entry.server} Client: ${entry.client}`;
  const fallback = entry.required ? 'must be given' : readable(defaultOf(entry), entry.unit);
  return [`\`${entry.name}\``, fallback, readable(expects(entry), entry.unit), about];
}

/** Round byte counts in binary units. */
function readable(text, unit) {
  if (unit !== 'bytes') return text;
  return text.replace(/\d{4,}/g, (digits) => {
    const bytes = Number(digits);
    for (const [size, name] of [
      [2 ** 30, 'GiB'],
      [2 ** 20, 'MiB'],
      [2 ** 10, 'KiB'],
    ]) {
      if (bytes % size === 0) return `${bytes / size} ${name}`;
    }
    return digits;
  });
}

function supportSection(entries) {
  const limited = entries.filter((entry) => entry.support);
  const rest = entries.filter((entry) => !entry.support && !entry.name.includes('.'));
  const head = ['Option', 'native: Linux', 'macOS', 'Windows', 'TypeScript: Node', 'Bun', 'Deno'];
  const rows = limited.map(({ name, support: { native = {}, ts = {} } }) => [
    `\`${name}\``,
    ...[native.linux, native.darwin, native.win32, ts.node, ts.bun, ts.deno].map(cell),
  ]);
  rows.unshift([
    'endpoint `pipe://name`',
    'no such thing',
    'no such thing',
    'no',
    ...Array(3).fill('on Windows'),
  ]);
  const cures = limited.map(({ name, cure }) => `- \`${name}\`: ${cure}.`);
  cures.unshift(
    '- `pipe://name`: named pipes need the TypeScript backend, which is taken where native is not forced.',
  );
  return `## What honours what

An option counts when its value is not the default. Bun and Deno are as seen with Bun 1.3 and Deno 2.9 on Linux: they
would ignore what is marked no, so it is refused. A server moves from the native to the TypeScript backend at run time
only if the latter honours all that is set.

${table(head, rows)}

Honoured everywhere: ${rest.map(({ name }) => `\`${name}\``).join(', ')}.

Named pipes, of Windows alone, are the one kind of endpoint that only one backend has.
With \`interfaceBinding: 'address'\` the row of \`interfaceName\` does not count.

Where an option is not honoured:

${cures.join('\n')}
`;
}

function cell(support = true) {
  if (support === null) return 'not known';
  if (typeof support === 'boolean') return support ? 'yes' : 'no';
  return `${support.os.map((os) => SYSTEMS[os]).join(', ')}, from ${oneOf(support.minimum)}`;
}
