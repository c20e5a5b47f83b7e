/** A link that came too late, or was turned away, has nothing to say. */
import type { LinkHandler } from './link.js';

export const DEAF: LinkHandler = Object.freeze({
  isHeard: false,
  onMessage() {},
  onDrain() {},
  onEmpty() {},
  onEnd() {},
  onClose() {},
});
