/** Runs a schema and says in our words what is wrong. */
import type { z } from 'zod';
import { describe } from '../describe.js';
import { QWormholeError } from '../errors/error.js';
import { nearest } from '../nearest.js';
import { isSecret, isUntold, kindOf, untoldFault } from './untold.js';
import { OPTION_TABLE, type OptionFacts } from './table.js';

/** Whose options they are. */
export type Role = 'server' | 'client';

type OptionName = keyof typeof OPTION_TABLE;
type Issue = z.core.$ZodIssue;

/**
 * Checks an option object; throws `ERR_QW_OPTION_UNKNOWN` or `ERR_QW_OPTION_INVALID` for the first fault. The
 * prefix stands before the names of options of an inner object.
 */
export function checkOptions<S extends z.ZodType>(
  schema: S,
  role: Role,
  options: unknown,
  prefix = '',
): z.output<S> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const shown = prefix === '' ? describe(options) : kindOf(options);
    throw new QWormholeError(
      'ERR_QW_OPTION_INVALID',
      `The options must be an object; what was given is ${shown}`,
    );
  }
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const issues = result.error.issues.map(innermost);
  // A misspelt name explains more than what it leaves unset.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue.code === 'unrecognized_keys') throw unknown(issue, role, prefix);
  const value = valueAt(options, issue.path);
  throw isUntold(issue.path) ? untoldFault(issue, value) : invalidOption(prefix + nameOf(issue.path), value);
}

/** An error that names an option, what it takes, and what it was given; `why` replaces the range. */
export function invalidOption(name: string, value: unknown, why?: string): QWormholeError {
  const rule = why ?? `must be ${factsOf(name)?.expects ?? 'left out'}`;
  const shown = isSecret(name) ? kindOf(value) : describe(value);
  return new QWormholeError('ERR_QW_OPTION_INVALID', `Option ${name} ${rule}; it is ${shown}`, {
    details: { option: name },
  });
}

/** What is within `tls.identities`, and what `tls.sniCallback` gives, has the options of `tls` itself. */
const INNER_IDENTITY = /^tls\.(identities\.\d+|sniCallback)\.(?=\w)/;
/** But for one, which a server's first certificate does not have. */
const INNER_NAMES = { for: 'server', expects: 'a list of names' } satisfies OptionFacts;

/** Of an element of a list those of the list: the table has no names for elements. */
function factsOf(option: string): OptionFacts | undefined {
  const name = option.replace(INNER_IDENTITY, 'tls.');
  if (name.startsWith('tls.names')) return INNER_NAMES;
  for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
    const facts: OptionFacts | undefined = OPTION_TABLE[name.slice(0, end) as OptionName];
    if (facts !== undefined) return facts;
  }
  return undefined;
}

/** A union reports the faults of all its branches: the one that went deeper than the first look is meant. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const deeper = issue.errors
    .flat()
    .find(({ code, path }) => code === 'unrecognized_keys' || path.length > 0);
  return deeper === undefined
    ? issue
    : innermost({ ...deeper, path: [...issue.path, ...deeper.path] } as Issue);
}

function unknown(issue: Issue & { code: 'unrecognized_keys' }, role: Role, prefix: string): QWormholeError {
  const name = prefix + nameOf([...issue.path, issue.keys[0]]);
  const other = (OPTION_TABLE as Readonly<Record<string, OptionFacts>>)[name]?.for;
  const known = Object.entries<OptionFacts>(OPTION_TABLE).filter(
    ([, facts]) => facts.for === role || facts.for === 'both',
  );
  const meant = nearest(
    name,
    known.map(([key]) => key),
  );
  const hint = other
    ? `it is an option of the ${other}`
    : meant
      ? `did you mean ${meant}?`
      : 'there is none like it';
  const suggestion = other || !meant ? {} : { suggestion: meant };
  return new QWormholeError('ERR_QW_OPTION_UNKNOWN', `Option ${name} of a ${role} does not exist: ${hint}`, {
    details: { option: name, ...suggestion },
  });
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

function valueAt(options: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((value, key) => (value as Record<PropertyKey, unknown>)?.[key], options);
}
