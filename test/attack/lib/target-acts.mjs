/** What the program that is attacked does itself during an attack. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Linux: the most memory that the process has had, bytes. */
const peakOf = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;

const turn = () => new Promise(setImmediate);
/** The connection with the peer at a port, which may have come to this program only by a moment later; a client has one. */
async function connectionAt({ accounts, entity }, port) {
  for (;;) {
    const found = accounts.find((account) => account.port === port || account.peer === entity);
    // The attacker has let a client in before the client knows: until then an end would be that of an attempt.
    if (found !== undefined && found.peer.state !== 'connecting') return found.peer;
    await turn();
  }
}

/** Publications between which the sockets have their turn. */
const PUBLISHED_A_TURN = 20;

const openOnes = ({ accounts }) =>
  accounts.filter(({ peer }) => peer.state === 'open').map(({ peer }) => peer);

export const ACTS = {
  /** Sends to the peer at a port without asking whether it takes any; what was answered, and what was held. */
  async pour(subject, port, { bytes, size }) {
    const peer = await connectionAt(subject, port);
    const message = Buffer.alloc(size, 'p');
    const told = { sent: 0, backpressure: 0, dropped: 0, mostBuffered: 0, firstBackpressure: 0, mostRss: 0 };
    for (let offered = 0; offered < bytes; offered += size) {
      const result = peer.send(message);
      told[result] += 1;
      told.mostBuffered = Math.max(told.mostBuffered, peer.bufferedAmount);
      if (result === 'backpressure') told.firstBackpressure ||= peer.bufferedAmount;
      if (offered % (16 * size) !== 0) continue;
      told.mostRss = Math.max(told.mostRss, process.memoryUsage.rss());
      await turn();
    }
    return told;
  },

  /** Lets go whoever waits for a verdict. */
  settle({ settle }) {
    settle();
  },

  /** Settles twice. */
  settleTwice({ settle }) {
    settle();
    settle();
  },

  /** To all that are subscribed; what was taken for them and what was not. */
  async publish({ entity }, topic, { count, size }) {
    const message = Buffer.alloc(size, 't');
    const told = { accepted: 0, dropped: 0 };
    for (let index = 0; index < count; index += 1) {
      const { accepted, dropped } = entity.publish(topic, message);
      told.accepted += accepted;
      told.dropped += dropped;
      if (index % PUBLISHED_A_TURN === 0) await turn();
    }
    return told;
  },

  /** Those with peers at these ports. */
  async subscribe(subject, topic, ports) {
    for (const port of ports) (await connectionAt(subject, port)).subscribe(topic);
  },

  send(subject, text) {
    for (const peer of openOnes(subject)) peer.send(text);
  },

  async closeAt(subject, port) {
    void (await connectionAt(subject, port)).close();
  },

  /** Its thread does nothing else for a while. */
  block(_subject, ms) {
    const until = performance.now() + ms;
    while (performance.now() < until);
  },

  /** Memory is watched from here on. */
  resetPeak({ acts }) {
    if (process.platform !== 'linux') return;
    globalThis.gc();
    writeFileSync('/proc/self/clear_refs', '5');
    acts.before = peakOf();
  },

  peak({ acts }) {
    return { before: acts.before, peak: peakOf() };
  },

  /** How much of the processor the process takes in so many ms. */
  async idle(_subject, ms) {
    const before = process.cpuUsage();
    const since = performance.now();
    await new Promise((resolve) => setTimeout(resolve, ms));
    const { user, system } = process.cpuUsage(before);
    return { ms: performance.now() - since, cpuMs: (user + system) / 1000 };
  },

  /** Ends the process, with all that is open. */
  exit(_subject, how) {
    if (how === 'exit') process.exit(7);
    process.removeAllListeners('uncaughtException');
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
  },

  metrics({ entity }) {
    return entity.metrics({ name: 'attacked' });
  },
};
