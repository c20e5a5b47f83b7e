/** Handshakes of QWH/1 on the I/O side that wait for their verdict, and what is known of those that were accepted. */
import { CloseCode } from '../../close-codes.js';
import { QWormholeError } from '../../errors/error.js';
import { negotiate, parseHello, type Peer } from '../../qwh/index.js';
import type { Carrier, LinkInfo } from '../link.js';
import type { HandshakeInfo, QwhArrival, QwhRefusal, QwhSettings, QwhVerdict } from '../qwh.js';
import { infoOf } from './events.js';
import { type LinkName, Operation, type Outbox } from './outbox.js';

/** One that is under way, or has been accepted and is not open yet. */
interface Meeting {
  readonly generation: number;
  /** Whose it is, by number; 0 for a call. */
  readonly listener: number;
  readonly abort: AbortController;
  verdict: QwhVerdict | undefined;
}

/** How a peer is met. */
export interface Reception {
  readonly settings: QwhSettings;
  readonly carrier: Carrier;
  /** The number of the listener that it has called; 0: we have called it. */
  readonly listener: number;
  /** It is not wanted. */
  onRefused?(refusal: QwhRefusal): void;
}

export class Meetings {
  readonly #bySlot = new Map<number, Meeting>();
  readonly #outbox: Outbox;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** A peer has said who it is. */
  async meet(name: LinkName, text: string, { settings, carrier, ...rest }: Reception): Promise<void> {
    const { slot, generation } = name;
    const { listener } = rest;
    const abort = new AbortController();
    const meeting: Meeting = { generation, listener, abort, verdict: undefined };
    this.#bySlot.set(slot, meeting);
    const arrival = arrivalOf(text, { settings, carrier, ...rest }, abort.signal);
    const verdict = await settings.judge(arrival);
    if (abort.signal.aborted || this.#bySlot.get(slot) !== meeting) return;
    meeting.verdict = verdict;
    if ('info' in verdict) this.#outbox.operation(Operation.allow, name);
    else {
      rest.onRefused?.(verdict);
      this.#refuse(name, verdict);
    }
  }

  /** The listener is closed: those who wait for their verdict hear `refusal` instead, each another one. */
  dismiss(listener: number, refusal: () => QwhRefusal): void {
    for (const [slot, { generation, verdict, abort, ...meeting }] of this.#bySlot) {
      if (meeting.listener !== listener || verdict !== undefined) continue;
      this.#bySlot.delete(slot);
      this.turnAway({ slot, generation }, refusal());
      abort.abort(gone());
    }
  }

  /** A peer comes too late: its listener is closed. */
  turnAway(name: LinkName, refusal: QwhRefusal): void {
    this.#refuse(name, refusal);
  }

  /** Why a peer was refused, if our owner has an error of its own for that. */
  errorOf({ slot, generation }: LinkName): QWormholeError | undefined {
    const meeting = this.#bySlot.get(slot);
    if (meeting?.generation !== generation || meeting.verdict === undefined) return undefined;
    return 'error' in meeting.verdict ? meeting.verdict.error : undefined;
  }

  #refuse(name: LinkName, { code, reason, retryAfterMs }: QwhRefusal): void {
    this.#outbox.wish(Operation.refuse, name, code, `${retryAfterMs}\n${reason}`);
  }

  /** What is known of the peer of a link that opens. */
  take({ slot, generation }: LinkName): HandshakeInfo | undefined {
    const meeting = this.#bySlot.get(slot);
    if (meeting?.generation !== generation) return undefined;
    this.#bySlot.delete(slot);
    return meeting.verdict && 'info' in meeting.verdict ? meeting.verdict.info : undefined;
  }

  /** The peer is gone, or its time is over. */
  end({ slot, generation }: LinkName): void {
    const meeting = this.#bySlot.get(slot);
    if (meeting?.generation !== generation) return;
    this.#bySlot.delete(slot);
    meeting.abort.abort(gone());
  }

  /** The thread broke. */
  endAll(): void {
    for (const { abort } of this.#bySlot.values()) abort.abort(gone());
    this.#bySlot.clear();
  }
}

/** With what the handshake brought, if there was one. */
export function withHandshake(info: LinkInfo, handshake: HandshakeInfo | undefined): LinkInfo {
  return handshake === undefined ? info : { ...info, handshake };
}

/** Of lines that `src/exchange/descriptor.rs` has the order of. */
function arrivalOf(
  text: string,
  { settings, carrier, listener }: Reception,
  signal: AbortSignal,
): QwhArrival {
  const at = text.indexOf('\0');
  const [offered, security, sid, channel, bytes] = text.slice(0, at).split('\n');
  const { remoteAddress, remotePort, tls } = infoOf(text.slice(at + 1), carrier);
  const hello = parseHello(Buffer.from(bytes, 'base64'), listener !== 0);
  const peer: Peer = {
    hello,
    agreement: negotiate(settings.hello, hello),
    offered: Number(offered) as Peer['offered'],
    security: Number(security) as Peer['security'],
    ...(channel !== '' && { channelId: new Uint8Array(Buffer.from(channel, 'base64')) }),
  };
  const from = { carrier, remoteAddress, remotePort, ...(tls && { tls }) };
  return { peer, sid: new Uint8Array(Buffer.from(sid, 'base64')), ...from, signal };
}

function gone(): QWormholeError {
  const message = 'The peer ended the connection during the handshake';
  return new QWormholeError('ERR_QW_CONNECTION_LOST', message, { closeCode: CloseCode.timeout });
}
