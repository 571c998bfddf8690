// What a placeholder asks of the scheduler, against what the pod that it stands for will ask: judged by the planner's own filters where they
// have a say.

import { describe, expect, it } from 'vitest';
import { MIGRATION_LABEL, ROLE_LABEL } from '../../../src/kubernetes/names.ts';
import type { PersistentVolume, Pod, PodSpec } from '../../../src/kubernetes/objects.ts';
import { isPlaceholder, isRoomWanted, placeholderName, placeholderPod } from '../../../src/migration/reservation/placeholder.ts';
import { containersThatPull } from '../../../src/migration/reservation/containers.ts';
import type { OrdinalMigration, OrdinalMigrationStatus } from '../../../src/migration/record.ts';
import { requestsOf } from '../../../src/planner/placement/resources.ts';
import { NAMESPACE, volume } from '../../builders/kubernetes.ts';

const LABELS = { app: 'web', 'zonespread.io/probe': 'uid-1' };

function record(status: OrdinalMigrationStatus = {}): OrdinalMigration {
  return { metadata: { namespace: NAMESPACE, name: 'web-2-bcdfg', uid: 'uid-1' }, spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 2, targetZone: 'b' }, status };
}

function standIn(spec: Partial<PodSpec> = {}, more: { prepull?: boolean; volumes?: PersistentVolume[] } = {}): Pod {
  const like: Pod = { metadata: { namespace: NAMESPACE, name: 'web-2-probe-xxxxx', labels: LABELS }, spec: { containers: [{ name: 'main', image: 'web:1' }], ...spec } };
  return placeholderPod({ record: record(), like, volumes: [volume({ zone: 'b' })], priorityClassName: 'zonespread-below-0', image: 'pause', prepull: false, ...more });
}

const inZoneB = { key: 'topology.diskplugin.csi.alibabacloud.com/zone', operator: 'In', values: ['b'] };
const affinity = (pod: Pod) => pod.spec.affinity as Record<string, { requiredDuringSchedulingIgnoredDuringExecution?: unknown }>;

describe('who finds it', () => {
  it('is nobody but its record: it has none of the workload\'s labels, no controller, and is never Ready', () => {
    const { metadata, spec } = standIn();
    expect(metadata.name).toBe(placeholderName(record()));
    expect(metadata.labels).toMatchObject({ [MIGRATION_LABEL]: 'uid-1', [ROLE_LABEL]: 'placeholder' });
    expect(metadata.labels).not.toHaveProperty('app');
    expect(metadata.labels).not.toHaveProperty('zonespread.io/probe');
    expect(metadata.ownerReferences).toEqual([{ apiVersion: 'zonespread.io/v1alpha1', kind: 'OrdinalMigration', name: 'web-2-bcdfg', uid: 'uid-1' }]);
    expect(spec['readinessGates']).toEqual([{ conditionType: 'zonespread.io/placeholder' }]);
    expect(isPlaceholder({ metadata, spec })).toBe(true);
  });

  it('makes nobody go, goes at once, runs nothing of the workload, and needs no privilege', () => {
    const { spec } = standIn({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-2' } }], schedulingGates: [{ name: 'zonespread.io/migrating' }] });
    expect(spec).toMatchObject({ priorityClassName: 'zonespread-below-0', preemptionPolicy: 'Never', terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } });
    expect(spec.volumes).toBeUndefined();
    expect(spec.schedulingGates).toBeUndefined();
    expect(spec.containers).toEqual([expect.objectContaining({ name: 'main', image: 'pause', securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } } })]);
  });
});

describe('how much it holds', () => {
  const request = (cpu: string, memory = '1Gi') => ({ requests: { cpu, memory } });
  const SPECS: Record<string, Partial<PodSpec>> = {
    'of a pod that asks for nothing': {},
    'of containers with limits alone': { containers: [{ name: 'main', image: 'x', resources: { limits: { cpu: '500m', memory: '1Gi' } } }] },
    'of several containers': { containers: [{ name: 'main', image: 'x', resources: request('500m') }, { name: 'log', image: 'x', resources: request('1') }] },
    'of a sidecar': { initContainers: [{ name: 'mesh', image: 'y', restartPolicy: 'Always', resources: request('200m') }], containers: [{ name: 'main', image: 'x', resources: request('500m') }] },
    'of an init container that needs more than the rest': { initContainers: [{ name: 'load', image: 'y', resources: request('3', '8Gi') }], containers: [{ name: 'main', image: 'x', resources: request('500m') }] },
    'of an init container beside a sidecar': { initContainers: [{ name: 'mesh', image: 'y', restartPolicy: 'Always', resources: request('200m') }, { name: 'load', image: 'y', resources: request('3', '512Mi') }], containers: [{ name: 'main', image: 'x', resources: request('500m') }] },
    'of an extended resource in an init container': { initContainers: [{ name: 'load', image: 'y', resources: { requests: { 'example.com/gpu': '2' }, limits: { 'example.com/gpu': '2' } } }], containers: [{ name: 'main', image: 'x' }] },
    'of resources of the pod as a whole': { resources: { requests: { cpu: '4', memory: '4Gi' } }, containers: [{ name: 'main', image: 'x', resources: request('500m') }] },
  };

  it.each(Object.entries(SPECS))('is what the scheduler counts %s, with images pulled or without', (_of, spec) => {
    const wanted = [...requestsOf({ spec: { containers: [{ name: 'main', image: 'web:1' }], ...spec } })].filter(([, amount]) => amount > 0n);
    for (const prepull of [false, true]) {
      const held = [...requestsOf({ spec: standIn(spec, { prepull }).spec })].filter(([, amount]) => amount > 0n);
      expect(new Map(held)).toEqual(new Map(wanted));
    }
  });

  it('is both in requests and in limits where nothing can be overcommitted', () => {
    const spec = SPECS['of an extended resource in an init container'] ?? {};
    const rest = standIn(spec).spec.containers?.find(({ name }) => name === 'zonespread-rest');
    expect(rest?.['resources']).toEqual({ requests: { 'example.com/gpu': '2' }, limits: { 'example.com/gpu': '2' } });
  });

  it('leaves what a runtime class adds to whoever adds it', () => {
    const { spec } = standIn({ runtimeClassName: 'kata', overhead: { cpu: '250m' } });
    expect(spec['runtimeClassName']).toBe('kata');
    expect(spec['overhead']).toBeUndefined();
    expect(spec.containers).toHaveLength(1);
  });

  it('has the host ports', () => {
    const { spec } = standIn({ containers: [{ name: 'main', image: 'x', ports: [{ containerPort: 80 }, { containerPort: 5432, hostPort: 15432, protocol: 'TCP' }] }] });
    expect(spec.containers?.[0]?.['ports']).toEqual([{ containerPort: 15432, hostPort: 15432, protocol: 'TCP' }]);
  });
});

describe('where it may go', () => {
  it('is where the new volume will be reached, and where the pod may go', () => {
    const own = { key: 'disk', operator: 'In', values: ['fast'] };
    const { spec } = standIn({ nodeSelector: { pool: 'db' }, tolerations: [{ key: 'db', operator: 'Exists' }], schedulerName: 'other', affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [own] }, { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }] } } } });
    expect(spec).toMatchObject({ nodeSelector: { pool: 'db' }, tolerations: [{ key: 'db', operator: 'Exists' }], schedulerName: 'other' });
    expect(affinity({ metadata: { name: '' }, spec })['nodeAffinity']?.requiredDuringSchedulingIgnoredDuringExecution).toEqual({
      nodeSelectorTerms: [{ matchExpressions: [own, inZoneB] }, { matchExpressions: [inZoneB], matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
    });
  });

  it('asks once of two volumes that are alike, and by the zone of nodes where volumes do not say', () => {
    const terms = (volumes: PersistentVolume[]) => affinity(standIn({}, { volumes }))['nodeAffinity']?.requiredDuringSchedulingIgnoredDuringExecution;
    expect(terms([volume({ zone: 'b' }), volume({ zone: 'b', claim: 'log-web-2' })])).toEqual({ nodeSelectorTerms: [{ matchExpressions: [inZoneB] }] });
    expect(terms([])).toEqual({ nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: ['b'] }] }] });
  });

  it('keeps apart from whom the pod keeps apart, but for the pod itself, which is gone by then', () => {
    const term = { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'kubernetes.io/hostname' };
    const pod = standIn({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } });
    expect(affinity(pod)['podAntiAffinity']?.requiredDuringSchedulingIgnoredDuringExecution).toEqual([
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'statefulset.kubernetes.io/pod-name', operator: 'NotIn', values: ['web-2'] }] } },
    ]);
  });

  it('goes near whom the pod wants to be near, but for its own like, of whom it could be the first', () => {
    const near = (app: string) => ({ labelSelector: { matchLabels: { app } }, topologyKey: 'zone' });
    const pod = standIn({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near('web'), near('cache')] } } });
    expect(affinity(pod)['podAffinity']?.requiredDuringSchedulingIgnoredDuringExecution).toEqual([near('cache')]);
  });

  it('says of labels of its pod what they are: once, whether the API server has said it already or not', () => {
    const written = { key: 'app', operator: 'In', values: ['web'] };
    for (const matchExpressions of [[], [written]]) {
      const [constraint] = standIn({ topologySpreadConstraints: [{ maxSkew: 1, minDomains: 3, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchExpressions }, matchLabelKeys: ['app', 'revision'] }] }).spec.topologySpreadConstraints ?? [];
      expect(constraint).toEqual({ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', nodeAffinityPolicy: 'Ignore', labelSelector: { matchExpressions: [written, { key: 'statefulset.kubernetes.io/pod-name', operator: 'NotIn', values: ['web-2'] }] } });
    }
  });

  it('counts nobody where the pod counts nobody', () => {
    const [constraint] = standIn({ nodeSelector: { pool: 'db' }, topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }] }).spec.topologySpreadConstraints ?? [];
    expect(constraint).toEqual({ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} });
  });
});

describe('with --prepull', () => {
  it('has every image of the workload pulled once, starts none of them, and stays', () => {
    const pod = standIn({ initContainers: [{ name: 'load', image: 'loader:1' }, { name: 'again', image: 'web:1' }, { name: 'mesh', image: 'mesh:1', restartPolicy: 'Always' }], containers: [{ name: 'main', image: 'web:1', command: ['serve'] }], imagePullSecrets: [{ name: 'registry' }], serviceAccountName: 'db' }, { prepull: true });
    expect(containersThatPull(pod).map(({ image }) => image).toSorted()).toEqual(['loader:1', 'mesh:1', 'web:1']);
    expect(pod.spec).toMatchObject({ restartPolicy: 'Never', imagePullSecrets: [{ name: 'registry' }], serviceAccountName: 'db' });
    expect(pod.spec.containers?.filter(({ image }) => image === 'pause').map(({ command }) => command)).toEqual([undefined]);
  });

  it('without it pulls none', () => {
    expect(containersThatPull(standIn())).toEqual([]);
    expect(standIn().spec['restartPolicy']).toBe('Always');
  });
});

describe('a landing node is held', () => {
  it.each<[held: boolean, when: string, status: OrdinalMigrationStatus]>([
    [false, 'not before it is reserved', { phase: 'Running', step: 'rehearse' }],
    [true, 'while it is being reserved', { phase: 'Running', step: 'reserve' }],
    [true, 'until the pod is let go', { phase: 'Running', step: 'ungate' }],
    [false, 'not beside the pod', { phase: 'Running', step: 'ready' }],
    [false, 'not for a move that is undone', { phase: 'RollingBack', course: 'Undo', step: 'ungate' }],
    [true, 'on the way back to another try', { phase: 'RollingBack', course: 'Undo', step: 'swapClaim', resumeAt: 'evict' }],
    [false, 'not for a Frozen move', { phase: 'Frozen', step: 'createDisk' }],
    [false, 'not for one that takes its writes back', { phase: 'RollingBack', course: 'Restore', step: 'restoreDetach' }],
    [false, 'not once it has ended', { phase: 'Failed', step: 'reserve' }],
    [false, 'not before it begins', {}],
  ])('%s: %s', (held, _when, status) => {
    expect(isRoomWanted(record(status))).toBe(held);
  });
});
