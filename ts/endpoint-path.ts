/** Endpoints that are files or pipes of this machine: `unix:///run/chat.sock`, `pipe://chat`. */

/** Both stay on this machine, and have neither host nor port. */
export type LocalScheme = 'unix' | 'pipe';

/** Where Windows has its pipes. */
const PIPES = '\\\\.\\pipe\\';
/** What the kernel's address has room for, bytes, the final zero aside. */
const MAX_PATH = { linux: 107, other: 103 } as const;
/** Pipe names are 256 characters with their directory. */
const MAX_PIPE_NAME = 246;
/** Letters and what names of services are made of: a backslash would be a directory, and some parsers' escape. */
const PIPE_NAME = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

export function isLocalScheme(scheme: string): scheme is LocalScheme {
  return scheme === 'unix' || scheme === 'pipe';
}

/** Why this platform has no endpoints of a scheme, if that is so. */
export function lackOf(scheme: LocalScheme, platform: string): string | undefined {
  if (scheme === 'unix' && platform === 'win32')
    return 'Node has no Unix sockets on Windows; write pipe://name there';
  if (scheme === 'pipe' && platform !== 'win32')
    return 'named pipes are of Windows; write unix:///path.sock here';
  return undefined;
}

/** The path behind `unix://` or the name behind `pipe://`, or, as `{ why }`, what is wrong with it. */
export function pathOfUrl(scheme: LocalScheme, rest: string, platform: string): string | { why: string } {
  if (scheme === 'pipe') return pipeOf(rest);
  if (!rest.startsWith('/'))
    return { why: 'a unix endpoint is a whole path behind three slashes, as in unix:///run/chat.sock' };
  if (/[?#]/.test(rest))
    return { why: 'a unix endpoint has no query or fragment; in a path write %3F for ? and %23 for #' };
  try {
    return pathOf(decodeURIComponent(rest), platform);
  } catch {
    return { why: 'what follows a % in the path are not two hexadecimal digits of UTF-8' };
  }
}

/** The same of the object form, where nothing is escaped. */
export function pathOfObject(scheme: LocalScheme, path: unknown, platform: string): string | { why: string } {
  if (typeof path !== 'string') return { why: 'the path is no string' };
  return scheme === 'pipe' ? pipeOf(path) : pathOf(path, platform);
}

/** As it stands in a URL: what `pathOfUrl` takes back. */
export function urlOfPath(scheme: LocalScheme, path: string): string {
  if (scheme === 'pipe') return `pipe://${path.slice(PIPES.length).replaceAll('\\', '/')}`;
  return `unix://${encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23')}`;
}

function pathOf(path: string, platform: string): string | { why: string } {
  const most = platform === 'linux' ? MAX_PATH.linux : MAX_PATH.other;
  if (!path.startsWith('/')) return { why: 'the path of a unix endpoint begins with a slash' };
  if (path.endsWith('/')) return { why: 'the path names a directory, not a socket in it' };
  if (path.includes('\0')) return { why: 'a path has no NUL' };
  const size = Buffer.byteLength(path);
  if (size > most)
    return { why: `the path has ${size} bytes, and the system takes no more than ${most} for a socket` };
  return path;
}

function pipeOf(name: string): string | { why: string } {
  if (!PIPE_NAME.test(name) || name.length > MAX_PIPE_NAME)
    return { why: 'a pipe is a name of letters, digits, dots, hyphens and underscores, as in pipe://chat' };
  return PIPES + name.replaceAll('/', '\\');
}
