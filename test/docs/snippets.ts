/**
 * The runnable snippets of the documentation. Every fence of `js` or `ts` is one, unless its info string
 * says `no-run`. A fence `js server` runs while the next one, `js client`, does.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One fence. */
export interface Snippet {
  /** File and line, as `docs/api.md:12`. */
  readonly name: string;
  readonly language: 'js' | 'ts';
  readonly code: string;
  /** A server that has to run meanwhile. */
  readonly server?: Snippet;
}

const FENCE = /^```(\w+)([^\n]*)\n(.*?)^```$/gms;

/** The top of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** All snippets of README.md and docs/, in order. */
export function allSnippets(): Snippet[] {
  const pages = readdirSync(`${root}/docs`).filter((file) => file.endsWith('.md'));
  return ['README.md', ...pages.map((page) => `docs/${page}`)].flatMap(snippetsOf);
}

function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(`${root}/${page}`, 'utf8').replaceAll('\r\n', '\n');
  const snippets: Snippet[] = [];
  let server: Snippet | undefined;
  for (const { index, 1: language, 2: info, 3: code } of text.matchAll(FENCE)) {
    if ((language !== 'js' && language !== 'ts') || info.includes('no-run')) continue;
    const name = `${page}:${text.slice(0, index).split('\n').length}`;
    const snippet = { name, language, code, server } as const;
    server = info.trim() === 'server' ? snippet : undefined;
    if (server === undefined) snippets.push(snippet);
  }
  return snippets;
}

/** What a snippet says it prints: the texts behind `// prints `. */
export function expectedOutput({ code }: Snippet): string[] {
  return [...code.matchAll(/\/\/ prints (.+)$/gm)].map(([, text]) => text);
}
