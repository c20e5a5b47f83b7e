/**
 * A registry on loopback that knows the packed packages and what they depend on, and nobody else: installing from it
 * is installing as users do, with the choice of platform and all, and without the network.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename } from 'node:path';

/** @param {{ manifest: object, tarball?: string }[]} packages Those without a tarball are known and cannot be fetched. */
export async function registry(packages) {
  const asked = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url.slice(1));
    asked.push(path);
    const answer = answerTo(path, packages, `http://${request.headers.host}`);
    response.writeHead(answer === undefined ? 404 : 200).end(answer ?? '{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, asked, close: () => server.close() };
}

function answerTo(path, packages, url) {
  const file = packages.find(({ tarball }) => tarball !== undefined && path === `files/${basename(tarball)}`);
  if (file !== undefined) return readFileSync(file.tarball);
  const found = packages.find(({ manifest }) => manifest.name === path);
  return found === undefined ? undefined : JSON.stringify(packument(found, url));
}

function packument({ manifest, tarball }, url) {
  const { name, version } = manifest;
  const bytes = tarball === undefined ? Buffer.alloc(0) : readFileSync(tarball);
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const dist = { tarball: `${url}/files/${basename(tarball ?? `${name}.tgz`)}`, integrity };
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
}
