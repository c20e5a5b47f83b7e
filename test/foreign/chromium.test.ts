/** A page in Chromium, whose WebSocket is not ours in any part. */
import { expect, it } from 'vitest';
import { ca, pairOf, serverCert } from '../support/pki.js';
import { browse, pageServer } from './support/browser.js';
import { FINDINGS, host } from './support/host.js';
import { certutil, chromium, describeWith } from './support/tools.js';

// A page cannot set headers.
const { token: _, ...who } = FINDINGS.who;

describeWith(chromium, 'Chromium', () => {
  it.each([
    { title: 'uncompressed', options: {}, deflate: false },
    { title: 'compressed', options: { deflate: { threshold: 0 } }, deflate: true },
  ])('is a client of our server, $title', { timeout: 60_000 }, async ({ options, deflate }) => {
    const { origin, found } = await pageServer();
    const { url, left } = await host({ origins: [origin], ...options });
    const goodbye = left();
    browse(`${origin}/?address=${encodeURIComponent(url)}`);
    expect(await found).toEqual({ ...FINDINGS, who, deflate });
    expect(await goodbye).toEqual([4002, 'bye']);
  });

  it('is refused where its page is of another origin', { timeout: 60_000 }, async () => {
    const { origin, found } = await pageServer();
    const { url } = await host();
    browse(`${origin}/?address=${encodeURIComponent(url)}`);
    expect(await found).toEqual({ refused: true });
  });
});

describeWith(certutil.missing === undefined ? chromium : certutil, 'Chromium over TLS', () => {
  it('trusts the development authority, once it is installed', { timeout: 60_000 }, async () => {
    const { origin, found } = await pageServer();
    const { url, left } = await host({ origins: [origin], tls: pairOf(serverCert()) }, 'wss');
    const goodbye = left();
    browse(`${origin}/?address=${encodeURIComponent(url)}`, ca.cert);
    expect(await found).toEqual({ ...FINDINGS, who, deflate: false });
    expect(await goodbye).toEqual([4002, 'bye']);
  });

  it('does not trust it before', { timeout: 60_000 }, async () => {
    const { origin, found } = await pageServer();
    const { url } = await host({ origins: [origin], tls: pairOf(serverCert()) }, 'wss');
    browse(`${origin}/?address=${encodeURIComponent(url)}`);
    expect(await found).toEqual({ refused: true });
  });
});
