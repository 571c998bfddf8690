// Lists: all at once or in pages, each page as of the version of the first one.

import type { KubernetesObject } from '../../kubernetes/objects.ts';
import { Refusal } from './contract.ts';
import type { Kind } from './kinds/kind.ts';
import { badRequest, expired, tooLargeVersion } from './refusals.ts';
import { selectorOf, type Selecting, type Selector } from './selection.ts';
import { keyOf, type Store } from './store.ts';

export interface ListRequest extends Selecting {
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  /** `Exact` or `NotOlderThan`. */
  resourceVersionMatch?: string | undefined;
}

export interface Page {
  items: KubernetesObject[];
  resourceVersion: number;
  continue: string | undefined;
  remaining: number | undefined;
}

interface Place {
  version: number;
  /** The last key of the page before. */
  after: string;
}

const PLACE_EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** @throws Refusal 400, 410 when the place or the version is compacted, 504 for a version that is yet to come */
export function listPage(store: Store, kind: Kind, request: ListRequest): Page {
  const selector = selectorOf(kind, request);
  const place = request.continue === undefined || request.continue === '' ? undefined : readPlace(store, request.continue);
  const version = place?.version ?? wantedVersion(store, request);
  const all = version === store.version ? store.list(kind.resource, selector.namespace) : store.listAt(kind.resource, version, selector.namespace);
  const rest = all.filter((object) => (place === undefined || keyOf(kind.resource, object) > place.after) && selector.matches(object));
  return cut(rest, { kind, version, selector, limit: request.limit ?? 0 });
}

function cut(rest: KubernetesObject[], { kind, version, selector, limit }: { kind: Kind; version: number; selector: Selector; limit: number }): Page {
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const last = items.at(-1);
  if (items.length === rest.length || last === undefined) return { items, resourceVersion: version, continue: undefined, remaining: undefined };
  const token = writePlace({ version, after: keyOf(kind.resource, last) });
  // With a selector the server does not know how many are left.
  return { items, resourceVersion: version, continue: token, remaining: selector.everything ? rest.length - items.length : undefined };
}

/** The version to read at: the present one unless an exact one is asked for. */
function wantedVersion(store: Store, { resourceVersion = '', resourceVersionMatch, limit }: ListRequest): number {
  if (resourceVersion === '' || resourceVersion === '0') return store.version;
  const version = readVersion(resourceVersion);
  if (version > store.version) throw tooLargeVersion(version, store.version);
  const exact = resourceVersionMatch === 'Exact' || (resourceVersionMatch === undefined && (limit ?? 0) > 0);
  if (!exact) return store.version;
  if (version < store.compacted) throw expired(`The resourceVersion for the provided list is too old.`);
  return version;
}

/** @throws Refusal 400 */
export function readVersion(text: string): number {
  if (!/^\d+$/.test(text)) throw badRequest(`invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function writePlace({ version, after }: Place): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start: `${after}\u0000` })).toString('base64url');
}

/** @throws Refusal 400 for what we never gave out, 410 for what is compacted (with a token for the inconsistent rest) */
function readPlace(store: Store, token: string): Place {
  const place = decodedPlace(token);
  if (place === undefined) throw badRequest('invalid continue token: continue key is not valid');
  if (place.version !== -1 && place.version < store.compacted) {
    const { body } = expired(PLACE_EXPIRED);
    throw new Refusal({ ...body, metadata: { continue: writePlace({ version: -1, after: place.after }) } as unknown as Record<string, never> });
  }
  return place.version === -1 ? { ...place, version: store.version } : place;
}

function decodedPlace(token: string): Place | undefined {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as { rv?: unknown; start?: unknown };
    return typeof rv === 'number' && typeof start === 'string' ? { version: rv, after: start.slice(0, -1) } : undefined;
  } catch {
    return undefined; // The caller refuses it.
  }
}
