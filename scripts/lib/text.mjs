/** Small printers for generated files. Their output is what oxfmt and rustfmt would write themselves. */

/** The line length that `.oxfmtrc.json` sets. */
export const WIDTH = 110;

/** A TypeScript string literal in the quotes that need fewer escapes. */
export function literal(text) {
  const quote = count(text, "'") > count(text, '"') ? '"' : "'";
  const escaped = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
  return quote + escaped + quote;
}

/** Under a key shorter than this, a value on the next line would gain nothing: it stays. */
const MIN_KEY_TO_BREAK = 5;

/** One property of an object literal; the value moves to the next line when it does not fit. */
export function property(indent, name, value) {
  const line = `${indent}${name}: ${value},`;
  const stays = line.length <= WIDTH || name.length < MIN_KEY_TO_BREAK;
  return stays ? line : `${indent}${name}:\n${indent}  ${value},`;
}

/** A type that is one of these strings. */
export function union(name, words) {
  const line = `export type ${name} = ${words.map(literal).join(' | ')};`;
  if (line.length <= WIDTH) return line;
  return `export type ${name} =\n${words.map((word) => `  | ${literal(word)}`).join('\n')};`;
}

/** A documentation comment, on one line where it fits. */
export function comment(indent, text) {
  const line = `${indent}/** ${text} */`;
  if (line.length <= WIDTH) return line;
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (`${indent} *${longer}`.length <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(` ${word}`);
  }
  return `${indent}/**\n${lines.map((each) => `${indent} *${each}`).join('\n')}\n${indent} */`;
}

/** A Markdown table with aligned columns. */
export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map((cell) => String(cell).replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
}

/** `['a', 'b', 'c']` as `a, b or c`. */
export function oneOf(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function count(text, character) {
  return text.split(character).length - 1;
}
