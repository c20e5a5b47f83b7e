/** Our server, as foreign clients meet it: it echoes, and answers three words. */
import { serve } from '../../support/scene.js';

/** What every client asks for and must be told. */
export const SUBPROTOCOL = 'chat.v2';
export const PATH = '/room?seat=7';

/** What a client reports when all went well; `who` is what our server knows of it. */
export const FINDINGS = {
  echoed: 10,
  inOrder: 1000,
  who: { path: '/room', seat: '7', subprotocol: SUBPROTOCOL, token: 'secret' },
  close: [4001, 'as you wish'],
};

/** Opens it; `left` resolves with code and reason of the client that said goodbye itself. */
export async function host(options: object = {}, scheme: 'ws' | 'wss' = 'ws') {
  const server = await serve(
    {
      protocol: 'raw',
      codec: 'buffer',
      subprotocols: [SUBPROTOCOL],
      maxQueued: 16 << 20,
      ...options,
    } as object,
    `${scheme}://127.0.0.1:0/room`,
  );
  const dismissed = new Set<unknown>();
  server.on('message', (message: unknown, connection: any) => {
    if (message === 'who are you talking to?') {
      const { path, query, subprotocol, headers } = connection;
      const token = headers['x-token'];
      connection.send(JSON.stringify({ path, seat: query.get('seat'), subprotocol, token }));
    } else if (message === 'close me') {
      dismissed.add(connection);
      void connection.close(...FINDINGS.close);
    } else {
      connection.send(message);
    }
  });
  const url = new URL(server.addresses[0]);
  return {
    server,
    url: `${scheme}://${url.host}${PATH}`,
    left(): Promise<unknown[]> {
      // Several may leave in one batch of events, without a turn in between.
      return new Promise((resolve) => {
        server.on('clientClosed', (connection: unknown, code: unknown, reason: unknown) => {
          if (!dismissed.has(connection)) resolve([code, reason]);
        });
      });
    },
  };
}
