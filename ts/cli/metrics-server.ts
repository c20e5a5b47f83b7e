/** `--metrics`: the metrics of a server over HTTP, for Prometheus and for `qwormhole top`. */
import { createServer, type Server } from 'node:http';
import { parseEndpoint } from '../endpoint.js';
import { METRICS_CONTENT_TYPE } from '../telemetry/metrics.js';
import type { Arguments, OptionSpecs } from './arguments.js';
import { UsageError } from './usage-error.js';

/** Scrapers are few; a request that takes longer is none of theirs. */
const MAX_CONNECTIONS = 16;
const REQUEST_MS = 5_000;

/** Metrics that are served. */
export interface MetricsServer {
  readonly url: string;
  close(): void;
}

export const METRICS_OPTIONS: OptionSpecs = {
  metrics: { value: 'host:port', help: 'serve metrics at http://host:port/metrics, for Prometheus and top' },
};

/** Where metrics are to be served, if anywhere. @throws UsageError */
export function metricsPlace(given: Arguments): { host: string; port: number } | undefined {
  const text = given.list('metrics').at(-1);
  if (text === undefined) return undefined;
  try {
    const { host, port } = parseEndpoint(`tcp://${text}`, 'listen');
    return { host, port };
  } catch {
    throw new UsageError(`--metrics takes host:port, such as 127.0.0.1:9100; not ${JSON.stringify(text)}`);
  }
}

/** Serves the text at `/metrics`; resolves with its URL. */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  text: () => string,
): Promise<MetricsServer> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      const isMetrics = request.url?.split('?', 1)[0] === '/metrics';
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      if (!isMetrics || !isRead) return void response.writeHead(isMetrics ? 405 : 404).end();
      response.writeHead(200, { 'Content-Type': METRICS_CONTENT_TYPE }).end(text());
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await listening(server, host, port);
  const address = server.address() as { port: number };
  const authority = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${authority}:${address.port}/metrics`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
