/**
 * The snippets of the documentation. Every fence of `js` or `ts` is a program that is run, unless its info string
 * says `no-run`; then it is compiled all the same. A fence `js server` runs while the next one, `js client`, does.
 * `stays` is a program that does not end by itself, as servers and their clients do not: it has said all when it has
 * printed what it says it prints. `needs=NAME` is a program with packages that only the bench installs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One fence of any language. */
export interface Fence {
  /** File and line, as `docs/api.md:12`. */
  readonly name: string;
  readonly page: string;
  readonly language: string;
  /** What stands behind the language. */
  readonly info: readonly string[];
  readonly code: string;
}

/** A program. */
export interface Snippet extends Fence {
  readonly language: 'js' | 'ts';
  /** A server that has to run meanwhile. */
  readonly server?: Snippet;
}

const FENCE = /^```(\w+)([^\n]*)\n(.*?)^```$/gms;

/** The top of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** README.md, and the pages of docs/. */
export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(`${root}/docs`)
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** All fences, in order. */
export function allFences(): Fence[] {
  return pages.flatMap((page) => {
    const text = readFileSync(`${root}/${page}`, 'utf8').replaceAll('\r\n', '\n');
    return [...text.matchAll(FENCE)].map(({ index, 1: language, 2: info, 3: code }) => {
      const name = `${page}:${text.slice(0, index).split('\n').length}`;
      return { name, page, language, info: info.trim().split(/\s+/).filter(Boolean), code };
    });
  });
}

/** Those that are run. */
export function allSnippets(): Snippet[] {
  const snippets: Snippet[] = [];
  let server: Snippet | undefined;
  for (const fence of allFences()) {
    if (!isProgram(fence) || fence.info.includes('no-run')) continue;
    const isClient = server?.page === fence.page && fence.info.includes('client');
    const snippet: Snippet = isClient ? { ...fence, server } : fence;
    server = fence.info.includes('server') ? snippet : undefined;
    if (server === undefined) snippets.push(snippet);
  }
  return snippets;
}

/** Those that are compiled and not run. */
export function unrunSnippets(): Snippet[] {
  return allFences()
    .filter(isProgram)
    .filter(({ info }) => info.includes('no-run'));
}

function isProgram(fence: Fence): fence is Snippet {
  return fence.language === 'js' || fence.language === 'ts';
}

/** Packages that a snippet cannot be run without and that the bench alone has. */
export function needsOf({ info }: Fence): string[] {
  const need = info.find((word) => word.startsWith('needs='));
  return need?.slice('needs='.length).split(',') ?? [];
}

/** What a snippet says it prints: the texts behind `// prints `. */
export function expectedOutput({ code }: Snippet): string[] {
  return [...code.matchAll(/\/\/ prints (.+)$/gm)].map(([, text]) => text);
}
