/** The tables of docs/api.md have what the code has: members, events, reasons, counters, exports. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  connect,
  Connection,
  createQWormholeClient,
  createQWormholeServer,
  listen,
  QWormholeClient,
  QWormholeServer,
} from 'qwormhole';
import * as api from 'qwormhole';
import * as native from 'qwormhole/native';
import { describe, expect, it } from 'vitest';
import { root } from './snippets.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const API = read('docs/api.md');
const TELEMETRY = read('docs/telemetry.md');
const BACKENDS = read('docs/backends.md');

/** A part of a page: from a heading to the next of its rank. */
function section(page: string, heading: string): string {
  const from = page.indexOf(`\n${heading}\n`);
  expect(from, heading).toBeGreaterThan(-1);
  const rank = heading.split(' ')[0];
  const to = page.indexOf(`\n${rank} `, from + heading.length);
  return page.slice(from, to === -1 ? undefined : to);
}

/** Names in code font in the first column of a part's tables, without arguments. */
function namesIn(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`[^|]*?) +\|/gm)].map(([, cell]) => cell);
  const names = cells.flatMap((cell) => [...cell.matchAll(/`(?:new )?(?:\w+\.)?([\w$.-]+)[^`]*`/g)]);
  // A loop over something is no member of it.
  return names.map(([, name]) => name).filter((name) => name !== 'for');
}

/** What an interface in a source declares. */
function declaredIn(path: string, name: string): string[] {
  const [, body] = new RegExp(`interface ${name}\\b[^{]*\\{([^]*?)^\\}`, 'm').exec(read(path))!;
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)].map(([, member]) => member);
}

/** What a prototype has for others, inherited from ours but not from Node's emitter. */
function membersOf(type: { prototype: object }): string[] {
  const names = new Set<string>();
  for (let at = type.prototype; !Object.hasOwn(at, 'emit'); at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  return [...names].filter((name) => name !== 'constructor' && !name.startsWith('_'));
}

const both = namesIn(section(API, '## Connections: what both ends share'));
const ofServer = namesIn(section(API, '## Server'));
const ofClient = namesIn(section(API, '## Client'));

describe('events', () => {
  it.each([
    ['a connection', 'ts/connection-events.ts', 'ConnectionEvents', both],
    ['a server', 'ts/server-like.ts', 'ServerEvents', ofServer],
    ['a client', 'ts/client.ts', 'ClientEvents', ofClient],
  ])('of %s', (_who, path, name, told) => {
    const events = declaredIn(path, name);
    expect(events.length).toBeGreaterThan(4);
    expect(events.filter((event) => !told.includes(event))).toEqual([]);
  });
});

describe('members', () => {
  it('of a server', () => {
    const members = declaredIn('ts/server-like.ts', 'QWormholeServerLike');
    expect(members.length).toBeGreaterThan(15);
    expect(members.filter((member) => !ofServer.includes(member))).toEqual([]);
    // And the other way round: nothing is told that is not there.
    const { server } = createQWormholeServer({ endpoints: [] });
    const events = declaredIn('ts/server-like.ts', 'ServerEvents');
    const tables = section(API, '## Server');
    const methods = namesIn(tables.slice(0, tables.indexOf('| Event')));
    expect(methods.filter((name) => !(name in server) && !events.includes(name))).toEqual([]);
  });

  it('of a client, and so of every connection', () => {
    const { client } = createQWormholeClient({ endpoints: 'tcp://127.0.0.1:1' });
    const told = new Set([...both, ...ofClient]);
    const own = new Set([...membersOf(Connection), ...membersOf(QWormholeClient)]);
    // For the classes among themselves.
    const inner = declaredInner('ts/connection.ts', 'ts/client.ts', 'ts/linked.ts', 'ts/reception.ts');
    expect([...own].filter((name) => !told.has(name) && !inner.has(name))).toEqual([]);
    const tables = section(API, '## Connections: what both ends share');
    const promised = namesIn(tables.slice(0, tables.indexOf('| Event')));
    expect(promised.filter((name) => !(name in client))).toEqual([]);
  });
});

/** Members that are marked as internal or protected in these sources. */
function declaredInner(...paths: string[]): Set<string> {
  return new Set(
    paths.flatMap((path) =>
      [
        ...read(path).matchAll(
          /(?:@internal[^]*?\*\/\s*|\bprotected (?:abstract |override )*)(?:get |async )?(\w+)/g,
        ),
      ].map(([, name]) => name),
    ),
  );
}

it('reasons of drops', () => {
  const [, union] = /export type DropReason =([^;]+);/.exec(read('ts/link/link.ts'))!;
  const reasons = [...union.matchAll(/'([\w-]+)'/g)].map(([, reason]) => reason);
  expect(namesIn(section(API, '### Backpressure and drops')).toSorted()).toEqual(
    expect.arrayContaining(reasons.toSorted()),
  );
});

it('counters', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  const client = await connect(server.addresses[0]);
  const told = section(API, '## Counters');
  const counters = new Set([...Object.keys(server.stats()), ...Object.keys(client.stats())]);
  await Promise.all([client.close(), server.close()]);
  expect([...counters].filter((name) => !told.includes(`\`${name}\``))).toEqual([]);
  for (const name of namesIn(told)) expect([name, counters.has(name)]).toEqual([name, true]);
});

it('exports', () => {
  const pages = [API, BACKENDS, TELEMETRY, read('docs/errors.md')].join('\n');
  const names = [...Object.keys(api), ...Object.keys(native)];
  expect(names.filter((name) => !pages.includes(name))).toEqual([]);
  expect(names).toContain(QWormholeServer.name);
});
