/** How `qwormhole connect` tells of a peer that closes with a code. */
import { type ServerConnection, listen } from 'qwormhole';
import { expect, test } from 'vitest';
import { onEachBackend, run } from './cli.js';

onEachBackend((backend) => {
  const on = ['--backend', backend, '--wait', '10s'];

  /** What the program says and gives where its peer closes upon the first line. */
  async function told(end: (connection: ServerConnection) => unknown, ...options: string[]) {
    const server = await listen('tcp://127.0.0.1:0', { forceTs: true });
    server.on('message', (_message, connection) => void end(connection));
    try {
      return await run(['connect', server.addresses[0], ...on, ...options], { input: 'x\n' });
    } finally {
      await server.close();
    }
  }

  test('a code of the application and its reason are told, and are a failure', async () => {
    const { code, stdout, stderr } = await told((connection) =>
      connection.close(4000, 'no more\u001b[31m\ncredit'),
    );
    expect(stderr).toBe('The peer has closed with code 4000: no more\\x1b[31m\\ncredit.\n');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test('with --json they are in the event alone', async () => {
    const { code, stdout, stderr } = await told((connection) => connection.close(4000, 'enough'), '--json');
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toContainEqual({ event: 'disconnect', code: 4000, reason: 'enough', clean: true });
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  });

  test('a server that leaves is told of, and is no failure', async () => {
    const { code, stderr } = await told((connection) => connection.close(10, 'back at noon'));
    expect(stderr).toContain('The peer has closed with code 10: back at noon.\n');
    expect(code).toBe(0);
  });

  test('an end without a code is nothing to talk about', async () => {
    expect(await told((connection) => connection.close())).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
