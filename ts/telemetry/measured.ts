/** The methods of a connection that is measured. */
import type { ClassIndex, SendResult, SharedMessage } from '../link/link.js';
import type { SharedManner } from '../policy/overflow.js';
import type { Outbound } from './latencies.js';
import type { Profile } from './profile.js';

/** The methods through which every message goes, bound to their connection. */
export interface MessageMethods<M> {
  onMessage(payload: Buffer, isText: boolean): void;
  deliver(message: M): void;
  accept(size: number, result: 'sent' | 'backpressure'): SendResult;
  sendPayload(payload: string | Uint8Array, cls: ClassIndex, isText: boolean, key?: string): SendResult;
  sendSharedMessage(message: SharedMessage, cls: ClassIndex, manner: SharedManner): SendResult;
}

/** The same methods, which measure. */
export function measured<M>(
  methods: MessageMethods<M>,
  { latencies, sample }: Profile,
  outbound: Outbound,
): MessageMethods<M> {
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
