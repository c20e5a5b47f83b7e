/**
 * Takes files and puts them into a folder: `node receive.mjs [folder] [endpoint]`. A connection brings one file: first
 * its name and size in JSON, then its bytes; the answer is the checksum of what was written.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { listen } from 'qwormhole';

const [folder = 'received', endpoint = 'tcp://127.0.0.1:9000'] = process.argv.slice(2);
await mkdir(folder, { recursive: true });

const server = await listen(endpoint, { inboundRate: { bytesPerSecond: 1_000_000_000 } });
console.log(`Listening on ${server.addresses[0]}`);

server.on('connection', async (connection) => {
  try {
    await receive(connection);
  } catch (error) {
    console.error(`not received: ${error.message}`);
    await connection.close(4, error.message);
  }
});

async function receive(connection) {
  let head;
  let file;
  let size = 0;
  const hash = createHash('sha256');
  const part = join(folder, `${connection.id}.part`);
  try {
    // The loop takes the next message when the last one is written: a slow disk slows the sender, and nothing piles up.
    for await (const message of connection) {
      if (head === undefined) {
        head = parse(message);
        file = await open(part, 'wx');
      } else {
        size += message.length;
        hash.update(message);
        await file.writeFile(message);
      }
      if (size >= head.size) break;
    }
    if (size !== head?.size) throw new Error(`${size} bytes came`);
    await file.close();
    await rename(part, join(folder, head.name));
    connection.send(hash.digest('hex'));
    console.log(`${head.name}: ${size} bytes`);
  } finally {
    await file?.close();
    await rm(part, { force: true });
  }
}

function parse(message) {
  const { name, size } = JSON.parse(message);
  // A name, not a path: where files go is decided here.
  if (name !== basename(name) || /^\.*$/.test(name)) throw new Error('that is no name of a file');
  if (!Number.isSafeInteger(size) || size < 0) throw new Error('that is no size');
  return { name, size };
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.shutdown());
