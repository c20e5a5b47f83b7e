/** The methods of a connection that is measured. */
import type { SendResult } from '../link/link.js';
import type { Latencies, Outbound } from './latencies.js';

/** The methods through which every message goes, bound to their connection. */
export interface MessageMethods<M> {
  onMessage(payload: Buffer, isText: boolean): void;
  deliver(message: M): void;
  accept(size: number, result: 'sent' | 'backpressure'): SendResult;
}

/** The same methods, which measure. */
export function measured<M>(
  methods: MessageMethods<M>,
  latencies: Latencies,
  outbound: Outbound,
): MessageMethods<M> {
  return {
    onMessage(payload, isText) {
      latencies.arrived();
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
  };
}
