/** Links that wait because the environment holds too much: who goes on when, and who is cut. */
import { environmentBudget, LinkMemory, type Starved } from 'qwormhole/internal';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const BUDGET = 1000;
let memory: LinkMemory;

beforeEach(() => {
  vi.useFakeTimers();
  memory = new LinkMemory();
  memory.acquire();
});
afterEach(() => {
  memory.release();
  vi.useRealTimers();
});

function starved(held: number): Starved & { went: string[] } {
  const went: string[] = [];
  return { held, went, onMemory: () => void went.push('on'), onStuck: () => void went.push('cut') };
}

it('counts what it holds towards the budget of the environment', () => {
  const before = environmentBudget.used();
  memory.inbound = 30;
  memory.outbound = 12;
  expect(environmentBudget.used() - before).toBe(42);
  expect(memory.isFull(42)).toBe(true);
  expect(memory.isFull(43)).toBe(false);
});

it('lets them go on in the order of asking, once there is room', () => {
  memory.inbound = BUDGET;
  const links = [starved(1), starved(2), starved(3)];
  for (const link of links) memory.wait(link, BUDGET);
  vi.advanceTimersByTime(100);
  expect(links.map(({ went }) => went)).toEqual([[], [], []]);
  memory.inbound = BUDGET - 1;
  links[0].onMemory = () => (links[0].went.push('on'), void (memory.inbound = BUDGET));
  vi.advanceTimersByTime(30);
  expect(links.map(({ went }) => went)).toEqual([['on'], [], []]);
  memory.inbound = 0;
  vi.advanceTimersByTime(30);
  expect(links.map(({ went }) => went)).toEqual([['on'], ['on'], ['on']]);
  expect(vi.getTimerCount()).toBe(0);
});

it('cuts who holds the most when nothing is freed for long', () => {
  memory.inbound = BUDGET;
  const links = [starved(1), starved(700), starved(3)];
  for (const link of links) memory.wait(link, BUDGET);
  vi.advanceTimersByTime(4900);
  expect(links[1].went).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(links.map(({ went }) => went)).toEqual([[], ['cut'], []]);
});

it('cuts nobody as long as something is freed', () => {
  memory.inbound = 10 * BUDGET;
  const link = starved(700);
  memory.wait(link, BUDGET);
  for (let i = 0; i < 20; i += 1) {
    vi.advanceTimersByTime(1000);
    memory.inbound -= 1;
  }
  expect(link.went).toEqual([]);
  memory.forget(link);
  expect(vi.getTimerCount()).toBe(0);
});
