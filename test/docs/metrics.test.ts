/** What the dashboard and the alerts ask for is what is exported. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createQWormholeClient, listen, metricsText } from 'qwormhole';
import { expect, it } from 'vitest';
import { useTestCertificates } from '../support/environment.js';
import { root } from './snippets.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const namesIn = (text: string): Set<string> => new Set(text.match(/qwormhole_\w+/g));

/** The text of a server and of clients to which everything has happened that is exported only once it has. */
async function metrics(): Promise<string> {
  useTestCertificates();
  const server = await listen('tls://127.0.0.1:0', { profiling: true });
  const client = await connect(server.addresses[0], { profiling: true });
  const { client: lonely } = createQWormholeClient({ endpoints: 'tcp://127.0.0.1:1', reconnect: false });
  await lonely.connect().catch(() => {});
  try {
    return metricsText([
      { telemetry: server.telemetry() },
      { telemetry: client.telemetry() },
      { telemetry: lonely.telemetry(), labels: { name: 'lonely' } },
    ]);
  } finally {
    await Promise.all([client.close(), server.close()]);
  }
}

const lines = (await metrics()).split('\n').filter((line) => !line.startsWith('#'));

/** A selector finds a line: by its name and those of its labels that are ours. */
function isExported(name: string, labels: string): boolean {
  const ours = [...labels.matchAll(/(\w+)(=~?)"([^"]*)"/g)].filter(([, label]) => label !== 'job');
  return lines.some((line) => {
    if (!line.startsWith(`${name}{`)) return false;
    return ours.every(([, label, operator, value]) => {
      const [, own] = new RegExp(`[{,]${label}="([^"]*)"`).exec(line) ?? [];
      return own !== undefined && (operator === '=' ? own === value : new RegExp(`^(${value})$`).test(own));
    });
  });
}

const selectors = (text: string) => [...text.matchAll(/(qwormhole_\w+)(?:\{([^}]*)\})?/g)];

it('docs/grafana-dashboard.json asks for what is there', () => {
  const { panels, templating } = JSON.parse(read('docs/grafana-dashboard.json'));
  const expressions: string[] = panels.flatMap(({ targets }: any) => targets.map(({ expr }: any) => expr));
  expressions.push(templating.list[1].query.replace(/, \w+\)$/, ')'));
  expect(expressions.length).toBeGreaterThan(20);
  for (const expression of expressions)
    for (const [selector, name, labels = ''] of selectors(expression))
      expect([selector, isExported(name, labels)]).toEqual([selector, true]);
});

it('docs/grafana-dashboard.json sums by labels that are there', () => {
  const known = new Set(['instance', 'le', ...lines.flatMap((line) => line.match(/\w+(?==")/g) ?? [])]);
  for (const [, labels] of read('docs/grafana-dashboard.json').matchAll(/sum by \(([^)]*)\)/g))
    for (const label of labels.split(', ')) expect(known).toContain(label);
});

it('docs/telemetry.md warns of what is there', () => {
  const page = read('docs/telemetry.md');
  const alerts = page.slice(page.indexOf('### Dashboard and alerts'), page.indexOf('## Log records'));
  expect(namesIn(alerts).size).toBeGreaterThan(6);
  for (const [selector, name, labels = ''] of selectors(alerts.replaceAll('\\|', '|')))
    expect([selector, isExported(name, labels)]).toEqual([selector, true]);
});
