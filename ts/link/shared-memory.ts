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

/**
 * The same for memory that is the addon's. Node from 24 on gives what is marked a key, without which nothing can take
 * the memory away: nor can Node itself, which does that to an addon's memory at the end, and aborts. There it is left
 * unmarked.
 */
export function markLent<Memory extends ArrayBuffer>(memory: Memory): Memory {
  return KEEPS_KEYS ? memory : markShared(memory);
}

/** Whether marks are keys: those are heeded by the language too. */
const KEEPS_KEYS = keepsKeys();

function keepsKeys(): boolean {
  const probe = markShared(new ArrayBuffer(1)) as ArrayBuffer & { transfer?: () => ArrayBuffer };
  try {
    probe.transfer?.();
    return false;
  } catch {
    return true;
  }
}
