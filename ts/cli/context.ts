/** What a command has of the process: its output, its notes, and the wish that it ends. */
import { escapeText } from './escape.js';
import { Output } from './output.js';
import { paintOn, type Paint } from './style.js';

/** By convention of shells, a program that a signal ended has this exit code plus the signal's number. */
const SIGNAL_EXIT = 128;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

export class Context {
  readonly out: Output;
  /** Of the output. */
  readonly paint: Paint = paintOn(process.stdout);
  /** Of notes. */
  readonly paintNotes: Paint = paintOn(process.stderr);
  /** Called around everything that is shown: a prompt on the same screen has to step aside. */
  aside: (show: () => void) => void = (show) => show();
  /** Why the output failed, other than that its reader is gone. */
  outputError: Error | undefined;
  readonly #stop = new AbortController();

  constructor() {
    this.out = new Output(process.stdout, (error) => {
      this.outputError = error;
      this.#stop.abort();
    });
    // Notes are for a person: without one they are not missed.
    process.stderr.on('error', () => {});
  }

  /** Aborted when the command is to end in order: by a signal, or because nobody reads its output. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** From now on the first signal aborts `stop`, and the second ends the process at once. */
  stopOnSignals(): AbortSignal {
    for (const [name, number] of Object.entries(SIGNALS)) {
      process.on(name, () => this.interrupt(number));
    }
    return this.stop;
  }

  /** What a signal does. */
  interrupt(number: number = SIGNALS.SIGINT): void {
    if (this.stop.aborted) process.exit(SIGNAL_EXIT + number);
    this.#stop.abort();
  }

  /** A line for the person, beside the output. */
  note(text: string): void {
    this.aside(() => process.stderr.write(`${escapeText(text)}\n`));
  }

  /** The same, of something that went wrong: what is in front of the first colon says what. */
  complain(text: string): void {
    const [, what, rest] = /^([^\s:]+(?: [\w-]+)?:)?(.*)$/s.exec(escapeText(text)) ?? [];
    const told = what === undefined ? escapeText(text) : this.paintNotes('bad', what) + rest;
    this.aside(() => process.stderr.write(`${told}\n`));
  }
}

/** Resolves when the signal is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
