/** What waits above the seam for a link to take it: a part of the memory budget of this environment. */
import { environmentBudget } from '../link/budget.js';

/** Bytes in all queues above the seam. */
let held = 0;
let isGauged = false;

/** Counts bytes that begin to wait, or with a negative number no longer do. */
export function countWaiting(bytes: number): void {
  held += bytes;
  if (isGauged) return;
  isGauged = true;
  environmentBudget.addGauge(() => held);
}
