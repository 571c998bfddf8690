// Ways to spoil a review, as data that fast-check draws and shrinks: edits of what it says, and ways to write it down.
//
// A *neutral* edit touches nothing that a rule rests on; a *wild* one touches anything but what identifies the request and what the rules
// compare (PROTECTED); a *blind* one touches anything at all.

import * as fc from 'fast-check';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** How the JSON is written: all of it means the same. */
export interface Style {
  /** Orders keys; 0 leaves them as they came. */
  shuffle: number;
  /** One in so many keys is there twice, with nonsense first: the last one counts. */
  twiceOneIn: number;
  /** One in so many characters is written as \uXXXX. */
  escapeOneIn: number;
  indent: number;
}

export interface Edit {
  /** Which of the places that the edit may touch. */
  pick: number;
  what: 'remove' | 'replace' | 'add';
  value: Json;
}

const NONSENSE: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(null, true, false, 0, -1, 1e308, '', 'x', '\u0000', '😀', 'zonespread.io/zones', [], {}, [null], [[]], { metadata: null }, { name: 'web' }, '9'.repeat(300)),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
);

export const EDITS: fc.Arbitrary<Edit[]> = fc.array(fc.record({ pick: fc.nat(), what: fc.constantFrom('remove' as const, 'replace' as const, 'add' as const), value: NONSENSE }), { minLength: 1, maxLength: 8 });

/** Keys of one object are never told apart by a writer that puts the object before what identifies it: see shortcut.ts on equal keys. */
export const STYLE: fc.Arbitrary<Style> = fc.oneof(
  fc.record({ shuffle: fc.integer({ min: 1, max: 1e9 }), twiceOneIn: fc.constant(0), escapeOneIn: fc.constantFrom(0, 0, 7), indent: fc.constantFrom(0, 2) }),
  fc.record({ shuffle: fc.constant(0), twiceOneIn: fc.constantFrom(0, 3, 10), escapeOneIn: fc.constantFrom(0, 0, 7), indent: fc.constantFrom(0, 2) }),
);

type Path = readonly string[];

/** What rules may rest on, as paths in `request`; everything below them too. */
const PROTECTED = [
  'operation', 'kind', 'resource', 'subResource', 'name', 'namespace', 'uid', 'options', 'dryRun', 'userInfo.username', 'userInfo.groups',
  ...['object', 'oldObject'].flatMap((object) => ['apiVersion', 'kind', 'spec', 'status', ...['name', 'namespace', 'uid', 'labels', 'annotations', 'finalizers', 'deletionTimestamp', 'ownerReferences'].map((field) => `metadata.${field}`)].map((field) => `${object}.${field}`)),
];

/** Where something new says nothing to any rule: beside what is known, never in a spec or status. */
const ROOM = ['', 'request', 'request.userInfo', 'request.object', 'request.oldObject', 'request.object.metadata', 'request.oldObject.metadata', 'request.object.metadata.labels', 'request.object.metadata.annotations', 'request.oldObject.metadata.labels', 'request.oldObject.metadata.annotations'];

/** Facts about the object that no rule reads, with other values that they may have. */
const UNREAD: readonly [path: string, values: readonly Json[]][] = [
  ['request.uid', ['another', 'f"\\ü']],
  ['request.userInfo.uid', ['1', null]],
  ['request.userInfo.extra', [{ a: ['b'] }, null]],
  ['request.requestKind', [null, { group: 'x', version: 'v9', kind: 'Y' }]],
  ...['object', 'oldObject'].flatMap((object): [string, Json[]][] =>
    [
      ['managedFields', [[], null]],
      ['resourceVersion', ['1', '99999999']],
      ['generation', [1, 99]],
      ['creationTimestamp', ['2001-01-01T00:00:00Z', null]],
      ['generateName', ['web-', '']],
      ['selfLink', ['/x']],
    ].map(([field, values]) => [`request.${object}.metadata.${field as string}`, values as Json[]]),
  ),
];

export function neutrally(review: JsonObject, edits: readonly Edit[]): JsonObject {
  const result = structuredClone(review);
  for (const { pick, what, value } of edits) {
    if (what === 'add') {
      const room = at(result, split(ROOM[pick % ROOM.length]!));
      // Labels and annotations hold texts only, and the API server sees to it.
      const isText = /labels|annotations/.test(ROOM[pick % ROOM.length]!);
      if (isObject(room)) room[`example.com/unknown-${pick % 7}`] = isText ? String(pick) : structuredClone(value);
    } else {
      const [path, values] = UNREAD[pick % UNREAD.length]!;
      const parent = at(result, split(path).slice(0, -1));
      const key = split(path).at(-1)!;
      // A key that is not there stays away, so that what is null in a create stays null.
      if (isObject(parent) && key in parent) parent[key] = values[pick % values.length]!;
    }
  }
  return result;
}

export function wildly(review: JsonObject, edits: readonly Edit[]): JsonObject {
  return edited(review, edits, { mayEnter: (path) => path[0] === 'request' && !isProtected(path), mayTouch: (path) => path.length > 1 && !isProtected(path) && !holdsProtected(path) });
}

export function blindly(review: JsonObject, edits: readonly Edit[]): JsonObject {
  return edited(review, edits, { mayEnter: () => true, mayTouch: () => true });
}

interface Bounds {
  mayEnter: (path: Path) => boolean;
  mayTouch: (path: Path) => boolean;
}

function isProtected(path: Path): boolean {
  const text = path.slice(1).join('.');
  return PROTECTED.some((known) => text === known || text.startsWith(`${known}.`));
}

function holdsProtected(path: Path): boolean {
  const text = path.slice(1).join('.');
  return PROTECTED.some((known) => known.startsWith(`${text}.`));
}

function edited(review: JsonObject, edits: readonly Edit[], bounds: Bounds): JsonObject {
  const result = structuredClone(review);
  for (const { pick, what, value } of edits) {
    const path = placeIn(result, new Draws(pick), bounds);
    if (path === undefined) continue;
    const parent = at(result, path.slice(0, -1)) as JsonObject;
    const key = what === 'add' ? `added-${pick % 5}` : path.at(-1)!;
    if (what === 'add' && (Array.isArray(parent) || !bounds.mayTouch([...path.slice(0, -1), key]))) continue;
    if (what === 'remove' && !Array.isArray(parent)) delete parent[key];
    else parent[key] = structuredClone(value);
  }
  return result;
}

/** Down from the root, by chance, to something that may be touched. */
function placeIn(root: JsonObject, draws: Draws, { mayEnter, mayTouch }: Bounds): Path | undefined {
  let path: Path = [];
  for (let node: Json | undefined = root; ; node = at(root, path)) {
    const below = node !== null && typeof node === 'object' ? Object.keys(node).map((key) => [...path, key]).filter(mayEnter) : [];
    const mayStop = path.length > 0 && mayTouch(path);
    if (below.length === 0 || (mayStop && draws.oneIn(4))) return mayStop ? path : undefined;
    path = below[draws.below(below.length)]!;
  }
}

function at(value: Json, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((parent, key) => (parent !== null && typeof parent === 'object' ? (parent as JsonObject)[key] : undefined), value);
}

function split(path: string): Path {
  return path === '' ? [] : path.split('.');
}

function isObject(value: Json | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Cheap, and the same for the same seed. */
class Draws {
  #state: number;
  constructor(seed: number) {
    this.#state = seed + 1;
  }

  oneIn(count: number): boolean {
    return count > 0 && this.below(count) === 0;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}

export function written(value: Json, style: Style): string {
  const draws = new Draws(style.shuffle + style.twiceOneIn * 31 + style.escapeOneIn);
  const gap = style.indent === 0 ? '' : ' '.repeat(style.indent);
  const text = (part: string): string => {
    const plain = JSON.stringify(part);
    return style.escapeOneIn === 0 ? plain : plain.replaceAll(/[a-z.]/g, (letter) => (draws.oneIn(style.escapeOneIn) && !plain.includes('\\') ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}` : letter));
  };
  const write = (part: Json): string => {
    if (typeof part === 'string') return text(part);
    if (part === null || typeof part !== 'object') return JSON.stringify(part);
    if (Array.isArray(part)) return `[${part.map(write).join(`,${gap}`)}]`;
    const entries = Object.entries(part).flatMap(([key, inner]) => [...(draws.oneIn(style.twiceOneIn) ? [`${text(key)}:${gap}"nonsense"`] : []), `${text(key)}:${gap}${write(inner)}`]);
    if (style.shuffle !== 0) for (let last = entries.length - 1; last > 0; last--) swap(entries, last, draws.below(last + 1));
    return `{${gap}${entries.join(`,${gap}`)}${gap}}`;
  };
  return write(value);
}

function swap(list: string[], one: number, other: number): void {
  [list[one], list[other]] = [list[other]!, list[one]!];
}
