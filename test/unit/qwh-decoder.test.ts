/** What the decoder of QWH/1 holds, how long it is patient, and what it answers. */
import { CloseCode } from 'qwormhole';
import { qwh } from 'qwormhole/internal';
import { expect, it } from 'vitest';

function decoder(now: () => number = () => 0): qwh.Decoder<Uint8Array> {
  const limits = { maxMessage: 100_000, maxFragments: 10, controlBurst: 2, controlPerSecond: 1 };
  return new qwh.Decoder({ carrier: 'stream', limits, recordRest: 0, view: Uint8Array, now });
}

/** A record of one PING. */
const PING = Buffer.from('0010 04 00 0008 00000000 0000000000000001'.replaceAll(' ', ''), 'hex');
/** A message of 100,000 bytes announced, one of them sent. */
const BEGUN = Buffer.from('000d 11 02 0005 00000000 000186a0 78'.replaceAll(' ', ''), 'hex');

it('holds what came of a message, not what was announced', () => {
  const one = decoder();
  one.push(BEGUN);
  expect(one.next()).toBeUndefined();
  expect([one.held, one.isUnfinished]).toEqual([1, true]);
  one.discard();
  expect(one.held).toBe(0);
});

it('is unfinished inside of a record, and of its length', () => {
  for (let end = 1; end < PING.length; end += 1) {
    const one = decoder();
    one.push(PING.subarray(0, end));
    expect(one.next()).toBeUndefined();
    expect(one.isUnfinished, String(end)).toBe(true);
  }
  const one = decoder();
  one.push(PING);
  expect(one.next()).toBeUndefined();
  expect([one.isUnfinished, one.held]).toEqual([false, 0]);
});

it('allows control frames at once, and then so many a second', () => {
  let now = 5000;
  const one = decoder(() => now);
  const ping = () => {
    one.push(PING);
    one.next();
    return one.fault?.code;
  };
  expect([ping(), ping()]).toEqual([undefined, undefined]);
  now += 1000;
  expect(ping()).toBeUndefined();
  now += 999;
  expect(ping()).toBe(CloseCode.rate_limited);
  expect(one.takeReplies()?.length).toBe(2 + 3 * 16);
  expect(one.takeReplies()).toBeUndefined();
});

it('makes views of a chunk, wherever it lies in its memory', () => {
  const record = Buffer.from('000b 11 00 0003 00000000 616263'.replaceAll(' ', ''), 'hex');
  const memory = Buffer.concat([Buffer.alloc(5), record]);
  const one = decoder();
  one.push(memory.subarray(5));
  const message = one.next();
  expect(Buffer.from(message!).toString()).toBe('abc');
  expect(message!.buffer).toBe(memory.buffer);
});

it('keeps nothing of messages that nobody wants, and sees the last frame behind them', () => {
  const goaway = Buffer.from('0012 03 00 000a 00000000 0000 00000000 00000000'.replaceAll(' ', ''), 'hex');
  const rest = Buffer.from('000b 14 00 0003 00000000 616263'.replaceAll(' ', ''), 'hex');
  const begun = Buffer.from(BEGUN);
  begun.writeUInt32BE(4, 10);
  const one = decoder();
  one.isVoid = true;
  for (const bytes of [begun, rest, goaway]) {
    one.push(bytes);
    expect(one.next()).toBeUndefined();
  }
  expect([one.fault, one.goaway?.code]).toEqual([undefined, 0]);
});
