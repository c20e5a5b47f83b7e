/** Messages that say themselves whether they are whole: number, length, and bytes that follow from both. */

const HEAD = 8;

/** A message of `size` bytes, at least 8. */
export function seal(number, size) {
  const message = Buffer.alloc(size, patternOf(number, size));
  message.writeUInt32BE(number, 0);
  message.writeUInt32BE(size, 4);
  return message;
}

/** The number of a message that is whole; -1 for any other. */
export function unseal(message) {
  if (message.length < HEAD) return -1;
  const number = message.readUInt32BE(0);
  return message.readUInt32BE(4) === message.length && message.equals(seal(number, message.length))
    ? number
    : -1;
}

/** Every message has its own, so that a piece of one is none of another. */
function patternOf(number, size) {
  const pattern = Buffer.alloc(16);
  for (let at = 0; at < pattern.length; at += 1) pattern[at] = (number * 31 + size * 17 + at * 7) & 0xff;
  return pattern;
}
