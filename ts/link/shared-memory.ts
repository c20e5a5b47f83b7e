/** Received bytes, of which many messages are views. */
import { markAsUntransferable } from 'node:worker_threads';

/**
 * Marks memory that messages share, so that whoever transfers one message to another thread does not take
 * the memory away from all the others.
 */
export function markShared<Memory extends ArrayBufferLike>(memory: Memory): Memory {
  try {
    markAsUntransferable(memory);
  } catch {
    // Not every runtime has this part of Node.
  }
  return memory;
}
