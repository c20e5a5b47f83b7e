/** Many runs boiled down to one figure. */

/** The middle value; of an even number, the mean of the two in the middle. Undefined of none. */
export function median(values) {
  const known = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  const middle = known.length >> 1;
  return known.length % 2 === 1 ? known[middle] : mean(known[middle - 1], known[middle]);
}

function mean(a, b) {
  return a === undefined ? undefined : (a + b) / 2;
}
