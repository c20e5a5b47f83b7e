/**
 * Names inside of the package `ws` that it promises nobody, and that this backend uses: to count what a connection
 * holds (`ws-receiver.ts`), to keep the package from what comes behind a fault (there too), to read most messages in
 * front of it (`ws-reader.ts`), and to unmask the others by words (`ws-unmask.ts`). The version is pinned; whoever overrides it hears what is missing.
 */
import type * as Package from 'ws';

type Names = readonly string[];

const OF_SOCKET: Names = ['_receiver'];
const OF_RECEIVER: Names = [
  '_bufferedBytes',
  '_buffers',
  '_fragmented',
  '_isServer',
  '_mask',
  '_masked',
  '_maxPayload',
  '_messageLength',
  '_payloadLength',
  '_state',
  '_write',
  'consume',
  'getData',
];

/** What is looked at of it. */
interface Inside {
  readonly WebSocket: typeof Package.WebSocket;
  /** Exported, and in no types. */
  readonly Receiver?: new () => object;
}

/** The names that are missing. */
export function missingInside(ws: Inside): Names {
  // The package itself makes those of a server so.
  const socket: object = new (ws.WebSocket as unknown as new (...of: unknown[]) => object)(
    null,
    undefined,
    {},
  );
  if (ws.Receiver === undefined) return ['Receiver'];
  const receiver = new ws.Receiver();
  const isMissing = (of: object) => (name: string) => !(name in of);
  return [...OF_SOCKET.filter(isMissing(socket)), ...OF_RECEIVER.filter(isMissing(receiver))];
}

/** Says what is missing; called once, when the package is loaded. */
export function warnUnknownInside(ws: Inside): void {
  let missing: Names;
  try {
    missing = missingInside(ws);
  } catch {
    missing = [...OF_SOCKET, ...OF_RECEIVER];
  }
  if (missing.length === 0) return;
  process.emitWarning(
    `The package ws is of a version that is not known here (${missing.join(', ')} not found): what connections hold of unfinished messages may not count towards memoryBudget. Install the version that QWormhole asks for.`,
    'QWormholeWarning',
    'QW_WS_VERSION',
  );
}
