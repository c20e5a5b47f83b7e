/**
 * Reading into memory of our own.
 *
 * Node allocates 64 KiB for every read of an ordinary socket and leaves it to the garbage collector: with
 * 1 KiB messages that is a third of what an echo costs, and more in a program whose heap has grown, where
 * the memory comes back late and cold. With its option `onread` a socket reads into one buffer again and
 * again. All sockets share that buffer, since what is read is looked at before anything else is read.
 * What has to last is copied from there into slabs that many chunks share.
 */
import { Socket, type OnReadOpts } from 'node:net';

/** Other runtimes have the names of what is used here, and not all of its behaviour. */
export const canReadIntoScratch = !('bun' in process.versions || 'deno' in process.versions);

/** As much as libuv reads at once. */
const READ = 64 * 1024;

/** Chunks up to this size share slabs: one message that is kept keeps no more than a slab. */
const SMALL = 16 * 1024;
const SLAB = 64 * 1024;

/** Where all sockets read to. */
export const scratch = Buffer.allocUnsafeSlow(READ);

/** Bytes that stay valid. */
export interface Stored {
  bytes: Buffer;
  begin: number;
  end: number;
}

let slab = Buffer.alloc(0);
let used = 0;
/** The answer of `store`, the same object each time. */
const stored: Stored = { bytes: slab, begin: 0, end: 0 };

/** Copies what was read, from `begin` to `end`, to where it stays valid. The answer is, until the next call. */
export function store(begin: number, end: number): Stored {
  const size = end - begin;
  if (size > SMALL) {
    stored.bytes = Buffer.allocUnsafeSlow(size);
    stored.begin = 0;
  } else {
    if (used + size > slab.length) {
      slab = Buffer.allocUnsafeSlow(SLAB);
      used = 0;
    }
    stored.bytes = slab;
    stored.begin = used;
    used += size;
  }
  stored.end = stored.begin + size;
  scratch.copy(stored.bytes, stored.begin, begin, end);
  return stored;
}

/** Who is told of each read: so many bytes are in `scratch`. */
export interface Reader {
  onScratch(length: number): void;
}

/** The option `onread` of a socket that reads into `scratch`: it is needed before the link is there. */
export class Reads implements OnReadOpts {
  readonly buffer = scratch;
  link: Reader | undefined;
  readonly callback = (length: number): boolean => {
    this.link?.onScratch(length);
    return true;
  };
}

/** Node's name for what a socket wraps. */
const HANDLE = '_handle';
type Wrapper = { [HANDLE]?: { useUserBuffer?: unknown } | null };

/**
 * Makes an accepted socket read into `scratch`. Servers have no option for it, so its handle moves to a
 * socket that has; a runtime where that is not possible keeps what it has, and gets `undefined`.
 */
export function reopen(accepted: Socket, onread: Reads): Socket | undefined {
  const wrapper = accepted as Wrapper;
  const handle = wrapper[HANDLE];
  if (!canReadIntoScratch || typeof handle?.useUserBuffer !== 'function') return undefined;
  wrapper[HANDLE] = null;
  // As node itself makes the sockets that it accepts.
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread };
  return new Socket(options as object);
}
