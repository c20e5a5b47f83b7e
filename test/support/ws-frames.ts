/** WebSocket frames and opening handshakes, written independently of the library. */
import { createHash, randomBytes } from 'node:crypto';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface WsFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
}

interface Shape {
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly opcode?: number;
  /** As clients must and servers must not. */
  readonly mask?: boolean;
}

/** One frame. */
export function wsFrame(
  payload: string | Uint8Array,
  { fin = true, rsv = 0, opcode, mask = false }: Shape = {},
): Buffer {
  const body = Buffer.from(payload as Uint8Array);
  const code = opcode ?? (typeof payload === 'string' ? OPCODE.text : OPCODE.binary);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | code;
  const bit = mask ? 0x80 : 0;
  const long = Buffer.alloc(8);
  let head: Buffer;
  if (body.length < 126) head = Buffer.from([first, bit | body.length]);
  else if (body.length < 65_536) head = Buffer.from([first, bit | 126, body.length >> 8, body.length & 0xff]);
  else {
    long.writeBigUInt64BE(BigInt(body.length));
    head = Buffer.concat([Buffer.from([first, bit | 127]), long]);
  }
  if (!mask) return Buffer.concat([head, body]);
  const key = randomBytes(4);
  for (let at = 0; at < body.length; at += 1) body[at] ^= key[at & 3];
  return Buffer.concat([head, key, body]);
}

/** A close frame. */
export function closeFrame(code: number | undefined, reason = '', mask = false): Buffer {
  const head = Buffer.alloc(code === undefined ? 0 : 2);
  if (code !== undefined) head.writeUInt16BE(code);
  return wsFrame(Buffer.concat([head, Buffer.from(reason)]), { opcode: OPCODE.close, mask });
}

/** The whole frames at the beginning of some bytes. */
export function wsFrames(bytes: Buffer): WsFrame[] {
  const frames: WsFrame[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const isMasked = (bytes[at + 1] & 0x80) !== 0;
    let size = bytes[at + 1] & 0x7f;
    let begin = at + 2;
    if (size === 126 && bytes.length >= at + 4) [size, begin] = [bytes.readUInt16BE(at + 2), at + 4];
    else if (size === 127 && bytes.length >= at + 10)
      [size, begin] = [Number(bytes.readBigUInt64BE(at + 2)), at + 10];
    else if (size > 125) break;
    const key = isMasked ? bytes.subarray(begin, begin + 4) : undefined;
    if (isMasked) begin += 4;
    if (begin + size > bytes.length) break;
    const payload = Buffer.from(bytes.subarray(begin, begin + size));
    if (key) for (let i = 0; i < size; i += 1) payload[i] ^= key[i & 3];
    const rsv = (bytes[at] >> 4) & 7;
    frames.push({ fin: bytes[at] >= 0x80, rsv, opcode: bytes[at] & 0x0f, isMasked, payload });
    at = begin + size;
  }
  return frames;
}

/** What a client opens with. */
export function openingRequest(
  target = '/',
  host = '127.0.0.1',
  headers: readonly string[] = [],
  key = 'dGhlIHNhbXBsZSBub25jZQ==',
): string {
  return [
    `GET ${target} HTTP/1.1`,
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
    ...headers,
    '\r\n',
  ].join('\r\n');
}

/** What a server answers a request with. */
export function openingResponse(request: string, headers: readonly string[] = []): string {
  const key = /sec-websocket-key: *([^\r]*)/i.exec(request)?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...headers,
    '\r\n',
  ].join('\r\n');
}
