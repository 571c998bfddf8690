// Reviews, records and worlds for the admission tests: a set shop/web whose ordinal 2 moves from zone a to zone b, unless told otherwise.

import type { ControllerIdentity } from '../../src/admission/actors.ts';
import { InFlightIndex } from '../../src/admission/index.ts';
import type { Operation, Review } from '../../src/admission/review.ts';
import type { KnownNamespace, KnownSet, World } from '../../src/admission/rules/rule.ts';
import type { JsonPatchOperation } from '../../src/kubernetes/api.ts';
import type { KubernetesObject, PersistentVolume, PersistentVolumeClaim, Pod, PodDisruptionBudget, StatefulSet } from '../../src/kubernetes/objects.ts';
import type { ClaimRecord, OrdinalMigration, OrdinalMigrationSpec, OrdinalMigrationStatus } from '../../src/migration/record.ts';

export const NAMESPACE = 'shop';
export const MIGRATION = 'web-2-bcdfg';
export const MIGRATION_UID = 'uid-migration';
export const DAEMON = 'system:serviceaccount:zonespread-system:zonespread-controller';

export const CLAIM: ClaimRecord = {
  template: 'data',
  claimName: 'data-web-2',
  sizeGiB: 30,
  manifest: { labels: { app: 'web' }, annotations: {}, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '30Gi' } }, storageClassName: 'essd', volumeMode: 'Filesystem' } },
  source: { pv: 'd-old', pvUID: 'uid-pv-old', claimUID: 'uid-claim-old', diskId: 'd-old', zone: 'a', category: 'cloud_essd', reclaimPolicy: 'Delete' },
  target: { pv: 'd-new', pvUID: 'uid-pv-new', diskId: 'd-new', zone: 'b' },
};

export function migration({ metadata = {}, spec = {}, status = {} }: { metadata?: Partial<OrdinalMigration['metadata']>; spec?: Partial<OrdinalMigrationSpec>; status?: Partial<OrdinalMigrationStatus> } = {}): OrdinalMigration {
  return {
    apiVersion: 'zonespread.io/v1alpha1',
    kind: 'OrdinalMigration',
    metadata: { name: MIGRATION, namespace: NAMESPACE, uid: MIGRATION_UID, creationTimestamp: '2026-11-20T10:00:00Z', finalizers: ['zonespread.io/migration'], ...metadata },
    spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 2, targetZone: 'b', reason: 'Spread', ...spec },
    status: { phase: 'Running', course: 'Forward', step: 'detach', claims: [CLAIM], ...status },
  };
}

export interface WorldParts {
  records?: OrdinalMigration[];
  controller?: ControllerIdentity | undefined;
  namespaces?: Record<string, KnownNamespace>;
  sets?: Record<string, KnownSet>;
  zones?: string[];
  budgets?: PodDisruptionBudget[];
}

export function world(parts: WorldParts = {}): World {
  const inFlight = new InFlightIndex();
  for (const record of parts.records ?? [migration()]) inFlight.put(record);
  return {
    inFlight,
    namespaces: { get: (name) => parts.namespaces?.[name] },
    sets: { get: (namespace, name) => parts.sets?.[`${namespace}/${name}`] },
    zones: { known: () => new Set(parts.zones ?? []) },
    budgets: { of: (namespace) => (parts.budgets ?? []).filter(({ metadata }) => metadata.namespace === namespace) },
    controller: 'controller' in parts ? parts.controller : { username: DAEMON, dedicated: true },
  };
}

export function pod(change: { metadata?: Partial<Pod['metadata']>; spec?: Partial<Pod['spec']> } = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-2', namespace: NAMESPACE, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'uid-set', controller: true }], ...change.metadata },
    spec: { containers: [{ name: 'main', image: 'pause' }], ...change.spec },
  };
}

export function claim(change: { metadata?: Partial<PersistentVolumeClaim['metadata']>; spec?: Partial<PersistentVolumeClaim['spec']> } = {}): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data-web-2', namespace: NAMESPACE, uid: 'uid-claim-old', labels: { 'zonespread.io/migration': MIGRATION_UID, 'zonespread.io/role': 'source' }, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' }, ...change.metadata },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '30Gi' } }, storageClassName: 'essd', volumeMode: 'Filesystem', volumeName: 'd-old', ...change.spec },
  };
}

export function volume(change: { metadata?: Partial<PersistentVolume['metadata']>; spec?: Partial<PersistentVolume['spec']> } = {}): PersistentVolume {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'd-old', uid: 'uid-pv-old', labels: { 'zonespread.io/migration': MIGRATION_UID, 'zonespread.io/role': 'source' }, annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' }, finalizers: ['kubernetes.io/pv-protection'], ...change.metadata },
    spec: {
      capacity: { storage: '30Gi' },
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { namespace: NAMESPACE, name: 'data-web-2', uid: 'uid-claim-old', resourceVersion: '5' },
      csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: 'd-old' },
      ...change.spec,
    },
  };
}

export function statefulSet(change: { metadata?: Partial<StatefulSet['metadata']>; spec?: Partial<StatefulSet['spec']>; apiVersion?: string } = {}): StatefulSet {
  return {
    apiVersion: change.apiVersion ?? 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', namespace: NAMESPACE, uid: 'uid-set', ...change.metadata },
    spec: { replicas: 6, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'a' }] } }, ...change.spec },
  };
}

export function scaleOf(replicas: number | undefined): KubernetesObject {
  return { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web', namespace: NAMESPACE, uid: 'uid-set' }, spec: replicas === undefined ? {} : { replicas } };
}

const RESOURCES: Record<string, string> = {
  Pod: 'pods',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  PersistentVolume: 'persistentvolumes',
  StatefulSet: 'statefulsets',
  Scale: 'statefulsets',
  Namespace: 'namespaces',
  OrdinalMigration: 'ordinalmigrations',
  SpreadReport: 'spreadreports',
  ZoneEvacuation: 'zoneevacuations',
};

export interface Asked {
  by?: string;
  groups?: string[];
  uidPrecondition?: string;
  subResource?: string;
  dryRun?: boolean;
}

export function creating(object: KubernetesObject, asked: Asked = {}): Review {
  return review('CREATE', { object }, asked);
}

export function updating(oldObject: KubernetesObject, object: KubernetesObject, asked: Asked = {}): Review {
  return review('UPDATE', { object, oldObject }, asked);
}

export function deleting(oldObject: KubernetesObject, asked: Asked = {}): Review {
  return review('DELETE', { oldObject }, asked);
}

function review(operation: Operation, objects: { object?: KubernetesObject; oldObject?: KubernetesObject }, asked: Asked): Review {
  const subject = objects.object ?? objects.oldObject!;
  const [group = '', version = ''] = subject.apiVersion!.includes('/') ? subject.apiVersion!.split('/') : ['', subject.apiVersion];
  const kind = subject.kind!;
  return {
    uid: 'uid-review',
    operation,
    kind: { group, version, kind },
    resource: { group: kind === 'Scale' ? 'apps' : group, version: kind === 'Scale' ? 'v1' : version, resource: RESOURCES[kind] ?? 'unknown' },
    subResource: kind === 'Scale' ? 'scale' : (asked.subResource ?? ''),
    namespace: subject.metadata.namespace ?? '',
    name: subject.metadata.name,
    object: objects.object,
    oldObject: objects.oldObject,
    user: { username: asked.by ?? 'jane', groups: asked.groups ?? ['system:authenticated'] },
    dryRun: asked.dryRun ?? false,
    uidPrecondition: asked.uidPrecondition,
  };
}

/** The AdmissionReview that the API server would send for it. */
export function onTheWire(of: Review): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: of.uid,
      operation: of.operation,
      kind: of.kind,
      resource: of.resource,
      ...(of.subResource === '' ? {} : { subResource: of.subResource }),
      ...(of.namespace === '' ? {} : { namespace: of.namespace }),
      name: of.name,
      userInfo: of.user,
      object: of.object ?? null,
      oldObject: of.oldObject ?? null,
      dryRun: of.dryRun,
      options: of.uidPrecondition === undefined ? null : { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', preconditions: { uid: of.uidPrecondition } },
    },
  };
}

/** The object after the patch (`add`, `replace` and `remove` of members, `add` at the end of a list: all that we send). */
export function applied<T extends KubernetesObject>(object: T, patch: JsonPatchOperation[]): T {
  const result = structuredClone(object);
  for (const { op, path, value } of patch) {
    if (op === 'test') throw new Error(`this test applies no ${op}`);
    const keys = path.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop()!;
    const parent = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], result);
    if (Array.isArray(parent) && last === '-') parent.push(value);
    else if (op === 'remove') delete (parent as Record<string, unknown>)[last];
    else (parent as Record<string, unknown>)[last] = value;
  }
  return result;
}
