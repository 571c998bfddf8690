// What is wrong with an annotation, said so that whoever wrote it can put it right without looking anything up.

import { ANNOTATION_NAMES, ANNOTATIONS, keyOf, PREFIX, type AnnotationName } from './annotations.ts';
import { nearest } from './suggestion.ts';

export type Holder = 'StatefulSet' | 'Namespace';

export interface Problem {
  /** `zonespread.io/max-skew`. */
  key: string;
  value: string;
  /** The object that carries it. */
  on: Holder;
  allowed: string;
  example: string;
  /** All of the above in one text, and what to do. */
  message: string;
}

export interface Declared {
  name: AnnotationName;
  value: string;
  on: Holder;
}

export function problem({ name, value, on }: Declared, why: string): Problem {
  const { allowed, example } = ANNOTATIONS[name];
  const advice = example === '' ? 'Remove it.' : `Allowed: ${allowed}; for example ${keyOf(name)}: "${example}". Correct or remove it.`;
  return { key: keyOf(name), value, on, allowed, example, message: `${on} annotation ${keyOf(name)}: "${value}" is refused: ${why}. ${advice}` };
}

/** For `pin` and `approve` on a Namespace. */
export function misplaced(declared: Declared): Problem {
  const { allowed, example } = ANNOTATIONS[declared.name];
  const key = keyOf(declared.name);
  return {
    key,
    value: declared.value,
    on: declared.on,
    allowed,
    example,
    message: `Namespace annotation ${key}: "${declared.value}" is refused: it is about the ordinals of one set. Remove it from the Namespace and put it on the StatefulSet, for example ${key}: "${example}".`,
  };
}

/** Keys of other features that may stand on the same objects: the admission guard's way out. */
const ELSEWHERE = `${PREFIX}override`;

/** Admission answers with a handful of warnings; more would be cut anyway. */
const MOST_WARNINGS = 20;

/** A warning for each key under our prefix that means nothing: most are slips that would leave a default in force unnoticed. */
export function unknownKeys(annotations: Record<string, string>, on: Holder): string[] {
  const known = new Set([...ANNOTATION_NAMES.map(keyOf), ELSEWHERE]);
  const unknown = Object.keys(annotations).filter((key) => key.startsWith(PREFIX) && !known.has(key));
  return unknown
    .toSorted()
    .slice(0, MOST_WARNINGS)
    .map((key) => {
      const guess = nearest(key.slice(PREFIX.length), ANNOTATION_NAMES);
      return `${on} annotation ${key} is unknown and has no effect. ${guess === undefined ? 'Remove it.' : `Did you mean ${keyOf(guess)}?`}`;
    });
}
