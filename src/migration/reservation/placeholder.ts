// The placeholder of a move: a pod that asks the scheduler for all that the ordinal's pod will ask for in the target zone, and runs nothing.
// Pure.
//
// It has none of the workload's labels: no selector of a set, a Service or a budget may find it, nobody may adopt it. So other pods' rules
// about the workload do not see it; its own rules are the workload's, and where they differ they ask for less, never for more: what it is
// refused for, the pod would be refused for, too. The planner has judged the rest. It has no claims, so it holds no room for disks.

import { MIGRATION_LABEL, PLACEHOLDER_GATE, RESERVES_ANNOTATION, ROLE_LABEL, VELERO_EXCLUDE_LABEL } from '../../kubernetes/names.ts';
import type { PersistentVolume, Pod, PodSpec } from '../../kubernetes/objects.ts';
import type { Container } from '../../planner/placement/containers.ts';
import { courseOf, MIGRATION_API_VERSION, ordinalMigrations, phaseOf, podNameOf, statusOf, STEPS, type OrdinalMigration, type StepName } from '../record.ts';
import { placeholderContainers } from './containers.ts';
import { affinityOf, spreadOf } from './landing-rules.ts';

export const PLACEHOLDER_ROLE = 'placeholder';

/** One for each record, whoever makes it how often. */
export function placeholderName({ metadata }: OrdinalMigration): string {
  return `zonespread-${metadata.uid ?? ''}`;
}

export function isPlaceholder({ metadata }: Pod): boolean {
  return metadata.labels?.[ROLE_LABEL] === PLACEHOLDER_ROLE && metadata.labels[MIGRATION_LABEL] !== undefined;
}

/**
 * Whether the record wants its landing node held: from `reserve` until the pod is let go there, also on the way back to another try. One that
 * is undone, or Frozen for nobody knows how long, holds nothing.
 */
export function isRoomWanted(record: OrdinalMigration): boolean {
  const { step = 'rehearse', resumeAt } = statusOf(record);
  const phase = phaseOf(record);
  if (phase === 'RollingBack') return resumeAt !== undefined;
  const place = STEPS.indexOf(step as StepName);
  return phase === 'Running' && courseOf(record) === 'Forward' && place >= STEPS.indexOf('reserve') && place <= STEPS.indexOf('ungate');
}

export interface PlaceholderPlan {
  record: OrdinalMigration;
  /** The ordinal's pod as the API server would make it: defaults, and what other webhooks add, are in it. */
  like: Pod;
  /** As the new ones will be. */
  volumes: readonly PersistentVolume[];
  priorityClassName: string;
  /** What it runs. */
  image: string;
  /** Has the workload's images pulled. */
  prepull: boolean;
}

export function placeholderPod(plan: PlaceholderPlan): Pod {
  const { record, like, priorityClassName } = plan;
  const { spec } = like;
  return {
    metadata: {
      namespace: record.metadata.namespace ?? '',
      name: placeholderName(record),
      labels: { [MIGRATION_LABEL]: record.metadata.uid ?? '', [ROLE_LABEL]: PLACEHOLDER_ROLE, [VELERO_EXCLUDE_LABEL]: 'true', ...NO_SIDECARS.labels },
      annotations: { [RESERVES_ANNOTATION]: `room for ${podNameOf(record)} in zone ${record.spec.targetZone}, until it has moved there`, ...STAYS_PUT, ...NO_SIDECARS.annotations },
      // Not as its controller: a budget over all pods of the namespace asks the controllers of its pods for their scale, and fails.
      ownerReferences: [{ apiVersion: MIGRATION_API_VERSION, kind: ordinalMigrations.kind, name: record.metadata.name, uid: record.metadata.uid ?? '' }],
    },
    spec: {
      ...copied(spec),
      affinity: affinityOf(plan),
      topologySpreadConstraints: spreadOf(plan),
      priorityClassName,
      preemptionPolicy: 'Never',
      readinessGates: [{ conditionType: PLACEHOLDER_GATE }],
      terminationGracePeriodSeconds: 0,
      // A container that only has its image pulled ends at once, and for good.
      restartPolicy: plan.prepull ? 'Never' : 'Always',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: NOBODY, runAsGroup: NOBODY, seccompProfile: { type: 'RuntimeDefault' } },
      containers: placeholderContainers(plan),
    },
  };
}

/** What injects containers into every pod has added them to the ordinal's, whose containers are all here already. */
const NO_SIDECARS = { labels: { 'sidecar.istio.io/inject': 'false' }, annotations: { 'linkerd.io/inject': 'disabled' } };

/** The node that it holds is about to be used: whoever takes idle nodes away leaves it. */
const STAYS_PUT = { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false', 'karpenter.sh/do-not-disrupt': 'true' };

/** The pause image's own user. */
const NOBODY = 65_535;

const COPIED = ['nodeSelector', 'tolerations', 'schedulerName', 'runtimeClassName', 'imagePullSecrets', 'serviceAccountName'] as const;

function copied(spec: PodSpec): Partial<PodSpec> {
  const { requests, limits } = (spec['resources'] as Container['resources']) ?? {};
  const ofPod = requests === undefined && limits === undefined ? {} : { resources: { ...(requests === undefined ? {} : { requests }), ...(limits === undefined ? {} : { limits }) } };
  return { ...Object.fromEntries(COPIED.flatMap((field) => (spec[field] === undefined ? [] : [[field, spec[field]]]))), ...ofPod };
}
