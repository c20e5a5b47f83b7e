/** `Sec-WebSocket-Extensions`: its grammar (RFC 6455, section 9.1). In time linear in its length. */

/** One extension with its parameters, in the order of the header; a parameter without a value has none. */
export interface Extension {
  readonly name: string;
  readonly params: readonly (readonly [name: string, value: string | undefined])[];
}

/** A token, white space around it. */
const TOKEN = /[\t ]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[\t ]*/y;
/** A quoted string, white space around it. */
const QUOTED = /[\t ]*"((?:[^"\\]|\\.)*)"[\t ]*/sy;
const WHOLE_TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The list, or nothing for one that breaks the grammar. */
export function parseExtensions(header: string): Extension[] | undefined {
  const text = new Text(header);
  const list: Extension[] = [];
  do {
    const extension = extensionOf(text);
    if (extension === undefined) return undefined;
    list.push(extension);
  } while (text.take(','));
  return text.isAtEnd ? list : undefined;
}

/** `extension = extension-token *( ";" extension-param )` */
function extensionOf(text: Text): Extension | undefined {
  const name = text.match(TOKEN);
  if (name === undefined) return undefined;
  const params: [string, string | undefined][] = [];
  while (text.take(';')) {
    const param = text.match(TOKEN);
    if (param === undefined) return undefined;
    const hasValue = text.take('=');
    const value = hasValue ? valueOf(text) : undefined;
    if (hasValue && value === undefined) return undefined;
    params.push([param, value]);
  }
  return { name, params };
}

/** A token, or a quoted string that holds one. */
function valueOf(text: Text): string | undefined {
  const token = text.match(TOKEN);
  if (token !== undefined) return token;
  const value = text.match(QUOTED)?.replace(/\\(.)/gs, '$1');
  return value !== undefined && WHOLE_TOKEN.test(value) ? value : undefined;
}

/** A value and how far it is read. */
class Text {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  take(character: string): boolean {
    const isNext = this.#text[this.#at] === character;
    if (isNext) this.#at += 1;
    return isNext;
  }

  /** What comes next, if it is of this form. */
  match(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text);
    if (found === null) return undefined;
    this.#at = form.lastIndex;
    return found[1];
  }
}
