/** The native backend by name: for programs that want it and nothing else, and for those that look. */
import { QWormholeClient } from './client.js';
import type { CodecOption } from './codec/codec.js';
import { QWormholeError } from './errors/error.js';
import { chooseDriver, type Choice, type Role } from './link/choose.js';
import type { NativeClientBinding, NativeServerBinding } from './link/native/binding.js';
import { loadNative } from './link/native/loader.js';
import { resolveClientOptions, resolveServerOptions } from './options/resolve.js';
import { assertSupported } from './options/support.js';
import type { ClientOptions, ServerOptions } from './options/types.js';
import { QWormholeServer } from './server.js';
import type { QWormholeServerLike } from './server-like.js';
import { ClientTls } from './tls/client-tls.js';
import { ServerTls } from './tls/server-tls.js';

export type { NativeClientBinding, NativeServerBinding } from './link/native/binding.js';
export type { QWormholeServerLike } from './server-like.js';

/** The name of the native backend. */
export const NativeBackend = 'rust';
/** The name of the native backend. */
export type NativeBackend = typeof NativeBackend;

/** The addon's part for servers, or `null` where it does not load. Obeys no switch: who asks, gets. */
export function loadNativeServer(): NativeServerBinding | null {
  return loadNative().binding ?? null;
}

/** The addon's part for clients, or `null` where it does not load. Obeys no switch: who asks, gets. */
export function loadNativeClient(): NativeClientBinding | null {
  return loadNative().binding ?? null;
}

/** A server on the native backend. @throws QWormholeError `ERR_QW_NATIVE_UNAVAILABLE` where it does not load. */
export class NativeQWormholeServer<C extends CodecOption = 'buffer'>
  extends QWormholeServer<C>
  implements QWormholeServerLike<C>
{
  constructor(options: ServerOptions<C>) {
    const settings = resolveServerOptions({ ...options, preferNative: true });
    const tls = ServerTls.of(settings);
    super(settings, nativeOnly('server', settings), tls);
  }
}

/** A client on the native backend. @throws QWormholeError `ERR_QW_NATIVE_UNAVAILABLE` where it does not load. */
export class NativeQWormholeClient<C extends CodecOption = 'buffer'> extends QWormholeClient<C> {
  constructor(options: ClientOptions<C>) {
    const settings = resolveClientOptions({ ...options, preferNative: true });
    const tls = ClientTls.of(settings);
    super(settings, nativeOnly('client', settings), tls);
  }
}

function nativeOnly(role: Role, settings: Parameters<typeof assertSupported>[0]): Choice {
  const choice = chooseDriver(role, settings, 'force');
  if (choice.mode === 'ts') {
    choice.driver.release();
    throw new QWormholeError('ERR_QW_NATIVE_UNAVAILABLE', 'The native backend is switched off here');
  }
  try {
    assertSupported(settings, choice.mode);
  } catch (error) {
    choice.driver.release();
    throw error;
  }
  return choice;
}
