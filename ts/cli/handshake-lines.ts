/** What `qwormhole connect --verbose` says of a peer. */
import type { HandshakeInfo } from '../link/qwh.js';

const SECURITY: Readonly<Record<HandshakeInfo['security'], string>> = {
  0: 'none of its own',
  2: 'bound to TLS 1.3',
};

/** For programs: what JSON can say of it. */
export function handshakeFields(info: HandshakeInfo): Readonly<Record<string, unknown>> {
  const { version, sid, caps, codec, maxMessage, security, transport, nv, intent, shard, tags, app } = info;
  const { versions, trace, extensions } = info;
  return {
    version,
    sid,
    caps: `0x${caps.toString(16).padStart(16, '0')}`,
    codec,
    maxMessage,
    security: SECURITY[security],
    transport,
    nv,
    intent,
    shard,
    tags,
    app,
    trace,
    versions: versions.min === versions.max ? undefined : versions,
    extensions: extensions.length === 0 ? undefined : extensions.map(plain),
  };
}

/** For people, a line for each field that there is; a peer of another protocol says nothing of itself. */
export function handshakeLines(info: HandshakeInfo | undefined): string[] {
  if (info === undefined) return ['There is no handshake: the peer says nothing of itself.'];
  const fields = Object.entries(handshakeFields(info)).filter(([, value]) => value !== undefined);
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `  ${name.padEnd(width)}  ${shown(value)}`);
}

/** Bytes are no JSON. */
function plain({ name, value, required }: HandshakeInfo['extensions'][number]) {
  return { name, base64: Buffer.from(value).toString('base64'), required };
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
