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

/** By its one wide signature: each test has the types of the function that it stands for. */
function wide(make: unknown): (...args: any[]) => any {
  return make as (...args: any[]) => any;
}

export const listen = ((endpoints: never, options: object) =>
  wide(qwormhole.listen)(endpoints, placed('server', options))) as typeof qwormhole.listen;

export const connect = ((endpoints: never, options: object) =>
  wide(qwormhole.connect)(endpoints, placed('client', options))) as typeof qwormhole.connect;

export const createQWormholeServer = ((options: object) =>
  wide(qwormhole.createQWormholeServer)(placed('server', options))) as typeof qwormhole.createQWormholeServer;

export const createQWormholeClient = ((options: object) =>
  wide(qwormhole.createQWormholeClient)(placed('client', options))) as typeof qwormhole.createQWormholeClient;
