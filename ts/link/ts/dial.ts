/** An outgoing connection: connecting, time limit and abort. */
import { onAbort } from '../../abort.js';
import { connect, type NetConnectOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import { aborted, fromSystem, type QWormholeError } from '../../errors/error.js';
import type { DialSpec } from '../link.js';
import { connectTimeout } from '../fault.js';
import { isPath, placeText } from '../place.js';

/** Resolves with a connected socket that nobody reads yet. Rejects with a `QWormholeError`. */
export function dial(spec: DialSpec, signal?: AbortSignal): Promise<Socket> {
  if (signal?.aborted) return Promise.reject(aborted(signal));
  return new Promise((resolve, reject) => {
    const what = placeText(spec);
    const socket = connect(wayTo(spec));
    // Else node reads as soon as the connection stands.
    socket.pause();
    const timeoutMs = spec.connectTimeoutMs;
    const timer = setTimeout(() => fail(connectTimeout(what, timeoutMs)), timeoutMs);

    function fail(error: QWormholeError): void {
      settle();
      // The loser of a race between failures must not go unheard.
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    }
    function settle(): void {
      clearTimeout(timer);
      stopListening?.();
      socket.off('connect', onConnect).off('error', onError);
    }
    function onError(error: Error): void {
      fail(fromSystem(error, { during: 'connect', what }));
    }
    function onConnect(): void {
      settle();
      resolve(socket);
    }
    const stopListening = signal && onAbort(signal, () => fail(aborted(signal)));
    socket.on('connect', onConnect).on('error', onError);
  });
}

/** By the network, or to a path. */
function wayTo(spec: DialSpec): NetConnectOpts {
  return isPath(spec.host) ? { path: spec.host, allowHalfOpen: true } : optionsOf(spec);
}

/** The options of a socket to be. */
export function optionsOf(spec: DialSpec): TcpNetConnectOpts {
  const { host, address = host, port, localAddress, localPort, socket } = spec;
  return {
    host: address,
    port,
    localAddress,
    localPort,
    allowHalfOpen: true,
    noDelay: socket.noDelay,
    keepAlive: socket.keepAliveMs > 0,
    keepAliveInitialDelay: socket.keepAliveMs,
  };
}

/** When every address of a name failed, which an agent may have resolved, node packs the errors together: the last one is told. */
export function lastOf(error: Error): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors.at(-1) : error;
}
