/**
 * Ports to come back to. One that the system has given, and got back, it may give to anybody: to a server of another
 * test, or to the own end of any connection.
 */
import { createServer } from 'node:net';
import { next } from './wait.js';

/** Below those that systems give to who asks for any. */
const FIRST = 10_000;
const COUNT = 20_000;
/** Processes that run at once have numbers near each other: so many ports are one's own. */
const EACH = 20;

let given = 0;

/** A port that nothing listens on, and that nobody gets by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + ((process.pid * EACH + given) % COUNT);
    given += 1;
    const server = createServer();
    const outcome = Promise.race([
      next(server, 'listening').then(() => true),
      next(server, 'error').then(() => false),
    ]);
    server.listen(port, '127.0.0.1');
    if (!(await outcome)) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
