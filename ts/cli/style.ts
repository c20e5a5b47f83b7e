/** Colours, for people at a terminal who want them: https://no-color.org. */

/** What a text is, which decides its looks. */
export type Style = 'title' | 'name' | 'faint' | 'good' | 'bad';

/** Paints a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** Select Graphic Rendition: what begins a style, and what ends it. */
const CODES: Readonly<Record<Style, readonly [begin: number, end: number]>> = {
  title: [1, 22],
  name: [36, 39],
  faint: [2, 22],
  good: [32, 39],
  bad: [31, 39],
};

/** How texts on a stream look. */
export function paintOn({ isTTY }: { readonly isTTY?: boolean }, environment = process.env): Paint {
  if (!wantsColours(isTTY === true, environment)) return (_style, text) => text;
  return (style, text) => {
    const [begin, end] = CODES[style];
    return `\u001b[${begin}m${text}\u001b[${end}m`;
  };
}

/** The stronger wish first: never, always, and else where somebody looks. */
function wantsColours(isTTY: boolean, { NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0';
  return isTTY && TERM !== 'dumb';
}
