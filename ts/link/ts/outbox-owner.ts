/** Whose link it is that something waits on to go out. */
import type { Sender } from '../coalescing.js';

export interface OutboxOwner extends Sender {
  /** The kernel has taken something. Called from the event loop. */
  onProgress(): void;
}
