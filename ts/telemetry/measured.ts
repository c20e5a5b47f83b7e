/** The methods of a connection that is measured. */
import type { ClassIndex, SendResult, SharedMessage } from '../link/link.js';
import type { SharedManner } from '../policy/overflow.js';
import type { Outbound } from './latencies.js';
import type { Profile } from './profile.js';

/** The methods of a connection through which every message goes. */
export interface MessageMethods<M> {
  onMessage(payload: Buffer, isText: boolean): void;
  deliver(message: M): void;
  accept(size: number, result: 'sent' | 'backpressure'): SendResult;
  sendPayload(payload: string | Uint8Array, cls: ClassIndex, isText: boolean, key?: string): SendResult;
  sendSharedMessage(message: SharedMessage, cls: ClassIndex, manner: SharedManner): SendResult;
}

/** The same methods, which measure. */
export function measured<M>(
  connection: MessageMethods<M>,
  { latencies, sample }: Profile,
  outbound: Outbound,
): MessageMethods<M> {
  const methods = bound(connection);
  return {
    onMessage(payload, isText) {
      latencies.arrived();
      sample.take(payload);
      methods.onMessage(payload, isText);
    },
    deliver(message) {
      latencies.delivering();
      methods.deliver(message);
    },
    accept(size, result) {
      const answer = methods.accept(size, result);
      latencies.accepted(outbound);
      return answer;
    },
    sendPayload(payload, cls, isText, key) {
      sample.take(payload);
      return methods.sendPayload(payload, cls, isText, key);
    },
    sendSharedMessage(message, cls, manner) {
      sample.take(message.payload);
      return methods.sendSharedMessage(message, cls, manner);
    },
  };
}

/** As they are now: the connection gets others. */
function bound<M>(connection: MessageMethods<M>): MessageMethods<M> {
  return {
    onMessage: connection.onMessage.bind(connection),
    deliver: connection.deliver.bind(connection),
    accept: connection.accept.bind(connection),
    sendPayload: connection.sendPayload.bind(connection),
    sendSharedMessage: connection.sendSharedMessage.bind(connection),
  };
}
