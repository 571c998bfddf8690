// Nearly every review is about an object that no move touches and that says nothing to us. The API server writes what identifies the object
// before the object itself, so that much is read, and the rest, which would cost more to parse than all the rules to judge, only searched.
//
//   no `zonespread.io` in the text, nor a `\u` that could hide it   →  no label, annotation, finalizer or kind of ours on anything in it
//   and nothing in flight by that namespace and name                →  no rule of SILENT has anything to say: allowed
//
// A rule that is not in SILENT, a text in another order, or any doubt: the whole review is read and judged. Equal keys twice in one object,
// which no encoder writes, are the one thing that is read differently here (the first counts) than there (the last does).

import { MalformedReview, reviewIn, type Review } from './review.ts';
import type { Rule, World } from './rules/rule.ts';

/** Rules that rest on a text of ours in the review, or on what is in flight by its namespace and name, and on nothing else. */
export const SILENT: ReadonlySet<string> = new Set(['gate', 'steer', 'set', 'scale', 'claim', 'volume', 'migration', 'policy', 'status', 'namespace', 'hand-made', 'evacuation']);

const OURS = 'zonespread.io';
const OBJECT = ',"object":';

export function allSilent(rules: readonly Rule[]): boolean {
  return rules.every(({ name }) => SILENT.has(name));
}

/** What the review is about (without its objects), when no rule can have anything to say. */
export function surelyAllowed(text: string, world: World): Review | undefined {
  const end = text.indexOf(OBJECT);
  if (end === -1 || text.includes(OURS) || text.includes('\\u') || !(text.endsWith('}}\n') || text.endsWith('}}'))) return undefined;
  const head = headIn(text.slice(0, end));
  return head === undefined || !isIdentified(head) || concerns(head, world) ? undefined : head;
}

/** What is not in the head may still come after the object. */
function isIdentified({ name, namespace, resource }: Review): boolean {
  return name !== '' && (namespace !== '' || resource.resource === 'persistentvolumes');
}

function headIn(start: string): Review | undefined {
  try {
    return reviewIn(`${start}}}`);
  } catch (error) {
    // Whoever reads the whole says what is wrong with it, if anything is.
    if (error instanceof MalformedReview) return undefined;
    throw error;
  }
}

function concerns({ resource, namespace, name }: Review, { inFlight }: World): boolean {
  switch (resource.resource) {
    case 'pods':
      return inFlight.steeringOfPod(namespace, name) !== undefined;
    case 'persistentvolumeclaims':
      return inFlight.claim(namespace, name) !== undefined;
    case 'persistentvolumes':
      return inFlight.volume(name).length > 0;
    case 'statefulsets':
      return inFlight.set(namespace, resource.group, name).length > 0;
    default:
      return true;
  }
}
