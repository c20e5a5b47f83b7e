/**
 * Watches files for what renewals do to them: written in place, replaced by a rename, or reached through links
 * that lead elsewhere of a sudden (ACME clients, volumes of Kubernetes). So the folders are watched, any change in
 * one makes the files be compared, and from time to time they are compared without.
 */
import { createHash } from 'node:crypto';
import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

/** A renewal writes several files: it is over when nothing changed for so long, ms. */
const QUIET_MS = 250;
/** What does not fit together is tried once more after this, ms, before it is an error. */
const AGAIN_MS = 1000;
/** The files are compared anyhow after this, ms: a link above their folder tells nobody when it changes. */
const POLL_MS = 60_000;

/** Files, and a digest of all their contents. */
export interface FileState {
  readonly paths: readonly string[];
  readonly digest: string;
}

/** A file that is missing is one without content. */
export function stateOf(paths: readonly string[]): FileState {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(`${path}\0`).update(contentOf(path));
  return { paths, digest: hash.digest('hex') };
}

export interface WatchedFiles {
  /** Reads the files anew; throws if they cannot be used. */
  reload(): void;
  /** They could not be used, or not be watched. */
  failed(error: unknown): void;
}

export class FileWatch {
  readonly #paths: readonly string[];
  readonly #owner: WatchedFiles;
  readonly #watchers: FSWatcher[] = [];
  #seen: string;
  #timer: NodeJS.Timeout | undefined;
  readonly #poll: NodeJS.Timeout;
  #isSecondTry = false;

  /** @param read The files as they were when they were read. */
  constructor({ paths, digest }: FileState, owner: WatchedFiles) {
    this.#paths = paths;
    this.#owner = owner;
    this.#seen = digest;
    for (const folder of new Set(paths.map((path) => dirname(path)))) this.#watch(folder);
    this.#poll = setInterval(() => this.#check(), POLL_MS).unref();
    this.#changed(0);
  }

  close(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#changed(QUIET_MS));
      watcher.on('error', (error) => this.#owner.failed(error));
      this.#watchers.push(watcher);
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  #changed(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#check(), afterMs).unref();
  }

  #check(): void {
    const { digest } = stateOf(this.#paths);
    if (digest === this.#seen) return;
    try {
      this.#owner.reload();
    } catch (error) {
      // One file of two may have been written yet.
      if (!this.#isSecondTry) {
        this.#isSecondTry = true;
        return this.#changed(AGAIN_MS);
      }
      this.#owner.failed(error);
    }
    this.#isSecondTry = false;
    this.#seen = digest;
  }
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
