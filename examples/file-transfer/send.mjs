/** Sends a file, and shows how far it is: `node send.mjs <file> [endpoint]`. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { connect } from 'qwormhole';
import { ProgressBar } from './progress-bar.mjs';

const [path, endpoint = 'tcp://127.0.0.1:9000'] = process.argv.slice(2);
const { size } = await stat(path);

// A link that is lost is the end: half a file does not go on over another one.
const client = await connect(endpoint, { reconnect: false });
const answer = new Promise((resolve, reject) => {
  client.once('message', resolve);
  client.once('close', (code, reason) => reject(new Error(`the receiver has closed: ${code} ${reason}`)));
});
const bar = new ProgressBar(process.stderr, size);
const hash = createHash('sha256');

client.send(JSON.stringify({ name: basename(path), size }));
for await (const chunk of createReadStream(path, { highWaterMark: 64 * 1024 })) {
  hash.update(chunk);
  // As fast as the receiver writes, with no more than the high watermark in memory.
  if (client.send(chunk) === 'backpressure') await client.drained();
  bar.advance(chunk.length, client.bufferedAmount);
}

const received = String(await answer);
bar.end();
await client.close();
if (received !== hash.digest('hex')) throw new Error('what was written is not what was sent');
console.log(`${basename(path)}: ${size} bytes, sha256 ${received}`);
