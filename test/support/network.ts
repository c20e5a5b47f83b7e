/**
 * Two hosts and the wire between them: network namespaces of Linux, which need root. What is lost on the wire neither
 * end hears of.
 */
import { execFileSync } from 'node:child_process';
import { cleanUp } from './scene.js';

/** To the server, or to the client. */
export type Way = 'up' | 'down';

interface Host {
  readonly namespace: string;
  readonly address: string;
  readonly mac: string;
}

const NOBODY = '02:00:00:00:00:09';
const DEVICE = 'veth0';

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Why there can be no networks, if that is so. */
export function whyNoNetworks(): string | undefined {
  const namespace = `qw${process.pid}`;
  try {
    ip('netns', 'add', namespace);
    ip('netns', 'del', namespace);
    return undefined;
  } catch (error) {
    return `network namespaces are not to be had: ${(error as Error).message.split('\n')[0]}`;
  }
}

export class Network {
  readonly client: Host = host('c', '10.77.0.2', '02:00:00:00:00:02');
  readonly server: Host = host('s', '10.77.0.1', '02:00:00:00:00:01');

  /** It is gone at the end of the test. */
  constructor() {
    const { client, server } = this;
    cleanUp(() => {
      for (const { namespace } of [client, server]) ip('netns', 'del', namespace);
    });
    for (const { namespace } of [client, server]) ip('netns', 'add', namespace);
    const there = ['peer', 'name', DEVICE, 'address', server.mac, 'netns', server.namespace];
    ip('-n', client.namespace, 'link', 'add', DEVICE, 'address', client.mac, 'type', 'veth', ...there);
    for (const { namespace, address } of [client, server]) {
      ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', DEVICE);
      ip('-n', namespace, 'link', 'set', DEVICE, 'up');
    }
    this.heal();
  }

  /** Loses what goes that way: it is sent to a station that is not there. */
  cut(way: Way): void {
    const [from, to] = this.#ends(way);
    neighbour(from, to.address, NOBODY);
  }

  heal(): void {
    for (const way of ['up', 'down'] as const) {
      const [from, to] = this.#ends(way);
      neighbour(from, to.address, to.mac);
    }
  }

  /** What runs a command on a host. */
  on({ namespace }: Host): string[] {
    return ['ip', 'netns', 'exec', namespace];
  }

  #ends(way: Way): [Host, Host] {
    return way === 'up' ? [this.client, this.server] : [this.server, this.client];
  }
}

function host(name: string, address: string, mac: string): Host {
  return { namespace: `qw${process.pid}${name}`, address, mac };
}

function neighbour({ namespace }: Host, address: string, mac: string): void {
  ip('-n', namespace, 'neigh', 'replace', address, 'lladdr', mac, 'dev', DEVICE, 'nud', 'permanent');
}
