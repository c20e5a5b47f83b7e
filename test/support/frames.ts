/** Length-prefixed frames, written independently of the library. */

/** One frame. */
export function frame(payload: string | Uint8Array): Buffer {
  const body = Buffer.from(payload as Uint8Array);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

/** The payloads of whole frames; throws if bytes are left. */
export function unframe(bytes: Buffer): Buffer[] {
  const payloads: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const size = bytes.readUInt32BE(at);
    if (at + 4 + size > bytes.length) throw new Error(`frame at ${at} of ${bytes.length} is incomplete`);
    payloads.push(bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return payloads;
}
