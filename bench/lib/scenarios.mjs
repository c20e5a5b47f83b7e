/** What clients and servers do with each other, in numbers: the code is in `loads.mjs` and `replies.mjs`. */

/** Most that one connection has under way, bytes: below the high watermark, so that nothing is dropped. */
const MAX_UNDER_WAY = 512 * 1024;

/**
 * @typedef {object} Scenario
 * @property {string} meaning
 * @property {number} connections
 * @property {number} window messages under way on each connection
 */

/** @type {Record<string, Scenario>} */
export const SCENARIOS = {
  echo: { meaning: 'each message comes back, many under way', connections: 4, window: 64 },
  ping: { meaning: 'each message comes back, one under way', connections: 1, window: 1 },
  stream: { meaning: 'one way, as fast as backpressure allows', connections: 4, window: 0 },
  fanout: { meaning: 'one publishes, the server broadcasts to fifty', connections: 51, window: 8 },
};

/** A scenario at a size: large messages have fewer under way. */
export function shapeOf(name, size) {
  const { connections, window } = SCENARIOS[name];
  return {
    connections,
    window: Math.min(window, Math.max(1, Math.floor(MAX_UNDER_WAY / size))),
  };
}
