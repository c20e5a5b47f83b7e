/** What the text of an event says. */
import type { SystemContext } from '../../errors/error.js';
import type { Carrier, LinkInfo } from '../link.js';
import { faultOfText } from './faults.js';
import type { Closed } from './link.js';

/** Of lines: addresses and ports of both ends, subprotocol, whether messages are compressed. */
export function infoOf(text: string, carrier: Carrier): LinkInfo {
  const [remoteAddress, remotePort, localAddress, localPort, subprotocol, isDeflated] = text.split('\n');
  const ends = { remoteAddress, remotePort: Number(remotePort), localAddress, localPort: Number(localPort) };
  if (carrier === 'tcp') return { carrier, ...ends };
  return { carrier, ...ends, subprotocol, isDeflated: isDeflated === '1' };
}

/** @param code The peer's close code, 0 if it sent no close frame: then the text is an error. */
export function closedOf(
  clean: boolean,
  code: number,
  text: string | undefined,
  doing: SystemContext,
): Closed {
  if (code !== 0) return { clean, error: undefined, farewell: { code, reason: text ?? '' } };
  const error = text === undefined ? undefined : faultOfText(text, doing);
  return { clean, error, farewell: undefined };
}
