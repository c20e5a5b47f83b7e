/** Labels of metrics: names and values that tell one source of them from others. */
import { invalidOption } from '../options/check.js';

export type Labels = Readonly<Record<string, string>>;

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Two of these at the beginning are Prometheus's own. */
const OWN_PREFIX = '__';
/** Those that our metrics have: but for `role` they tell apart values of one source, not sources. */
export const OWN_LABELS: ReadonlySet<string> = new Set([
  'role',
  'mode',
  'backend',
  'io',
  'reason',
  'result',
  'state',
  'code',
  'bound',
  'le',
]);

/** @throws QWormholeError `ERR_QW_OPTION_INVALID` */
export function checkLabels(labels: Labels | undefined): void {
  for (const [name, value] of Object.entries(labels ?? {})) {
    const isFree = NAME.test(name) && !name.startsWith(OWN_PREFIX) && !OWN_LABELS.has(name);
    if (!isFree) throw invalidOption('labels', name, 'has a name that a label cannot have here');
    if (typeof value !== 'string') throw invalidOption(`labels.${name}`, value, 'must be a string');
  }
}
