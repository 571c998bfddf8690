// What a StatefulSet's status says of its pods.

import type { Pod, StatefulSet } from '../../../kubernetes/objects.ts';
import { isTerminating } from '../../../kubernetes/reading.ts';
import { isCreated, isRunningAndReady, replicasOf, revisionOf } from './identity.ts';

export interface SetStatus {
  observedGeneration: number;
  replicas: number;
  readyReplicas: number;
  availableReplicas: number;
  currentReplicas: number;
  updatedReplicas: number;
  currentRevision: string;
  updateRevision: string;
  collisionCount: number;
}

export interface Counted {
  members: readonly Pod[];
  /** Names. */
  revisions: { current: string; update: string };
  isAvailable: (pod: Pod) => boolean;
}

export function statusOf(set: StatefulSet, { members, revisions, isAvailable }: Counted): SetStatus {
  const created = members.filter(isCreated);
  const living = created.filter((pod) => !isTerminating(pod));
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: created.length,
    readyReplicas: members.filter(isRunningAndReady).length,
    availableReplicas: members.filter(isAvailable).length,
    currentReplicas: living.filter((pod) => revisionOf(pod) === revisions.current).length,
    updatedReplicas: living.filter((pod) => revisionOf(pod) === revisions.update).length,
    currentRevision: revisions.current,
    updateRevision: revisions.update,
    collisionCount: typeof set.status?.collisionCount === 'number' ? set.status.collisionCount : 0,
  };
}

/** Once every replica is updated and Ready, the update is what is current. */
export function completed(set: StatefulSet, status: SetStatus): SetStatus {
  const rolls = set.spec.updateStrategy?.type === 'RollingUpdate';
  const all = replicasOf(set);
  const done = rolls && status.updatedReplicas === all && status.readyReplicas === all && status.replicas === all;
  return done ? { ...status, currentReplicas: status.updatedReplicas, currentRevision: status.updateRevision } : status;
}

/** Counts of nothing are left out, as the real API does: a status that says the same is not written again. */
export function isNews(set: StatefulSet, status: SetStatus): boolean {
  const before = set.status ?? {};
  return Object.entries(status).some(([field, value]) => (before[field] ?? (typeof value === 'number' ? 0 : '')) !== value) || before.observedGeneration === undefined;
}
