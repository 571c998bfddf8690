// HTML in which nothing that is put in can become markup: `html` escapes every value that is not itself made by `html`. Attributes are
// always written in double quotes.

export class Html {
  readonly text: string;

  /** Only for text that is known to be markup of ours. */
  constructor(text: string) {
    this.text = text;
  }
}

export type Value = Html | string | number | undefined | readonly Value[];

export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.reduce((text, part, at) => `${text}${escaped(values[at - 1])}${part}`));
}

export const NOTHING = new Html('');

/** Undefined is nothing. */
function escaped(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(escaped).join('');
  return escape(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** What turns the direction of the text around it, or cannot be seen, is shown as U+FFFD: a name must look like what it is. (Joiners are letters' business in some scripts.) */
const DECEIVING = /[\p{Cc}\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;
const BLANKS = /[\t\n\r]+/g;

export function escape(text: string): string {
  return text.toWellFormed().replaceAll(BLANKS, ' ').replaceAll(DECEIVING, '\uFFFD').replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
