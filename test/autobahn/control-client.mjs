/** The `ws` package as Autobahn's client: `node control-client.mjs URL AGENT`. */
import { once } from 'node:events';

import { WebSocket } from 'ws';

const [url, agent] = process.argv.slice(2);
const options = { maxPayload: 32 << 20, maxFragments: 131_072, perMessageDeflate: { threshold: 0 } };

const counting = new WebSocket(`${url}/getCaseCount`, options);
const [count] = await once(counting, 'message');
for (let number = 1; number <= Number(count); number++) {
  await echo(`${url}/runCase?case=${number}&agent=${agent}`);
}
await echo(`${url}/updateReports?agent=${agent}&shutdownOnComplete=true`);

function echo(address) {
  return new Promise((resolve) => {
    const socket = new WebSocket(address, options);
    socket.on('error', () => {});
    socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
    socket.on('close', resolve);
  });
}
