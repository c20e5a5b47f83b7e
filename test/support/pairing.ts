/**
 * The public names, with servers on one backend and clients on the other: what the behaviour suite
 * imports as `qwormhole` when it runs over a mixed pairing.
 */
import * as qwormhole from '../../ts/index.js';

export * from '../../ts/index.js';

type Side = 'server' | 'client';

/** The side that gets the TypeScript backend; the other is left to the environment, which forces native. */
const onTypeScript = process.env.QWORMHOLE_TEST_TS_SIDE as Side;

function placed<Options extends object | undefined>(side: Side, options: Options): Options {
  return side === onTypeScript ? { ...options, forceTs: true } : options;
}

export const listen: typeof qwormhole.listen = (endpoints, options) =>
  qwormhole.listen(endpoints, placed('server', options));

export const connect: typeof qwormhole.connect = (endpoints, options) =>
  qwormhole.connect(endpoints, placed('client', options));

export const createQWormholeServer: typeof qwormhole.createQWormholeServer = (options) =>
  qwormhole.createQWormholeServer(placed('server', options));

export const createQWormholeClient: typeof qwormhole.createQWormholeClient = (options) =>
  qwormhole.createQWormholeClient(placed('client', options));
