/**
 * The words of a command line, checked against a table of options. The table is also what help is made
 * of, so that an option cannot exist without a description.
 */
import { parseArgs } from 'node:util';
import { nearest } from '../nearest.js';
import { UsageError } from './usage-error.js';

/** One option of a command. */
export interface OptionSpec {
  /** What stands for the value in help, such as `ms`; a switch has none. */
  readonly value?: string;
  /** One letter that means the same with a single dash. */
  readonly short?: string;
  readonly help: string;
}

/** Options by name, without their dashes. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Bounds of a number, and what it is when it is not given. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

/** A time: bounds and default in ms, and the unit of a number without one. */
export interface DurationRange extends NumberRange {
  readonly unit: 'ms' | 's';
}

const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** What was given, by kind of value. Each method throws a `UsageError` that names the option. */
export class Arguments {
  readonly positionals: readonly string[];
  /** Of an option that was given several times the last. */
  readonly #values = new Map<string, string | true>();
  readonly #lists = new Map<string, string[]>();

  /** @throws UsageError for options that are not in the table, or lack or have a value against it. */
  constructor(specs: OptionSpecs, words: readonly string[]) {
    const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {};
    for (const [name, { value, short }] of Object.entries(specs)) {
      options[name] = { type: value === undefined ? 'boolean' : 'string', ...(short && { short }) };
    }
    // Not strict: its messages are for programmers, and ours can say what was probably meant.
    const parsed = parseArgs({ args: [...words], options, strict: false, tokens: true });
    this.positionals = parsed.positionals;
    for (const token of parsed.tokens) {
      if (token.kind !== 'option') continue;
      const value = valueOf(token, specs);
      this.#values.set(token.name, value);
      if (value !== true) this.#lists.set(token.name, [...this.list(token.name), value]);
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Every value of an option that may be repeated. */
  list(name: string): readonly string[] {
    return this.#lists.get(name) ?? [];
  }

  /** One of `allowed`, else `fallback`. */
  choice<const T extends string, const F extends T | undefined>(
    name: string,
    allowed: readonly T[],
    fallback: F,
  ): T | F {
    const text = this.#text(name);
    if (text === undefined) return fallback;
    const found = allowed.find((word) => word === text);
    if (found === undefined)
      throw new UsageError(`--${name} takes ${allowed.join(', ')}; not ${quote(text)}`);
    return found;
  }

  integer(name: string, range: NumberRange): number {
    const text = this.#text(name);
    if (text === undefined) return range.default;
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= range.min && number <= range.max) return number;
    throw new UsageError(
      `--${name} takes a whole number from ${range.min} to ${range.max}; not ${quote(text)}`,
    );
  }

  /** A time in ms: `250ms`, `1.5s`, `2m`, or a number without a unit. */
  duration(name: string, range: DurationRange): number {
    const text = this.#text(name);
    if (text === undefined) return range.default;
    const [, number, unit = range.unit] = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)?$/.exec(text) ?? [];
    const ms = number === undefined ? Number.NaN : Math.round(Number(number) * MS_PER[unit]);
    if (ms >= range.min && ms <= range.max) return ms;
    const from = `${range.min} ms to ${Math.floor(range.max / 1000)} s`;
    throw new UsageError(`--${name} takes a time such as 500ms or 5s, from ${from}; not ${quote(text)}`);
  }

  /** Refuses options that contradict each other. */
  exclude(one: string, other: string): void {
    if (this.has(one) && this.has(other)) throw new UsageError(`--${one} and --${other} exclude each other`);
  }

  #text(name: string): string | undefined {
    const value = this.#values.get(name);
    return value === true ? undefined : value;
  }
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string;
  readonly inlineValue?: boolean;
}

function valueOf({ name, rawName, value, inlineValue }: OptionToken, specs: OptionSpecs): string | true {
  if (!Object.hasOwn(specs, name))
    throw new UsageError(`unknown option ${quote(rawName)}${meant(name, specs)}`);
  const takes = specs[name].value;
  if (takes === undefined) {
    if (value !== undefined) throw new UsageError(`--${name} takes no value`);
    return true;
  }
  // A word that looks like the next option was not meant as this one's value.
  const isMissing = value === undefined || (inlineValue !== true && value.startsWith('-'));
  if (isMissing) throw new UsageError(`--${name} needs a value: --${name} <${takes}>`);
  return value;
}

function meant(name: string, specs: OptionSpecs): string {
  const known = nearest(name, Object.keys(specs));
  return known === undefined ? '' : `, did you mean --${known}?`;
}

/** A word of the user's, fit for one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
