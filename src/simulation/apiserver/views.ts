// How a client wants to see objects, as its Accept header says: whole, as a table for people (kubectl get), or their metadata alone.

import type { KubernetesObject } from '../../kubernetes/objects.ts';
import type { Clock } from '../../ports/clock.ts';
import { textOf } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import type { Page } from './listing.ts';
import { badRequest, notAcceptable } from './refusals.ts';
import { columnsOf } from './tables/columns.ts';

/** Texts of JSON. */
export interface View {
  one(kind: Kind, object: object): string;
  list(kind: Kind, page: Page): string;
  /** For the events of one watch, each in turn; undefined: as they are. */
  inWatch(kind: Kind): ((object: KubernetesObject) => object) | undefined;
}

const META = 'meta.k8s.io/v1';

/** The first of the accepted types that this server can give. @throws Refusal 406, 400 for an unknown `includeObject` */
export function viewFor(accept: string, { clock, includeObject }: { clock: Clock; includeObject: string }): View {
  for (const type of accept.split(',')) {
    const view = viewOf(parametersOf(type), { clock, includeObject });
    if (view !== undefined) return view;
  }
  throw notAcceptable();
}

interface Accepted {
  type: string;
  as: string;
  g: string;
  v: string;
}

function parametersOf(accepted: string): Accepted {
  const [type = '', ...parameters] = accepted.split(';').map((part) => part.trim());
  return { type, as: '', g: '', v: '', ...Object.fromEntries(parameters.map((parameter) => parameter.split('='))) };
}

function viewOf({ type, as, g, v }: Accepted, options: { clock: Clock; includeObject: string }): View | undefined {
  if (!['application/json', 'application/*', '*/*'].includes(type)) return undefined;
  if (as === '') return WHOLE;
  if (g !== 'meta.k8s.io' || v !== 'v1') return undefined;
  if (as === 'Table') return tableView(options);
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList' ? METADATA : undefined;
}

/** An answer about something else than objects of the kind: a Status, a Scale. */
function isOther({ resource }: Kind, object: object): boolean {
  return (object as KubernetesObject).kind !== resource.kind;
}

function typeOf({ resource: { group, version } }: Kind): string {
  return group === '' ? version : `${group}/${version}`;
}

function listMetadata(page: Page): object {
  return {
    resourceVersion: String(page.resourceVersion),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
}

// ── Whole ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Texts are kept with the objects, so that the same answer is not written twice. */
const WHOLE: View = {
  one: (_kind, object) => textOf(object),
  list: (kind, page) => {
    const head = JSON.stringify({ kind: `${kind.resource.kind}List`, apiVersion: typeOf(kind), metadata: listMetadata(page) });
    return `${head.slice(0, -1)},"items":[${page.items.map(textOf).join(',')}]}`;
  },
  inWatch: () => undefined,
};

// ── Metadata alone ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const METADATA: View = {
  one: (kind, object) => textOf(isOther(kind, object) ? object : metadataOf(object as KubernetesObject)),
  list: (_kind, page) => JSON.stringify({ kind: 'PartialObjectMetadataList', apiVersion: META, metadata: listMetadata(page), items: page.items.map(metadataOf) }),
  inWatch: () => metadataOf,
};

function metadataOf({ metadata }: KubernetesObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: META, metadata };
}

// ── Tables ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const ROW_OBJECTS: Record<string, (object: KubernetesObject) => object | null> = {
  '': metadataOf,
  Metadata: metadataOf,
  Object: (object) => object,
  None: () => null,
};

function tableView({ clock, includeObject }: { clock: Clock; includeObject: string }): View {
  const rowObject = ROW_OBJECTS[includeObject];
  if (rowObject === undefined) throw badRequest(`Unable to convert to Table as requested: includeObject: Unsupported value: "${includeObject}": supported values: "None", "Metadata", "Object"`);
  const table = (kind: Kind, metadata: object, { items, headed = true }: { items: KubernetesObject[]; headed?: boolean }): object => {
    const columns = columnsOf(kind);
    const now = clock.now();
    return {
      kind: 'Table',
      apiVersion: META,
      metadata,
      columnDefinitions: headed ? columns.map(({ cell: _cell, ...definition }) => definition) : null,
      rows: items.map((object) => ({ cells: columns.map(({ cell }) => cell(object, now)), object: rowObject(object) })),
    };
  };
  const ofOne = (kind: Kind, object: KubernetesObject, headed?: boolean): object => table(kind, { resourceVersion: object.metadata.resourceVersion }, { items: [object], ...(headed === undefined ? {} : { headed }) });
  return {
    one: (kind, object) => textOf(isOther(kind, object) ? object : ofOne(kind, object as KubernetesObject)),
    list: (kind, page) => JSON.stringify(table(kind, listMetadata(page), { items: page.items })),
    inWatch: (kind) => {
      // Only the first event says what the columns are.
      let first = true;
      return (object) => {
        const headed = first;
        first = false;
        return ofOne(kind, object, headed);
      };
    },
  };
}
