// The plan of sets in files, by the very decision that the daemon takes: the same policy, layout, planner and guards, on objects in memory.

import { isInstant } from '../../alicloud/answers.ts';
import { liveCluster, type Cluster, type LayoutDisks, type View } from '../../controller/cluster.ts';
import { decide, type Decided, type DecisionPorts } from '../../controller/decision.ts';
import { groupBlocked, reportOf } from '../../controller/report.ts';
import type { ReportedBlock, SpreadReport, SpreadReportStatus } from '../../controller/spread-report.ts';
import type { Api, ListOptions, ObjectRef } from '../../kubernetes/api.ts';
import { kruiseStatefulSets, mutatingWebhooks, nodes, statefulSets, volumes, type KubernetesObject, type PersistentVolume, type Resource, type StatefulSet } from '../../kubernetes/objects.ts';
import { gibRoundedUp } from '../../kubernetes/quantity.ts';
import { zoneOfNode, zoneOfVolume } from '../../layout/zones.ts';
import { isBlockReason, type Blocked } from '../../planner/reasons.ts';
import { timestamp, type Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disks.ts';
import { failed, wrongUsage } from '../exit.ts';
import { ASSUMED_CATEGORY, completed } from './assumptions.ts';
import { zoneOfOrdinal } from './disks-flag.ts';
import { objectsIn, ofKind, type FileText } from './manifests.ts';

export interface FilePlan {
  namespace: string;
  name: string;
  /** What the daemon would report. */
  status: SpreadReportStatus;
  /** Ordinals that the plan leaves where they are though they ought to move. */
  staying: ReportedBlock[];
  /** Sentences. */
  assumed: string[];
}

export interface FilePlanOptions {
  /** Names of sets; empty: all that the files hold. */
  only: readonly string[];
  /** `--disks`. */
  disks?: string;
  /** Of objects that name none. */
  namespace?: string;
  clock: Clock;
}

/** @throws VerbEnded that says what is wrong with the files. */
export async function planFromFiles(texts: readonly FileText[], { only, disks, namespace = 'default', clock }: FilePlanOptions): Promise<FilePlan[]> {
  const objects = texts.flatMap(objectsIn).map((object) => inNamespace(object, namespace));
  const sets = [...ofKind(objects, statefulSets), ...ofKind(objects, kruiseStatefulSets)].filter(({ metadata }) => only.length === 0 || only.includes(metadata.name));
  if (sets.length === 0) throw wrongUsage(`there is no StatefulSet ${only.length === 0 ? '' : `${only.join(', ')} `}in ${texts.map(({ path }) => path).join(', ')}`);
  const zoneOf = disks === undefined ? undefined : zoneOfOrdinal(disks);
  return Promise.all(sets.map((set) => planOf(set, { objects, zoneOf, clock })));
}

const CLUSTER_WIDE = new Set(['Namespace', 'Node', 'PersistentVolume', 'StorageClass', 'CSINode', 'VolumeAttachment', 'ZoneEvacuation']);

function inNamespace(object: KubernetesObject, namespace: string): KubernetesObject {
  if (CLUSTER_WIDE.has(object.kind ?? '') || object.metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

async function planOf(found: StatefulSet, from: { objects: readonly KubernetesObject[]; zoneOf: ReturnType<typeof zoneOfOrdinal> | undefined; clock: Clock }): Promise<FilePlan> {
  const { objects, set, assumed } = completed(found, from.objects, from.zoneOf);
  const { namespace = '', name } = set.metadata;
  const cluster = clusterOf(objects);
  const ports = portsOf(cluster, objects, from.clock);
  const decision = await decide(ports, ports.live, { key: { namespace, name }, report: reportWithZones(set, objects, timestamp(from.clock)) });
  if (decision.kind === 'off') throw failed(`StatefulSet ${namespace}/${name} declares no zones: add the annotation zonespread.io/zones, e.g. "cn-beijing-h,cn-beijing-i", to it or to its Namespace`);
  if (decision.kind === 'invalid') throw failed(`the policy of StatefulSet ${namespace}/${name} is wrong: ${decision.problems.map(({ message }) => message).join(' ')}`);
  return { namespace, name, status: reportOf(decision, timestamp(from.clock)), staying: held(decision), assumed: [...decision.warnings, ...assumed] };
}

function held({ plan, turn }: Decided): ReportedBlock[] {
  const known = new Set(turn.blocked.map(({ ordinal }) => ordinal));
  const staying = plan.staying.flatMap(({ ordinal, reason, message }): Blocked[] => (isBlockReason(reason) && !known.has(ordinal) ? [{ ordinal, reason, message }] : []));
  return groupBlocked(staying);
}

function portsOf(cluster: Cluster, objects: readonly KubernetesObject[], clock: Clock): DecisionPorts {
  const view: View = { cluster, disks: disksOf(ofKind(objects, volumes), clock), snapshots: false };
  return {
    api: inMemory([...objects, { apiVersion: 'admissionregistration.k8s.io/v1', kind: mutatingWebhooks.kind, metadata: { name: 'zonespread' } }]),
    live: view,
    watched: view,
    clock,
    markets: { unusableZones: () => Promise.resolve(new Map()) },
    health: { problem: () => Promise.resolve(undefined) },
    budgets: { atOnce: Number.MAX_SAFE_INTEGER },
    coolDownMs: 0,
    nodesMayCome: false,
  };
}

function clusterOf(objects: readonly KubernetesObject[]): Cluster {
  return liveCluster(inMemory(objects), { namespaces: undefined, kruise: true });
}

/** Reads only. */
function inMemory(objects: readonly KubernetesObject[]): Pick<Api, 'get' | 'list'> & Api {
  const list = <T extends KubernetesObject>(resource: Resource<T>, { namespace }: ListOptions = {}): Promise<T[]> => Promise.resolve(ofKind(objects, resource).filter((object) => namespace === undefined || object.metadata.namespace === namespace));
  const get = async <T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined> => (await list(resource)).find(({ metadata }) => metadata.name === ref.name && (!resource.namespaced || metadata.namespace === ref.namespace));
  return { get, list } as Api;
}

/** For `zones: "*"`: every zone that has a node counts as seen, as it would after ten minutes. */
function reportWithZones(set: StatefulSet, objects: readonly KubernetesObject[], now: string): SpreadReport {
  const zones = [...new Set(ofKind(objects, nodes).flatMap((node) => zoneOfNode(node) ?? []))];
  return {
    metadata: { namespace: set.metadata.namespace ?? '', name: set.metadata.name, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: set.metadata.name, uid: set.metadata.uid ?? '' }] },
    status: { zonesSeen: zones.toSorted().map((zone) => ({ zone, readySince: now, enteredAt: now })) },
  };
}

/** As far as their volumes tell of them. */
function disksOf(all: readonly PersistentVolume[], clock: Clock): LayoutDisks {
  const known = new Map(all.flatMap((volume): [string, Disk][] => {
    const disk = diskOf(volume, timestamp(clock));
    return disk === undefined ? [] : [[disk.id, disk]];
  }));
  return {
    maxTags: 20,
    instantSnapshots: ({ category }) => isInstant(category),
    disks: (ids) => Promise.resolve(new Map(ids.flatMap((id) => (known.has(id) ? [[id, known.get(id) as Disk]] : [])))),
    snapshotsOf: () => Promise.resolve([]),
  };
}

const DISK_TYPE_LABEL = 'csi.alibabacloud.com/disktype';

function diskOf(volume: PersistentVolume, attachedAt: string): Disk | undefined {
  const { csi, capacity = {} } = volume.spec;
  if (csi === undefined) return undefined;
  const zone = zoneOfVolume(volume);
  return { ...HEALTHY, ...kindOf(volume), id: csi.volumeHandle, zone: zone ?? '', regional: zone === undefined, sizeGiB: gibRoundedUp(capacity['storage'] ?? '0'), attachedAt };
}

/** In use by nobody knows whom, and nothing in the way of a move. */
const HEALTHY: Omit<Disk, 'id' | 'zone' | 'regional' | 'category' | 'sizeGiB'> = { encrypted: false, status: 'InUse', attachedTo: ['assumed'], tags: {}, prepaid: false, portable: true, locks: [], multiAttach: false, deleteAutoSnapshots: false };

/** The driver's label, `cloud_essd.PL1`; before it wrote one, the class's parameter. */
function kindOf({ metadata, spec }: PersistentVolume): Pick<Disk, 'category' | 'performanceLevel'> {
  const [category = '', performanceLevel] = (metadata.labels?.[DISK_TYPE_LABEL] ?? spec.csi?.volumeAttributes?.['type'] ?? '').split('.');
  return { category: category === '' ? ASSUMED_CATEGORY : category, ...(performanceLevel === undefined ? {} : { performanceLevel }) };
}
