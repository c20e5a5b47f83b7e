/** Tables for terminals. */

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: any) => string | undefined} text
 * @property {boolean} [left] texts are at the left, figures at the right
 */

/** @param {Column[]} columns @param {any[]} rows */
export function table(columns, rows) {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ text }) => text(row) ?? '')),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index].length)));
  const pad = (text, index) =>
    columns[index].left ? text.padEnd(widths[index]) : text.padStart(widths[index]);
  return cells.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

/** With thousands separated. */
export function whole(value) {
  return value === undefined ? undefined : Math.round(value).toLocaleString('en');
}

export function fixed(value, digits) {
  return value?.toFixed(digits);
}

/** Bytes as `64 B`, `1 KiB`, `64 KiB`. */
export function bytes(size) {
  for (const [unit, name] of [
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
  ]) {
    if (size >= unit && size % unit === 0) return `${size / unit} ${name}`;
  }
  return `${size} B`;
}
