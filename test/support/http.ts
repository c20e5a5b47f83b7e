/** Requests as bytes, and answers as text. */
import { connect } from 'node:net';
import { cleanUp } from './scene.js';
import { until } from './wait.js';

/** Sends some bytes to an endpoint and gives what comes back until the other side closes. */
export async function exchange(url: string, bytes: string | Buffer, timeoutMs = 5000): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  cleanUp(() => socket.destroy());
  let answer = '';
  let isOver = false;
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  socket.on('error', () => {});
  socket.on('close', () => (isOver = true));
  socket.write(bytes);
  await until(() => isOver, 'the end of the answer', timeoutMs);
  return answer;
}

/** The status of an answer; 0 for none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
