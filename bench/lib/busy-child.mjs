/** A server whose listener takes its time, with a timer beside it, or a client that gives it much to do, or a stream. */
import { setTimeout } from 'node:timers/promises';

import { connect, listen } from '../../dist/index.js';
import { backendOptions, checkBackend, serveParent, usage } from './child.mjs';

const SIZE = 64;
const INTERVAL = 1;

let finished;

function burn(us) {
  for (const end = performance.now() + us / 1000; performance.now() < end;);
}

/** How late a timer is, ms, each time while it runs; `take` gives them, least first. */
function lateness() {
  const late = [];
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    late.push(Math.max(0, now - last - INTERVAL));
    last = now;
  };
  const timer = setInterval(look, INTERVAL);
  const take = () => {
    clearInterval(timer);
    look();
    return late.toSorted((a, b) => a - b);
  };
  return { take };
}

serveParent({
  async listen({ backend, batching, us, messages = Infinity }) {
    const server = await listen('tcp://127.0.0.1:0', { ...backendOptions(backend), batching });
    checkBackend(backend, server);
    finished = new Promise((resolve) => {
      let [count, began, timer] = [0, 0, undefined];
      server.on('message', () => {
        if (count === 0) [began, timer] = [performance.now(), lateness()];
        burn(us);
        count += 1;
        if (count < messages) return;
        const seconds = (performance.now() - began) / 1000;
        const late = timer.take();
        const at = (part) => late[Math.min(late.length - 1, Math.floor(late.length * part))];
        resolve({ perSecond: count / seconds, p50: at(0.5), p99: at(0.99), max: at(1) });
      });
    });
    return server.addresses[0];
  },

  async flood({ backend, address, messages }) {
    const client = await connect(address, { ...backendOptions(backend), reconnect: false });
    checkBackend(backend, client);
    const message = Buffer.alloc(SIZE);
    for (let count = 0; count < messages; count += 1)
      if (client.send(message) === 'backpressure') await client.drained();
    await client.flushed();
  },

  async stream({ backend, address, batching, seconds, warmup }) {
    const client = await connect(address, { ...backendOptions(backend), batching, reconnect: false });
    checkBackend(backend, client);
    const message = Buffer.alloc(SIZE);
    let [count, isOver] = [0, false];
    const tick = () => {
      if (isOver) return;
      client.send(message);
      count += 1;
      setImmediate(tick);
    };
    tick();
    await setTimeout(warmup * 1000);
    const [before, sent, began] = [usage(), count, performance.now()];
    await setTimeout(seconds * 1000);
    const [messages, took] = [count - sent, performance.now() - began];
    isOver = true;
    return { cpu: (usage().cpuUs - before.cpuUs) / messages, rate: (messages / took) * 1000 };
  },

  result: () => finished,
});
