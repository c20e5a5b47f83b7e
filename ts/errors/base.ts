/** The one error class of this library: whatever has a code in `errors.json` is thrown, rejected and emitted as it. */
import { ERROR_TABLE, type ErrorCode, type ErrorKind } from './codes.js';

/** Registered, so that every copy of the package in a process knows the errors of the others. */
const BRAND = Symbol.for('qwormhole.error');

/** What an error may carry besides its code and message. */
export interface ErrorContext {
  /** The error underneath. */
  readonly cause?: unknown;
  /** The close code, where the error ends a connection. */
  readonly closeCode?: number;
  /** The values that the message names: plain data. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Default: that of the code. */
  readonly retriable?: boolean;
  /** The same. */
  readonly remedy?: string;
}

/**
 * An error of this library. Match on `code`; the message is for people, ends with the remedy and may change.
 * `instanceof` works across copies of the package.
 */
export class QWormholeError extends Error {
  /** The stable code. */
  readonly code: ErrorCode;
  /** What the error is about. */
  readonly kind: ErrorKind;
  /** The same operation may succeed later without a change to the program. */
  readonly retriable: boolean;
  /** What to do about it. */
  readonly remedy: string;
  /** The close code, where the error ends a connection. */
  declare readonly closeCode?: number;
  /** The values that the message names. */
  declare readonly details?: Readonly<Record<string, unknown>>;

  /** @param message What happened, without the remedy; default: the meaning of the code. */
  constructor(code: ErrorCode, message?: string, context: ErrorContext = {}) {
    const { kind, retriable, meaning, remedy: usual } = ERROR_TABLE[code] ?? ERROR_TABLE.ERR_QW_INTERNAL;
    const remedy = context.remedy ?? usual;
    super(`${asSentence(message ?? meaning)} ${remedy}`, 'cause' in context ? { cause: context.cause } : {});
    this.code = code;
    this.kind = kind;
    this.retriable = context.retriable ?? retriable;
    this.remedy = remedy;
    if (context.closeCode !== undefined) this.closeCode = context.closeCode;
    if (context.details !== undefined) this.details = context.details;
  }

  get [BRAND](): true {
    return true;
  }

  /** @internal What happened, as a close reason has it: without the remedy and the full stop. */
  get summary(): string {
    return this.message.slice(0, -this.remedy.length - 1).replace(/\.$/, '');
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A user's subclass keeps the usual meaning.
    if (this !== QWormholeError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
  }

  /** Plain data for logs: no stack, the cause in short. */
  toJSON(): Record<string, unknown> {
    const { name, code, kind, retriable, message, remedy, closeCode, details } = this;
    const json: Record<string, unknown> = { name, code, kind, retriable, message, remedy };
    if (closeCode !== undefined) json.closeCode = closeCode;
    if (details !== undefined) json.details = details;
    if (this.cause !== undefined) json.cause = causeAsJson(this.cause);
    return json;
  }
}

// On the prototype, as the built-in errors have it: not a field that every inspection shows.
Object.defineProperty(QWormholeError.prototype, 'name', {
  value: 'QWormholeError',
  writable: true,
  configurable: true,
});

/** A sentence ends with a full stop, question or exclamation mark. */
function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function causeAsJson(cause: unknown): unknown {
  if (cause instanceof QWormholeError) return cause.toJSON();
  if (!(cause instanceof Error)) return String(cause);
  const { name, message } = cause;
  const code = (cause as NodeJS.ErrnoException).code;
  return code === undefined ? { name, message } : { name, code, message };
}
