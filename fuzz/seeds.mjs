/** What a fuzz target begins with, from the test vectors: bytes that mean something. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';

const VECTORS = fileURLToPath(new URL('../test/vectors/', import.meta.url));

/** Switches of an input, `src/fuzzing/input.rs`; there are no cuts: to make them is the fuzzer's business. */
const [RESPONDER, MESSAGES, EXPORTER] = [1, 2, 4];
const [CLIENT, DEFLATE] = [1, 2];
const [ANSWER, SUBPROTOCOL, OFFER] = [1, 4, 8];
const input = (stream, flags = 0) => Buffer.concat([Buffer.from([flags, 0]), Buffer.from(stream)]);

const vectors = (name) => JSON.parse(readFileSync(`${VECTORS}${name}.json`, 'utf8'));
const bytes = (hex) => Buffer.from(hex, 'hex');
const requests = (name) => vectors(`qwh/${name}`).map(({ request }) => request);
const received = ({ steps }) => steps.filter(({ receive }) => receive !== undefined);

function handshake(request) {
  const { side, carrier, exporter } = request;
  const flags =
    (side === 'responder' ? RESPONDER : 0) |
    (carrier === 'messages' ? MESSAGES : 0) |
    (exporter ? EXPORTER : 0);
  return input(Buffer.concat(received(request).map(({ receive }) => bytes(receive))), flags);
}

const head = (...lines) => `${lines.join('\r\n')}\r\n\r\n`;
const REQUEST = [
  'GET /chat?room=1 HTTP/1.1',
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: keep-alive, Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];
const UPGRADED = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
const EXTENSIONS = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits="10", x; y=z';

const opening = [
  input(head(...REQUEST)),
  input(head(...REQUEST, EXTENSIONS, 'Sec-WebSocket-Protocol: chat, qwh.v1')),
  input(head(...REQUEST, 'Content-Length: 3') + 'abc'),
  input(head(...UPGRADED, 'Sec-WebSocket-Accept: ACCEPT'), ANSWER),
  input(
    head(
      'HTTP/1.1 103 Early Hints',
      '',
      ...UPGRADED,
      'Sec-WebSocket-Accept: ACCEPT',
      'Sec-WebSocket-Protocol: chat',
      'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12',
    ),
    ANSWER | SUBPROTOCOL | OFFER,
  ),
  input(head('HTTP/1.1 503 Service Unavailable', 'Retry-After: 3', 'Content-Length: 4') + 'wait', ANSWER),
  input(head('HTTP/1.0 403 Forbidden', 'Transfer-Encoding: chunked') + '2\r\nno\r\n0\r\n\r\n', ANSWER),
];

const websocket = vectors('websocket-streams').cases.map(({ stream, role }) =>
  input(bytes(stream), (role === 'client' ? CLIENT : 0) | DEFLATE),
);

/** Acts of `src/exchange/fuzzing/link.rs`: what a peer writes, and what both do then. */
const [LP, QWH, WEB_SOCKET, QWH_ON_WEB_SOCKET] = [0, 1, 2, 3];
const [READ, END, RESET, SEND, CLOSE, TERMINATE] = [5, 6, 7, 10, 11, 15];
function writes(stream) {
  const parts = [];
  for (let at = 0; at < stream.length; at += 255) {
    const part = stream.subarray(at, at + 255);
    parts.push(Buffer.from([0, part.length]), part);
  }
  return Buffer.concat(parts);
}
const life = (kind, ...acts) => Buffer.concat([Buffer.from([kind]), ...acts]);
const acts = (...numbers) => Buffer.from(numbers);

const meetings = requests('handshake').filter(
  ({ side, carrier }) => side === 'responder' && carrier === 'stream',
);
const link = [
  ...vectors('length-prefixed').map(({ stream }) => life(LP, writes(bytes(stream)), acts(SEND, 20, END))),
  ...meetings.map((request) =>
    life(
      QWH,
      ...received(request).map(({ receive }) => writes(bytes(receive))),
      acts(SEND, 9, READ, CLOSE, END),
    ),
  ),
  ...websocket
    .slice(0, 40)
    .map((each) =>
      life(
        WEB_SOCKET,
        writes(Buffer.from(head(...REQUEST))),
        writes(each.subarray(2)),
        acts(SEND, 9, CLOSE, RESET),
      ),
    ),
  life(
    QWH_ON_WEB_SOCKET,
    writes(Buffer.from(head(...REQUEST, 'Sec-WebSocket-Protocol: qwh.v1'))),
    acts(READ, TERMINATE, 0),
  ),
];

const lengthPrefixed = vectors('length-prefixed').map(({ stream }) => input(bytes(stream)));
const texts = ['', 'a', 'hello hello hello', 'x'.repeat(5000)];

const SEEDS = {
  deflate: texts.map((text) => input(deflateRawSync(text))),
  handshake: [
    ...requests('preamble').map((request) => input(bytes(request.bytes), RESPONDER)),
    ...requests('answer').map((request) => input(bytes(request.bytes))),
    ...requests('handshake').map(handshake),
  ],
  hello: requests('hello').map((request) => bytes(request.bytes)),
  length_prefixed: lengthPrefixed,
  link,
  opening,
  records: requests('records')
    .filter(({ carrier }) => carrier !== 'messages')
    .map(({ first = '', chunks }) => input(bytes(first + chunks.join('')))),
  slabs: lengthPrefixed,
  websocket,
};

/** All targets. */
export const TARGETS = Object.keys(SEEDS);

export function seedsOf(target) {
  return SEEDS[target];
}
