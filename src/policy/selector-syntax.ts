// Whether a text is a label selector (`role=primary`, `tier in (a,b)`, `!legacy`). Only its form is judged here, at admission; it is
// matched against pods elsewhere, and a test holds the two to the same language.

const NAME_PART = '[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?';
const DNS_LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const KEY = `(?:(?=[^/]{1,253}/)${DNS_LABEL}(?:\\.${DNS_LABEL})*/)?${NAME_PART}`;
const VALUE = `(?:${NAME_PART})?`;
const REQUIREMENT = new RegExp(`^(?:!?\\s*${KEY}|${KEY}\\s*(?:==|!=|=)\\s*${VALUE}|${KEY}\\s+(?:in|notin)\\s*\\(\\s*${VALUE}\\s*(?:,\\s*${VALUE}\\s*)*\\))$`);

/** Undefined when it is one. */
export function selectorProblem(text: string): string | undefined {
  if (text.trim() === '') return 'it is empty, which would select every pod';
  const wrong = splitAtCommas(text).find((part) => !REQUIREMENT.test(part));
  return wrong === undefined ? undefined : `"${wrong}" is none of key=value, key!=value, key in (a,b), key notin (a,b), key, !key`;
}

/** Commas inside parentheses belong to a list of values. One pass: the webhook reads texts of any length here. */
function splitAtCommas(text: string): string[] {
  const parts = [''];
  let inList = false;
  for (const character of text) {
    if (character === '(') inList = true;
    if (character === ')') inList = false;
    if (character === ',' && !inList) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim());
}
