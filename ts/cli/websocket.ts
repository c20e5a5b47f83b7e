/** The options of commands that are about WebSocket endpoints. */
import type { Arguments, OptionSpecs } from './arguments.js';
import { quote } from './arguments.js';
import { UsageError } from './usage-error.js';

const SHARED: OptionSpecs = {
  subprotocol: { value: 'name', help: 'a WebSocket subprotocol, best first; may be repeated' },
  deflate: { help: 'compress WebSocket messages where the peer can' },
};

/** For a command that listens. */
export const WEBSOCKET_LISTEN_OPTIONS: OptionSpecs = {
  ...SHARED,
  origin: { value: 'origin', help: "an origin whose pages may connect, or '*' for all; may be repeated" },
};

/** For a command that connects. */
export const WEBSOCKET_CONNECT_OPTIONS: OptionSpecs = {
  ...SHARED,
  header: { value: 'name: value', help: 'a header of the WebSocket handshake; may be repeated' },
};

/** What a server is told. */
export function listenWebSocket(given: Arguments) {
  const origins = given.list('origin');
  return {
    ...shared(given),
    ...(origins.length > 0 && { origins: origins.includes('*') ? ('*' as const) : origins }),
  };
}

/** What a client is told. */
export function connectWebSocket(given: Arguments) {
  const headers: Record<string, string[]> = Object.create(null);
  for (const line of given.list('header')) {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new UsageError(`--header takes 'Name: value'; not ${quote(line)}`);
    (headers[name] ??= []).push(value);
  }
  return { ...shared(given), ...(Object.keys(headers).length > 0 && { headers: { ...headers } }) };
}

function shared(given: Arguments) {
  const subprotocols = given.list('subprotocol');
  return {
    ...(subprotocols.length > 0 && { subprotocols }),
    ...(given.has('deflate') && { deflate: true }),
  };
}
