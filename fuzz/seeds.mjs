/**
 * Seeds for the fuzz targets, from the test vectors: `node fuzz/seeds.mjs` writes them to `fuzz/corpus/`, where
 * cargo-fuzz looks.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const VECTORS = fileURLToPath(new URL('../test/vectors/', import.meta.url));
const CORPUS = fileURLToPath(new URL('corpus/', import.meta.url));

/** Switches of an input, `targets/lib.rs`; there are no cuts: to make them is the fuzzer's business. */
const [RESPONDER, MESSAGES, EXPORTER] = [1, 2, 4];
const input = (stream, flags = 0) => Buffer.concat([Buffer.from([flags, 0]), stream]);

const vectors = (name) => JSON.parse(readFileSync(`${VECTORS}${name}.json`, 'utf8'));
const bytes = (hex) => Buffer.from(hex, 'hex');
const requests = (name) => vectors(`qwh/${name}`).map(({ request }) => request);

function handshake({ side, carrier, exporter, steps }) {
  const received = steps.filter((step) => step.receive !== undefined).map(({ receive }) => bytes(receive));
  const flags =
    (side === 'responder' ? RESPONDER : 0) |
    (carrier === 'messages' ? MESSAGES : 0) |
    (exporter ? EXPORTER : 0);
  return input(Buffer.concat(received), flags);
}

const SEEDS = {
  handshake: [
    ...requests('preamble').map((request) => input(bytes(request.bytes), RESPONDER)),
    ...requests('answer').map((request) => input(bytes(request.bytes))),
    ...requests('handshake').map(handshake),
  ],
  hello: requests('hello').map((request) => bytes(request.bytes)),
  records: requests('records')
    .filter(({ carrier }) => carrier !== 'messages')
    .map(({ first = '', chunks }) => input(bytes(first + chunks.join('')))),
  length_prefixed: vectors('length-prefixed').map(({ stream }) => input(bytes(stream))),
};

for (const [target, seeds] of Object.entries(SEEDS)) {
  mkdirSync(`${CORPUS}${target}`, { recursive: true });
  seeds.forEach((seed, index) => writeFileSync(`${CORPUS}${target}/vector-${index}`, seed));
  console.log(`${target}: ${seeds.length} seeds`);
}
