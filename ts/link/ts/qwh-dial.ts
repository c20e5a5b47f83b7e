/** A client's handshake of QWH/1, within what is left of the time to connect. */
import { onAbort } from '../../abort.js';
import { aborted, type QWormholeError } from '../../errors/error.js';
import { connectTimeout } from '../fault.js';
import { carrierOf } from '../carriers.js';
import type { DialSpec } from '../link.js';
import { placeText } from '../place.js';
import type { QwhSettings } from '../qwh.js';
import type { RecordCarrier } from './qwh-carrier.js';
import { QwhLink } from './qwh-link.js';
import { QwhOpening } from './qwh-opening.js';

/** A call that is under way. */
interface Attempt {
  readonly startedAt: number;
  readonly signal: AbortSignal | undefined;
}

/** Resolves with a link on which both ends are ready. Rejects with a `QWormholeError`. */
export function dialQwh(
  carrier: RecordCarrier,
  spec: DialSpec,
  settings: QwhSettings,
  { startedAt, signal }: Attempt,
): Promise<QwhLink> {
  const { connectTimeoutMs } = spec;
  const leftMs = Math.max(1, connectTimeoutMs - (performance.now() - startedAt));
  const kind = carrierOf(spec);
  return new Promise((resolve, reject) => {
    const late = connectTimeout(placeText(spec), connectTimeoutMs);
    const timer = setTimeout(() => opening.timeOut(late), leftMs);
    const settle = (): void => {
      clearTimeout(timer);
      stopListening?.();
    };
    const opening = new QwhOpening(
      carrier,
      settings,
      { side: 'initiator', kind },
      {
        onHeard: () => spec.onAnswer?.(),
        onOpened: (opened) => {
          settle();
          const link = new QwhLink(opened, kind, spec.limits, settings);
          resolve(link);
          // The caller sets its handler when this promise resolves: well before the next turn of the loop.
          setImmediate(() => link.start());
        },
        onFailed: (error: QWormholeError) => {
          settle();
          reject(error);
        },
      },
    );
    const stopListening = signal && onAbort(signal, () => opening.cut(aborted(signal)));
    if (signal?.aborted) opening.cut(aborted(signal));
    else opening.start();
  });
}
