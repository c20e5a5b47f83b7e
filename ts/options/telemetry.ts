/** The options of telemetry: their schema and their defaults. */
import { z } from 'zod';
import { LOG_LEVELS, type LogLevel, type LogRecord } from '../telemetry/journal.js';
import type { Telemetry } from '../telemetry/snapshot.js';
import { integer } from './integer.js';
import { OPTION_TABLE as T } from './table.js';

/** Everything that a server or client was told about telemetry, or assumes. */
export interface TelemetrySettings {
  readonly logger: ((record: LogRecord) => unknown) | undefined;
  readonly logLevel: LogLevel;
  readonly onTelemetry: ((telemetry: any) => unknown) | undefined;
  readonly telemetryIntervalMs: number;
  readonly profiling: boolean;
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** Of servers and clients. */
export const telemetryOptions = {
  logger: z.custom<(record: LogRecord) => unknown>(isFunction).optional(),
  logLevel: z.enum(LOG_LEVELS).optional(),
  onTelemetry: z.custom<(telemetry: Telemetry) => unknown>(isFunction).optional(),
  telemetryIntervalMs: integer('telemetryIntervalMs').optional(),
  profiling: z.boolean().optional(),
};

type Given = { readonly [Name in keyof TelemetrySettings]?: TelemetrySettings[Name] | undefined };

export function resolveTelemetry(given: Given): TelemetrySettings {
  return {
    logger: given.logger,
    logLevel: given.logLevel ?? T.logLevel.default,
    onTelemetry: given.onTelemetry,
    telemetryIntervalMs: given.telemetryIntervalMs ?? T.telemetryIntervalMs.default,
    profiling: given.profiling ?? T.profiling.default,
  };
}
