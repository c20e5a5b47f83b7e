/** Path and query of WebSocket endpoints. */

/** What a WebSocket request asks for. */
export interface Target {
  /** Begins with a slash; percent-encoded as in a URL. */
  readonly path: string;
  /** With its question mark; empty for none. */
  readonly query: string;
}

/** Visible ASCII and everything beyond: a blank or a line end would break the request line. */
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0020\u007f]/;

/**
 * Takes apart what follows the authority of a WebSocket URL, in the spelling that browsers send; gives a text
 * that says what is wrong where it is not legal.
 */
export function targetOf(tail: unknown, use: 'listen' | 'connect'): Target | string {
  if (typeof tail !== 'string') return 'the path is not a string';
  if (UNSAFE.test(tail)) return 'the path has blanks or control characters';
  if (tail.includes('#')) return 'a WebSocket endpoint has no fragment';
  if (tail !== '' && !tail.startsWith('/') && !tail.startsWith('?'))
    return 'the path does not begin with a slash';
  const { pathname, search } = new URL(`http://host${tail}`);
  if (use === 'listen' && tail.includes('?')) {
    return 'a WebSocket endpoint to listen on has no query; options go into the options object';
  }
  return { path: pathname, query: search };
}

/** Path and query of a request line: also of one that has the whole URL, as sent through proxies. */
export function splitTarget(target: string): Target {
  const [, origin = ''] = /^([a-z]+:\/\/[^/?]*)/i.exec(target) ?? [];
  const rest = target.slice(origin.length);
  const at = rest.indexOf('?');
  const path = at === -1 ? rest : rest.slice(0, at);
  return { path: path === '' ? '/' : path, query: at === -1 ? '' : rest.slice(at) };
}
