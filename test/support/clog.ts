/** A connection whose peer does not read, filled up for good. */
import type { Connection } from 'qwormhole';
import { sleep } from './wait.js';

/** Rests without a change after which nothing moves any more: a machine that stands still prolongs one of them. */
const RESTS = 10;
const REST_MS = 10;

/**
 * Sends with `fill` until `full` bytes are queued, and until nothing moves any more: a kernel that seems full
 * may take more a moment later, until it has grown its buffers as far as they go.
 */
export async function clog(connection: Connection<any>, full: number, fill: () => unknown): Promise<void> {
  let before = -1;
  while (before !== connection.bufferedAmount) {
    while (connection.bufferedAmount < full) fill();
    before = connection.bufferedAmount;
    for (let rest = 0; rest < RESTS; rest += 1) await sleep(REST_MS);
  }
}
