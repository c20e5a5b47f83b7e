/** How a link of QWH/1 ended, of what both ends did and said. */
import type { LinkClose } from '../link.js';

export interface End {
  /** Our wish, or a fault. */
  readonly ending: LinkClose | undefined;
  /** What the peer did wrong, or said with its GOAWAY. */
  readonly theirs: LinkClose | undefined;
  /** The peer's GOAWAY came. */
  readonly isAnswered: boolean;
  /** All that we accepted is written. */
  readonly isWhole: boolean;
}

/** Nothing where neither end has ended it. */
export function endOf({ ending, theirs, isAnswered, isWhole }: End): LinkClose | undefined {
  if (ending === undefined) return theirs && { ...theirs, clean: theirs.clean && isWhole };
  const isInOrder = isAnswered || theirs?.clean === true;
  return {
    ...ending,
    clean: ending.clean && isWhole && isInOrder && theirs?.error === undefined,
    error: ending.error ?? theirs?.error,
  };
}
