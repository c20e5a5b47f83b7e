/** Headers of HTTP as records. Both drivers and the layers above use it. */

/** Headers by their names in lower case; the object has no prototype. */
export type Headers = Readonly<Record<string, string>>;

/** Headers of which only the first counts, as in Node. */
const SINGLE = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/**
 * One header, its name in lower case, as `headersOf` has it. For who needs no other: most connections are never
 * asked for the rest.
 */
export function headerOf(rawHeaders: readonly string[], name: string): string | undefined {
  const own: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at].toLowerCase() === name) own.push(name, rawHeaders[at + 1]);
  }
  return headersOf(own)[name];
}

/** Names and values in turn as a record: what comes twice is joined as Node joins it. */
export function headersOf(rawHeaders: readonly string[]): Headers {
  // No prototype: names are the peer's choice.
  const headers: Record<string, string> = Object.create(null);
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at].toLowerCase();
    const value = rawHeaders[at + 1];
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (!SINGLE.has(name)) headers[name] = `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return headers;
}
