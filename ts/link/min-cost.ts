/**
 * A queued message counts as at least this many bytes towards watermarks and caps, so that a peer that makes us queue
 * empty messages cannot grow a queue for free. Its header and bookkeeping cost about that.
 */
export const MIN_COST = 16;
