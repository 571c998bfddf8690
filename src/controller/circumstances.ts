// What a move was begun under: policy, spec and nodes, as short digests on its record. A move that failed under other circumstances than
// those of today says little about the next try, so the back-off starts over.

import { createHash } from 'node:crypto';
import { CIRCUMSTANCES_ANNOTATION } from '../kubernetes/names.ts';
import type { StatefulSet } from '../kubernetes/objects.ts';
import type { NodeFacts } from '../layout/nodes.ts';
import { statusOf, type OrdinalMigration } from '../migration/record.ts';
import type { Policy } from '../policy/policy.ts';
import { canonicalJson } from './canonical-json.ts';

export interface Given {
  set: StatefulSet;
  policy: Policy;
  nodes: readonly NodeFacts[];
}

/** Those of a move into that zone, now: `<policy>.<spec>.<nodes>`. */
export function circumstancesOf({ set, policy, nodes }: Given, targetZone: string): string {
  // Scaling mends nothing, and an autoscaler does it all the time.
  const { replicas: _scaled, ...spec } = set.spec;
  const there = nodes.filter(({ zone }) => zone === targetZone).map(({ name, ready, schedulable, taints, labels }) => ({ name, ready, schedulable, taints, labels }));
  return [policy, spec, there.toSorted((a, b) => (a.name < b.name ? -1 : 1))].map(digestOf).join('.');
}

/** Of these failures other nodes are news; a snapshot that failed at the cloud fails with other nodes, too, and nodes come and go all day. */
const ABOUT_NODES = new Set(['Unschedulable', 'NodeNotReady', 'PodMissing', 'AwaitingReady', 'VolumeInUse']);

/** Whether what made the move fail may have been mended since. Nobody knows of a move by hand, or of one that an older version began. */
export function mendedSince(record: OrdinalMigration, today: (targetZone: string) => string): boolean {
  const then = record.metadata.annotations?.[CIRCUMSTANCES_ANNOTATION]?.split('.');
  if (then?.length !== 3) return false;
  const [policy, spec, nodes] = today(record.spec.targetZone).split('.');
  return then[0] !== policy || then[1] !== spec || (ABOUT_NODES.has(statusOf(record).reason ?? '') && then[2] !== nodes);
}

function digestOf(part: unknown): string {
  return createHash('sha256').update(canonicalJson(part)).digest('hex').slice(0, 12);
}
