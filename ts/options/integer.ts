/** Numbers of the option table as parts of a schema. */
import { z } from 'zod';
import { OPTION_TABLE } from './table.js';

/** The options whose value is an integer of a range. */
export type IntegerOption = {
  [Name in keyof typeof OPTION_TABLE]: (typeof OPTION_TABLE)[Name] extends { min: number; max: number }
    ? Name
    : never;
}[keyof typeof OPTION_TABLE];

/** An integer of the range that the table gives. */
export function integer(name: IntegerOption) {
  const { min, max } = OPTION_TABLE[name];
  return z.int().min(min).max(max);
}
