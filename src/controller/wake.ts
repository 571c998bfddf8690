// Which work a change in the cluster wakes. Waking is only a hint: whatever is woken looks for itself, live.

import { MIGRATION_LABEL } from '../kubernetes/names.ts';
import type { KubernetesObject, Pod } from '../kubernetes/objects.ts';
import { labelOf } from '../kubernetes/reading.ts';
import { ended, podNameOf, type OrdinalMigration } from '../migration/record.ts';
import { watchedSets, type Watches } from './watches.ts';
import type { SetKey } from './cluster.ts';
import type { OwnWrites } from './own-writes.ts';
import type { Waker } from './queues.ts';

/** Changes of pods and nodes come in swarms: a set is looked at once they have settled a little. */
const SETTLE_MS = 500;
const NODES_SETTLE_MS = 5_000;

export const setKey = ({ namespace, name }: SetKey): string => `set ${namespace}/${name}`;
export const moveKey = ({ namespace, name }: SetKey): string => `move ${namespace}/${name}`;

export const evacuationKey = (name: string): string => `evacuation /${name}`;

export type KeyKind = 'set' | 'move' | 'evacuation';

export function parseKey(key: string): { kind: KeyKind; namespace: string; name: string } {
  const match = /^(?<kind>set|move|evacuation) (?<namespace>[^/]*)\/(?<name>.*)$/.exec(key);
  return { kind: (match?.groups?.['kind'] ?? 'set') as KeyKind, namespace: match?.groups?.['namespace'] ?? '', name: match?.groups?.['name'] ?? '' };
}

/** Connects the watches to the queue. A move is not woken by what its own visits have written. Gives back what ends it. */
export function wakeOnChange(watches: Watches, queue: Waker, own: Pick<OwnWrites, 'unlessOwn' | 'forget'>): () => void {
  const underWay = (): OrdinalMigration[] => watches.migrations.list().filter((record) => !ended(record));
  const wakeMoves = (concerns: (record: OrdinalMigration) => boolean): void => {
    for (const record of underWay()) if (concerns(record)) queue.add(moveKey(refOf(record)));
  };
  const wakeSets = (namespace: string | undefined, afterMs: number): void => {
    for (const set of watchedSets(watches)) if (namespace === undefined || set.metadata.namespace === namespace) queue.addAfter(setKey(refOf(set)), afterMs);
  };
  const setChanged = ({ object }: { object: KubernetesObject }): void => {
    queue.add(setKey(refOf(object)));
    wakeMoves((record) => record.metadata.namespace === object.metadata.namespace && record.spec.statefulSetRef.name === object.metadata.name);
  };
  const ends = [
    watches.sets.onChange(setChanged),
    watches.kruiseSets?.onChange(setChanged),
    watches.migrations.onChange(({ type, object }) => {
      if (type === 'deleted') own.forget(object);
      else own.unlessOwn(object, () => queue.add(moveKey(refOf(object))));
      queue.addAfter(setKey(setRefOf(object)), ended(object) || type === 'added' ? 0 : SETTLE_MS);
    }),
    watches.pods.onChange(({ object }) => {
      // Its own pod, and its placeholder.
      const held = labelOf(object, MIGRATION_LABEL);
      wakeMoves((record) => record.metadata.namespace === object.metadata.namespace && (podNameOf(record) === object.metadata.name || (held !== undefined && record.metadata.uid === held)));
      const owner = ownerOf(object);
      if (owner !== undefined) queue.addAfter(setKey({ namespace: object.metadata.namespace ?? '', name: owner }), SETTLE_MS);
    }),
    watches.claims.onChange(({ object }) => wakeMoves((record) => record.metadata.namespace === object.metadata.namespace && names(record, 'claim').includes(object.metadata.name))),
    watches.volumes.onChange(({ object }) => wakeMoves((record) => names(record, 'volume').includes(object.metadata.name))),
    watches.attachments.onChange(({ object }) => wakeMoves((record) => names(record, 'volume').includes(object.spec.source.persistentVolumeName ?? ''))),
    watches.nodes.onChange(({ object, previous }) => {
      wakeMoves((record) => record.status?.nodeName === object.metadata.name);
      if (nodeNews(object) !== nodeNews(previous)) wakeSets(undefined, NODES_SETTLE_MS);
    }),
    watches.evacuations.onChange(({ type, object }) => {
      if (type !== 'deleted') queue.addAfter(evacuationKey(object.metadata.name), SETTLE_MS);
      // Its status is no news to the sets, and its spec cannot change.
      if (type !== 'modified') wakeSets(undefined, SETTLE_MS);
    }),
    watches.budgets.onChange(({ object }) => wakeSets(object.metadata.namespace, SETTLE_MS)),
    watches.namespaces.onChange(({ object }) => {
      wakeSets(object.metadata.name, SETTLE_MS);
      wakeMoves((record) => record.metadata.namespace === object.metadata.name);
    }),
  ];
  return () => {
    for (const end of ends) end?.();
  };
}

export function refOf(object: KubernetesObject): SetKey {
  return { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}

/** The set that the record is about. */
export function setRefOf({ metadata, spec }: OrdinalMigration): SetKey {
  return { namespace: metadata.namespace ?? '', name: spec.statefulSetRef.name };
}

function ownerOf(pod: Pod): string | undefined {
  return pod.metadata.ownerReferences?.find(({ kind, controller }) => kind === 'StatefulSet' && controller === true)?.name;
}

function names(record: OrdinalMigration, of: 'claim' | 'volume'): (string | undefined)[] {
  return (record.status?.claims ?? []).flatMap((claim) => (of === 'claim' ? [claim.claimName] : [claim.source.pv, claim.target?.pv]));
}

/** What of a node matters to a plan: a heartbeat is no news. */
function nodeNews(node: KubernetesObject | undefined): string {
  if (node === undefined) return '';
  const { labels } = node.metadata;
  const { unschedulable, taints } = node.spec as { unschedulable?: boolean; taints?: unknown };
  const ready = ((node.status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions ?? []).find(({ type }) => type === 'Ready')?.status;
  return JSON.stringify([labels, unschedulable, taints, ready]);
}
