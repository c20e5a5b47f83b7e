/**
 * The package `ws`, loaded when the first WebSocket needs it: programs that use TCP only do not pay for it.
 *
 * It would take native helpers where they are installed. This backend is the one without native code, so it
 * is loaded without them; a program that has loaded it before has decided otherwise.
 */
import { dirname, join } from 'node:path';
import type { WebSocket, WebSocketServer } from 'ws';
import { fromSystem } from '../../errors/error.js';
import { requireHere } from '../../here.js';
import { warnUnknownInside } from './ws-inside.js';

/** Whose WebSocket it is. */
export interface SocketOwner {
  /** Called before the close frame goes out, also where it answers that of the peer. */
  beforeClose(): void;
}

/** A WebSocket that knows whose it is. */
export interface LinkedWebSocket extends WebSocket {
  owner: SocketOwner | undefined;
}

/** What is used of it. */
export interface WsPackage {
  readonly WebSocketServer: typeof WebSocketServer;
  readonly LinkedWebSocket: new (...args: ConstructorParameters<typeof WebSocket>) => LinkedWebSocket;
}

/** Switches that it looks at once, when it is loaded. */
const SWITCHES = ['WS_NO_BUFFER_UTIL', 'WS_NO_UTF_8_VALIDATE'];

let loading: Promise<WsPackage> | undefined;

/** The package; the same promise for all, unless it was rejected: there may be descriptors again. */
export function loadWs(): Promise<WsPackage> {
  return (loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw fromSystem(error, { during: 'load', what: 'the package ws' });
  }));
}

async function load(): Promise<WsPackage> {
  const before = SWITCHES.map((name) => process.env[name]);
  for (const name of SWITCHES) process.env[name] = '1';
  try {
    const ws = await installed();
    warnUnknownInside(ws);
    return { WebSocketServer: ws.WebSocketServer, LinkedWebSocket: linked(ws.WebSocket) };
  } finally {
    // They are the program's.
    for (const [index, name] of SWITCHES.entries()) {
      if (before[index] === undefined) delete process.env[name];
      else process.env[name] = before[index];
    }
  }
}

async function installed(): Promise<typeof import('ws')> {
  if (process.versions.bun !== undefined) {
    // Bun gives what is its own to whoever asks for it by name: another program, whose sockets cannot be had.
    const folder = dirname(requireHere.resolve('ws/package.json'));
    return requireHere(join(folder, 'index.js')) as typeof import('ws');
  }
  // Node tries no import again that failed once.
  return import('ws').catch(() => requireHere('ws') as typeof import('ws'));
}

function linked(Base: typeof WebSocket): WsPackage['LinkedWebSocket'] {
  return class extends Base {
    owner: SocketOwner | undefined;

    override close(code?: number, reason?: string | Buffer): void {
      this.owner?.beforeClose();
      super.close(code, reason);
    }
  };
}
