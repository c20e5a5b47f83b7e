/** Two ends that talk to each other, whatever they say of themselves and however their bytes are cut. */
import fc from 'fast-check';
import { CloseCode } from 'qwormhole';
import { qwh } from 'qwormhole/internal';
import { expect, it } from 'vitest';
import { holds } from '../support/holds.js';

const EXPORTED = new Uint8Array(32).fill(7);
const ZEROS = new Uint8Array(32);

const versions = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.nat({ max: 3 }))
  .map(([min, more]) => ({ min, max: min + more }));
const caps = fc.nat({ max: 7 }).map(BigInt);
const extensions = fc
  .uniqueArray(fc.integer({ min: 129, max: 134 }), { maxLength: 2 })
  .map((types) => types.sort((a, b) => a - b))
  .map((types) => types.map((type) => ({ type, name: `org.example.${type % 4}`, value: ZEROS })));

/** Most pairs fit: what they differ in is chosen seldom. */
const hello = fc.record({
  versions: fc.oneof(
    { weight: 3, arbitrary: fc.constant({ min: 1, max: 1 }) },
    { weight: 1, arbitrary: versions },
  ),
  offered: caps,
  required: fc.oneof({ weight: 3, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: caps }),
  codec: fc.oneof(
    { weight: 5, arbitrary: fc.constant('json') },
    { weight: 1, arbitrary: fc.constant('cbor') },
  ),
  extensions,
});

const limits = { maxMessage: 1000, streamWindow: 0, connectionWindow: 0, maxStreams: 0, idleMs: 0 };

interface End {
  readonly machine: qwh.Handshake;
  readonly carrier: qwh.Carrier;
  /** What was sent to it and not taken. */
  inbox: Uint8Array[];
  peer?: qwh.Peer;
  isReady?: boolean;
  failure?: qwh.Failure;
}

function end(settings: qwh.HandshakeSettings): End {
  return { machine: new qwh.Handshake(settings), carrier: settings.carrier, inbox: [] };
}

/** Does what the machine of one end asks for; the owner accepts everyone. */
function serve(one: End, other: End): void {
  for (let event = one.machine.nextEvent(); event; event = one.machine.nextEvent()) {
    expect(one.isReady ?? one.failure, 'an event behind the last').toBeUndefined();
    if (event.type === 'send') other.inbox.push(event.bytes);
    else if (event.type === 'ready') one.isReady = true;
    else if (event.type === 'failed') one.failure = event.failure;
    else {
      one.peer = event.peer;
      one.machine.accept();
    }
  }
}

/** Gives an end one message, or so many bytes of its stream. */
function deliver(to: End, from: End, count: number): void {
  const [first, ...rest] = to.inbox;
  if (first === undefined || !to.machine.wantsBytes) return;
  const piece = to.carrier === 'messages' ? first : first.subarray(0, 1 + count);
  const taken = to.machine.receive(piece);
  to.inbox = taken < first.length ? [first.subarray(taken), ...rest] : rest;
  serve(to, from);
}

const settings = fc.record({
  carrier: fc.constantFrom('stream' as const, 'messages' as const),
  exports: fc.tuple(fc.boolean(), fc.boolean()),
  hellos: fc.tuple(hello, hello),
  pieces: fc.infiniteStream(fc.nat({ max: 60 })),
});

it('come to the same end', async () => {
  await holds(
    fc.property(settings, ({ carrier, exports, hellos, pieces }) => {
      const [iHello, rHello] = hellos.map((said) => ({ ...said, limits }));
      const [iExporter, rExporter] = exports.map((has) => (has ? EXPORTED : undefined));
      const initiator = end({ side: 'initiator', carrier, hello: iHello, exporter: iExporter });
      const responder = end({ side: 'responder', carrier, hello: rHello, exporter: rExporter });
      serve(initiator, responder);
      const isMoving = ({ machine, inbox }: End) => machine.wantsBytes && inbox.length > 0;
      while (isMoving(initiator) || isMoving(responder)) {
        deliver(responder, initiator, pieces.next().value);
        deliver(initiator, responder, pieces.next().value);
      }
      expect(initiator.isReady).toBe(responder.isReady);
      if (initiator.isReady) {
        expect(initiator.peer?.agreement).toEqual(responder.peer?.agreement);
        expect(initiator.peer?.hello).toEqual(qwh.parseHello(qwh.encodeHello(rHello, false), false));
        expect(responder.peer?.hello).toEqual(qwh.parseHello(qwh.encodeHello(iHello, true), true));
        const isSecure = exports[0] && exports[1];
        for (const { peer } of [initiator, responder]) {
          expect(peer?.channelId).toEqual(isSecure ? EXPORTED : undefined);
          expect(peer?.offered).toBe(exports[0] ? qwh.Security.outer : qwh.Security.none);
        }
      } else {
        expect(initiator.failure?.code).toBe(responder.failure?.code);
        expect([CloseCode.version, CloseCode.caps, CloseCode.codec]).toContain(initiator.failure?.code);
      }
    }),
    { numRuns: 300 },
  );
});
