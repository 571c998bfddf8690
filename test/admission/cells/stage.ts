// What is there in each state of a move: one namespace a state, with a set of six ordinals. Ordinal 2 is the one that moves, with its pod,
// claim and volumes in place; ordinal 1 moves too, and its pod and claim are about to be made again; ordinal 3 has nothing to do with it;
// of ordinal 4 an earlier move has ended and its source volume is kept.

import type { KnownNamespace } from '../../../src/admission/rules/rule.ts';
import type { KubernetesObject, PersistentVolume, PersistentVolumeClaim, Pod, StatefulSet } from '../../../src/kubernetes/objects.ts';
import type { ClaimRecord, OrdinalMigration, OrdinalMigrationStatus } from '../../../src/migration/record.ts';

export const STATES = ['none', 'pending', 'before the swap', 'after the swap', 'rolling back', 'frozen', 'kept', 'terminating'] as const;
export type State = (typeof STATES)[number];

/** A record holds the ordinal. */
export const IN_FLIGHT: readonly State[] = ['before the swap', 'after the swap', 'rolling back', 'frozen'];
/** The ordinal's claim is on the target. */
const SWAPPED: ReadonlySet<State> = new Set(['after the swap', 'frozen', 'kept']);

const STATUS: Record<State, OrdinalMigrationStatus | undefined> = {
  none: undefined,
  pending: { phase: 'Pending' },
  'before the swap': { phase: 'Running', course: 'Forward', step: 'snapshot' },
  'after the swap': { phase: 'Running', course: 'Forward', step: 'swapClaim' },
  'rolling back': { phase: 'RollingBack', course: 'Undo', step: 'swapClaim' },
  frozen: { phase: 'Frozen', course: 'Forward', step: 'ready' },
  kept: { phase: 'Succeeded', course: 'Forward', step: 'settle' },
  terminating: { phase: 'Running', course: 'Forward', step: 'snapshot' },
};

export const ZONES = ['a', 'b', 'c'];
const FINALIZER = 'zonespread.io/migration';

/** What is in the namespace of a state. UIDs are those that the objects were made with: the real API server gives its own. */
export class Stage {
  readonly state: State;
  readonly namespace: string;
  readonly #slug: string;
  /** UID of a record by its name; of others by kind and name. */
  readonly #uids: (key: string) => string;

  constructor(state: State, uids: (key: string) => string = (key) => `uid-${key}`) {
    this.state = state;
    this.#slug = state.replaceAll(' ', '-');
    this.namespace = `cells-${this.#slug}`;
    this.#uids = uids;
  }

  get holds(): boolean {
    return IN_FLIGHT.includes(this.state) || this.state === 'terminating';
  }

  /** Objects in an order in which they can be made. */
  all(): KubernetesObject[] {
    return [this.namespaceObject(), this.set(), ...this.records(), this.report(), ...this.volumes(), this.claim(2), this.claim(3), this.pod(2)];
  }

  namespaceObject(): KubernetesObject {
    return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.namespace, labels: this.holds ? { 'zonespread.io/in-flight': 'true' } : {}, ...(this.state === 'terminating' ? { deletionTimestamp: '2026-11-20T10:00:00Z' } : {}) } };
  }

  known(): KnownNamespace {
    return { terminating: this.state === 'terminating' };
  }

  set(): StatefulSet {
    return {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'web', namespace: this.namespace, uid: this.#uids('set'), labels: { app: 'web' } },
      spec: {
        replicas: 6,
        serviceName: 'web',
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'a' }] } },
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'cells', resources: { requests: { storage: '20Gi' } } } }],
      },
    };
  }

  /** Of ordinals 2 and 1 as the state has it, and the ended one of ordinal 4. */
  records(): OrdinalMigration[] {
    const kept = this.#record(4, STATUS.kept);
    return STATUS[this.state] === undefined ? [kept] : [this.#record(2, STATUS[this.state]), this.#record(1, STATUS[this.state]), kept];
  }

  record(): OrdinalMigration {
    return this.#record(2, STATUS[this.state] ?? {});
  }

  /** One that a person would write. */
  newRecord(ordinal: number): OrdinalMigration {
    return { apiVersion: 'zonespread.io/v1alpha1', kind: 'OrdinalMigration', metadata: { name: `web-${ordinal}-new`, namespace: this.namespace }, spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal, targetZone: 'b', reason: 'Manual' } };
  }

  #record(ordinal: number, status: OrdinalMigrationStatus | undefined): OrdinalMigration {
    const begun = status?.phase !== 'Pending';
    return {
      apiVersion: 'zonespread.io/v1alpha1',
      kind: 'OrdinalMigration',
      metadata: { name: `web-${ordinal}-moving`, namespace: this.namespace, uid: this.#uids(`record-${ordinal}`), ...(begun ? { finalizers: [FINALIZER] } : {}) },
      spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal, targetZone: 'b', reason: 'Spread' },
      status: { ...status, ...(begun ? { claims: [this.#claimRecord(ordinal)] } : {}) },
    };
  }

  #claimRecord(ordinal: number): ClaimRecord {
    return {
      template: 'data',
      claimName: `data-web-${ordinal}`,
      sizeGiB: 30,
      manifest: { labels: {}, annotations: {}, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '30Gi' } }, storageClassName: 'cells', volumeMode: 'Filesystem' } },
      source: { pv: this.volumeName('source', ordinal), pvUID: this.#uids(`source-${ordinal}`), claimUID: this.#uids(`claim-${ordinal}`), diskId: this.volumeName('source', ordinal), zone: 'a', category: 'cloud_essd', reclaimPolicy: 'Delete' },
      target: { pv: this.volumeName('target', ordinal), pvUID: this.#uids(`target-${ordinal}`), diskId: this.volumeName('target', ordinal), zone: 'b' },
    };
  }

  report(): KubernetesObject {
    return { apiVersion: 'zonespread.io/v1alpha1', kind: 'SpreadReport', metadata: { name: 'web', namespace: this.namespace } };
  }

  evacuation(zone = 'c'): KubernetesObject {
    return { apiVersion: 'zonespread.io/v1alpha1', kind: 'ZoneEvacuation', metadata: { name: `cells-${this.#slug}` }, spec: { zone } };
  }

  /** Of ordinal 2 its source and target, of ordinal 3 its only one, of ordinal 4 the source that is kept. */
  volumes(): PersistentVolume[] {
    return [this.volume('source', 2), this.volume('target', 2), this.volume('source', 3), this.volume('source', 4)];
  }

  volume(role: 'source' | 'target', ordinal: number): PersistentVolume {
    const record = ordinal === 4 || (ordinal === 2 && (this.holds || (this.state === 'kept' && role === 'source'))) ? this.#uids(`record-${ordinal}`) : undefined;
    const bound = ordinal === 3 || (ordinal === 2 && (role === 'target') === SWAPPED.has(this.state));
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: {
        name: this.volumeName(role, ordinal),
        uid: this.#uids(`${role}-${ordinal}`),
        labels: { 'cells/state': this.#slug, 'cells/is': `${role}-${ordinal}`, ...(record === undefined ? {} : { 'zonespread.io/migration': record, 'zonespread.io/role': role }) },
        annotations: bound ? { 'pv.kubernetes.io/bound-by-controller': 'yes' } : {},
        finalizers: ['kubernetes.io/pv-protection'],
      },
      spec: {
        capacity: { storage: '30Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: 'cells',
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: this.namespace, name: `data-web-${ordinal}`, ...(bound ? { uid: this.#uids(`claim-${ordinal}`) } : {}) },
        csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: this.volumeName(role, ordinal) },
      },
    };
  }

  volumeName(role: 'source' | 'target', ordinal: number): string {
    return `${this.#slug}-${role}-${ordinal}`;
  }

  claim(ordinal: number): PersistentVolumeClaim {
    const swapped = ordinal === 2 && SWAPPED.has(this.state);
    const labels = ordinal === 2 && this.holds ? { 'zonespread.io/migration': this.#uids('record-2'), 'zonespread.io/role': swapped ? 'target' : 'source' } : {};
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: `data-web-${ordinal}`, namespace: this.namespace, uid: this.#uids(`claim-${ordinal}`), labels, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '30Gi' } }, storageClassName: 'cells', volumeMode: 'Filesystem', volumeName: this.volumeName(swapped ? 'target' : 'source', ordinal) },
    };
  }

  /** As the StatefulSet controller makes it, or somebody else out of the template. */
  newClaim(ordinal: number): PersistentVolumeClaim {
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: `data-web-${ordinal}`, namespace: this.namespace, labels: { app: 'web' } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '20Gi' } }, storageClassName: 'cells' },
    };
  }

  pod(ordinal: number): Pod {
    const gated = ordinal === 2 && this.holds ? { schedulingGates: [{ name: 'zonespread.io/migrating' }] } : {};
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `web-${ordinal}`, namespace: this.namespace, labels: { app: 'web' }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: this.#uids('set'), controller: true }] },
      spec: { containers: [{ name: 'main', image: 'a' }], ...gated },
    };
  }
}
