/** What the package `ws` finds wrong, as errors of ours. */
import { CloseCode } from '../../close-codes.js';
import { fromSystem, QWormholeError, type SystemContext } from '../../errors/error.js';

/** WebSocket's code for data that are not what they should be inside: text, or what was compressed. */
const BAD_DATA = 1007;

/** The error of an open connection. */
export function faultOfWs(error: Error, context: SystemContext, maxMessage: number): QWormholeError {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' || code === 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH') {
    const message = `A message is larger than the limit of ${maxMessage} bytes`;
    return new QWormholeError('ERR_QW_TOO_BIG', message, { details: { limit: maxMessage } });
  }
  if (code === 'WS_ERR_TOO_MANY_BUFFERED_PARTS') return flood('fragments of a message', error);
  if (code === 'WS_ERR_INVALID_UTF8')
    return new QWormholeError('ERR_QW_INVALID_UTF8', undefined, { cause: error });
  if (code.startsWith('Z_')) {
    const context7 = { cause: error, closeCode: BAD_DATA };
    return new QWormholeError('ERR_QW_PROTOCOL', 'A compressed message does not inflate', context7);
  }
  if (code.startsWith('WS_ERR_')) {
    const message = `The peer broke the rules of WebSocket: ${plain(error)}`;
    return new QWormholeError('ERR_QW_PROTOCOL', message, { cause: error, closeCode: CloseCode.protocol });
  }
  return fromSystem(error, context);
}

/** Too many of something that costs more than its bytes. */
export function flood(what: string, cause?: Error): QWormholeError {
  return new QWormholeError('ERR_QW_FLOOD', `The peer sent too many ${what}`, { cause });
}

/** The error of an opening handshake. */
export function faultOfHandshake(error: Error, context: SystemContext): QWormholeError {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const isHttp = code === undefined || code.startsWith('HPE_');
  if (!isHttp || syscall !== undefined) return fromSystem(error, context);
  return handshakeFault(context.what, plain(error), error);
}

/** The other end answered, but not as a WebSocket server. */
export function handshakeFault(what: string, why: string, cause?: Error): QWormholeError {
  const message = `The opening handshake with ${what} failed: ${why}`;
  return new QWormholeError('ERR_QW_HANDSHAKE', message, { cause, details: { what } });
}

function plain({ message }: Error): string {
  return message.replace('Invalid WebSocket frame: ', '');
}
