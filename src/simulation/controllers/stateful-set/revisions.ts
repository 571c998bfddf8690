// The revisions of a StatefulSet's template: one ControllerRevision for each, numbered, the newest one being what an update brings.

import { uidOf } from '../../../kubernetes/reading.ts';
import type { StatefulSet } from '../../../kubernetes/objects.ts';
import { Refusal, type Client } from '../../apiserver/contract.ts';
import { controllerRevisions, type ControllerRevision } from '../kinds.ts';
import { controllerOf, ownerReferenceTo, REVISION_LABEL } from './identity.ts';

export interface Revisions {
  current: ControllerRevision;
  update: ControllerRevision;
}

export interface RevisionsInput {
  set: StatefulSet;
  /** All that the set owns. */
  known: ControllerRevision[];
  client: Client;
}

/** Makes the revision of the present template if it is new, or brings it back to the front if it is an old one. @throws Refusal */
export async function revisionsOf({ set, known, client }: RevisionsInput): Promise<Revisions> {
  const sorted = known.toSorted((a, b) => a.revision - b.revision);
  const next = (sorted.at(-1)?.revision ?? 0) + 1;
  const wanted = newRevision(set, next);
  const equal = sorted.findLast((revision) => sameTemplate(revision, wanted));
  const update = equal === undefined ? await create(client, wanted) : await atFront(client, equal, { last: sorted.at(-1), next });
  const current = sorted.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
  return { current: current.metadata.name === update.metadata.name ? update : current, update };
}

/** Those that no pod and no status names, beyond the limit, oldest first. */
export function surplus(set: StatefulSet, known: ControllerRevision[], live: ReadonlySet<string>): ControllerRevision[] {
  const history = known.filter(({ metadata }) => !live.has(metadata.name)).toSorted((a, b) => a.revision - b.revision);
  const limit = typeof set.spec.revisionHistoryLimit === 'number' ? set.spec.revisionHistoryLimit : 10;
  return history.slice(0, Math.max(0, history.length - limit));
}

export function isOwnRevision(set: StatefulSet, revision: ControllerRevision): boolean {
  return revision.metadata.namespace === set.metadata.namespace && controllerOf(revision)?.uid === uidOf(set);
}

export function templateOf(set: StatefulSet, revision: ControllerRevision): StatefulSet['spec']['template'] {
  return (revision.data?.spec.template ?? set.spec.template) as StatefulSet['spec']['template'];
}

function newRevision(set: StatefulSet, revision: number): ControllerRevision {
  const template = structuredClone(set.spec.template) as Record<string, unknown>;
  // The same before the first status as after it: with a cache that does not show the revision yet, the second try finds the first one.
  const collisions = typeof set.status?.collisionCount === 'number' ? set.status.collisionCount : 0;
  const hash = hashOf(`${JSON.stringify(template)}${collisions}`);
  return {
    metadata: {
      name: `${set.metadata.name}-${hash}`,
      namespace: set.metadata.namespace ?? '',
      labels: { ...set.spec.template.metadata?.labels, [REVISION_LABEL]: `${set.metadata.name}-${hash}` },
      ownerReferences: [ownerReferenceTo(set)],
    },
    data: { spec: { template } },
    revision,
  };
}

async function create(client: Client, revision: ControllerRevision): Promise<ControllerRevision> {
  try {
    return await client.create(controllerRevisions, revision);
  } catch (error) {
    if (!(error instanceof Refusal) || error.reason !== 'AlreadyExists') throw error;
    const { namespace = '', name } = revision.metadata;
    const existing = await client.get(controllerRevisions, { namespace, name });
    // Of a set of that name before this one, or of our own that the cache does not show yet: the real one takes either.
    if (existing === undefined || !sameTemplate(existing, revision)) throw error;
    return existing;
  }
}

async function atFront(client: Client, equal: ControllerRevision, { last, next }: { last: ControllerRevision | undefined; next: number }): Promise<ControllerRevision> {
  if (last === undefined || equal.metadata.name === last.metadata.name) return equal;
  return client.update(controllerRevisions, { ...equal, revision: next });
}

function sameTemplate(left: ControllerRevision, right: ControllerRevision): boolean {
  return canonical(left.data) === canonical(right.data);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (isPlain(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1a, spelled as Kubernetes spells hashes: no vowels. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return Array.from(String(hash), (digit) => LETTERS[(digit.charCodeAt(0) * 7) % LETTERS.length]).join('');
}
