// What can be asked of the API server about what we guard: object × verb, each with the changes that differ in what they do. A change is
// a merge patch, so that the same one can be sent as an update, a patch and a server-side apply.

import type { KubernetesObject } from '../../../src/kubernetes/objects.ts';
import type { Stage } from './stage.ts';

export const VERBS = ['create', 'update', 'patch', 'apply', 'delete', 'deletecollection', 'scale', 'status', 'evict'] as const;
export type Verb = (typeof VERBS)[number];

export const OBJECTS = [
  'StatefulSet',
  'Scale',
  'moving claim',
  'other claim',
  'source volume',
  'target volume',
  'other volume',
  'kept volume',
  'moving pod',
  'OrdinalMigration',
  'SpreadReport',
  'ZoneEvacuation',
  'Namespace',
] as const;
export type ObjectName = (typeof OBJECTS)[number];

export interface Act {
  object: ObjectName;
  verb: Verb;
  /** What it comes to. */
  change: string;
  /** The object that is there; of a create the one that is to be. */
  subject: (stage: Stage) => KubernetesObject;
  /** Merge patch of an update, patch, apply, scale or status. */
  patch?: (stage: Stage) => object;
  /** DeleteOptions.preconditions.uid. */
  underUID?: boolean;
}

const WRITES: readonly Verb[] = ['update', 'patch', 'apply'];
/** A change that takes something away: server-side apply takes away only what its manager owns. */
const EDITS: readonly Verb[] = ['update', 'patch'];

type Change = Omit<Act, 'object' | 'verb' | 'subject'> & { verbs: readonly Verb[] };

function acts(object: ObjectName, subject: Act['subject'], changes: Change[]): Act[] {
  return changes.flatMap(({ verbs, ...change }) => verbs.map((verb) => ({ object, verb, subject, ...change })));
}

const annotates: Change = { verbs: WRITES, change: 'annotates it', patch: () => ({ metadata: { annotations: { note: 'x' } } }) };
const takesFinalizers: Change = { verbs: EDITS, change: 'takes finalizers off', patch: () => ({ metadata: { finalizers: null } }) };
const addsFinalizer: Change = { verbs: WRITES, change: 'puts a finalizer on', patch: () => ({ metadata: { finalizers: ['kubernetes.io/pv-protection', 'example.com/hold'] } }) };
const deletes: Change = { verbs: ['delete', 'deletecollection'], change: 'deletes it' };
const deletesUnderUID: Change = { verbs: ['delete'], change: 'deletes it under its UID', underUID: true };
const losesLabel: Change = { verbs: EDITS, change: 'takes our labels off', patch: () => ({ metadata: { labels: { 'zonespread.io/migration': null, 'zonespread.io/role': null } } }) };
const writesStatus = (status: object): Change => ({ verbs: ['status'], change: 'writes its status', patch: () => ({ status }) });

const ofVolume: Change[] = [
  { verbs: WRITES, change: 'sets it to Delete', patch: () => ({ spec: { persistentVolumeReclaimPolicy: 'Delete' } }) },
  { verbs: WRITES, change: 'says how large its disk has become', patch: () => ({ spec: { capacity: { storage: '40Gi' } } }) },
  { verbs: EDITS, change: 'takes its claim off', patch: () => ({ spec: { claimRef: null } }) },
  { verbs: EDITS, change: 'clears the UID of its claim', patch: () => ({ spec: { claimRef: { uid: null } } }) },
  { verbs: ['update', 'patch'], change: 'gives it to another claim', patch: () => ({ spec: { claimRef: { name: 'theirs', uid: null } } }) },
  { verbs: EDITS, change: 'has it bound anew', patch: () => ({ metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': null } } }) },
  losesLabel,
  annotates,
  takesFinalizers,
  addsFinalizer,
  deletes,
  deletesUnderUID,
  writesStatus({ phase: 'Released' }),
];

const ofClaim: Change[] = [
  { verbs: WRITES, change: 'grows it', patch: () => ({ spec: { resources: { requests: { storage: '50Gi' } } } }) },
  { verbs: EDITS, change: 'binds it to another volume', patch: () => ({ spec: { volumeName: 'theirs' } }) },
  { verbs: EDITS, change: 'has it bound anew', patch: () => ({ metadata: { annotations: { 'pv.kubernetes.io/bind-completed': null } } }) },
  losesLabel,
  { verbs: ['update', 'patch'], change: 'owns it', patch: (stage) => ({ metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: stage.set().metadata.uid }] } }) },
  annotates,
  takesFinalizers,
  addsFinalizer,
  deletes,
  deletesUnderUID,
  writesStatus({ phase: 'Lost' }),
];

const newContainers = { spec: { template: { spec: { containers: [{ name: 'main', image: 'b' }] } } } };

export const ACTS: readonly Act[] = [
  ...acts('StatefulSet', (stage) => ({ ...stage.set(), metadata: { name: 'another', namespace: stage.namespace } }), [{ verbs: ['create'], change: 'makes another' }]),
  ...acts('StatefulSet', (stage) => ({ ...stage.set(), metadata: { name: 'another', namespace: stage.namespace, annotations: { 'zonespread.io/max-skew': 'none' } } }), [{ verbs: ['create'], change: 'makes another of a wrong policy' }]),
  ...acts('StatefulSet', (stage) => stage.set(), [
    { verbs: WRITES, change: 'scales the ordinal away', patch: () => ({ spec: { replicas: 2 } }) },
    { verbs: WRITES, change: 'scales other ordinals away', patch: () => ({ spec: { replicas: 4 } }) },
    { verbs: WRITES, change: 'scales up', patch: () => ({ spec: { replicas: 9 } }) },
    { verbs: WRITES, change: 'moves the first ordinal', patch: () => ({ spec: { ordinals: { start: 1 } } }) },
    { verbs: WRITES, change: 'changes what happens to claims', patch: () => ({ spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } } }) },
    { verbs: WRITES, change: 'rolls a template out', patch: () => newContainers },
    // What a Helm upgrade out of an old chart comes to: the whole set as it was once.
    { verbs: WRITES, change: 'goes back to an older manifest', patch: () => ({ metadata: { labels: { chart: 'web-0.9' } }, spec: { ...newContainers.spec, replicas: 1 } }) },
    { verbs: WRITES, change: 'declares a good policy', patch: () => ({ metadata: { annotations: { 'zonespread.io/zones': 'a,b' } } }) },
    { verbs: WRITES, change: 'declares a zone without nodes', patch: () => ({ metadata: { annotations: { 'zonespread.io/zones': 'a,z' } } }) },
    { verbs: WRITES, change: 'declares a wrong policy', patch: () => ({ metadata: { annotations: { 'zonespread.io/max-skew': 'none' } } }) },
    annotates,
    addsFinalizer,
    deletes,
    deletesUnderUID,
    writesStatus({ replicas: 5 }),
  ]),
  ...acts('Scale', (stage) => ({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web', namespace: stage.namespace }, spec: { replicas: 6 } }), [
    { verbs: ['scale'], change: 'to where the ordinal is gone', patch: () => ({ spec: { replicas: 2 } }) },
    { verbs: ['scale'], change: 'to nothing', patch: () => ({ spec: { replicas: 0 } }) },
    { verbs: ['scale'], change: 'to where other ordinals are gone', patch: () => ({ spec: { replicas: 4 } }) },
    { verbs: ['scale'], change: 'up', patch: () => ({ spec: { replicas: 9 } }) },
  ]),
  ...acts('moving claim', (stage) => stage.newClaim(1), [{ verbs: ['create'], change: 'makes it again' }]),
  ...acts('moving claim', (stage) => stage.claim(2), ofClaim),
  ...acts('other claim', (stage) => stage.newClaim(5), [{ verbs: ['create'], change: 'makes it' }]),
  ...acts('other claim', (stage) => stage.claim(3), ofClaim),
  ...acts('source volume', (stage) => stage.volume('source', 2), ofVolume),
  ...acts('target volume', (stage) => stage.volume('target', 2), ofVolume),
  ...acts('other volume', (stage) => ({ ...stage.volume('source', 3), metadata: { name: `${stage.namespace}-new`, labels: { 'cells/state': 'new' } } }), [{ verbs: ['create'], change: 'makes one' }]),
  ...acts('other volume', (stage) => stage.volume('source', 3), ofVolume),
  ...acts('kept volume', (stage) => stage.volume('source', 4), ofVolume),
  ...acts('moving pod', (stage) => stage.pod(1), [{ verbs: ['create'], change: 'makes it again' }]),
  ...acts('moving pod', (stage) => ({ ...stage.pod(1), metadata: { ...stage.pod(1).metadata, labels: { app: 'web', 'controller-revision-hash': 'web-of-another-version' } } }), [{ verbs: ['create'], change: 'makes it again out of another version' }]),
  ...acts('moving pod', (stage) => ({ ...stage.pod(1), metadata: { name: 'web-1', namespace: stage.namespace } }), [{ verbs: ['create'], change: 'makes one of its name that no set owns' }]),
  ...acts('moving pod', (stage) => stage.pod(2), [
    { verbs: EDITS, change: 'takes the gate off', patch: () => ({ spec: { schedulingGates: null } }) },
    annotates,
    deletes,
    deletesUnderUID,
    writesStatus({ phase: 'Pending' }),
    { verbs: ['evict'], change: 'drains its node' },
  ]),
  ...acts('OrdinalMigration', (stage) => stage.newRecord(2), [{ verbs: ['create'], change: 'makes one for the moving ordinal' }]),
  ...acts('OrdinalMigration', (stage) => stage.newRecord(3), [{ verbs: ['create'], change: 'makes one for another ordinal' }]),
  ...acts('OrdinalMigration', (stage) => stage.newRecord(9), [{ verbs: ['create'], change: 'makes one for no ordinal' }]),
  ...acts('OrdinalMigration', (stage) => stage.record(), [
    { verbs: WRITES, change: 'asks for an undo', patch: () => ({ metadata: { annotations: { 'zonespread.io/request': 'abort' } } }) },
    { verbs: EDITS, change: 'takes our finalizer off', patch: () => ({ metadata: { finalizers: null } }) },
    { verbs: WRITES, change: 'puts a finalizer on', patch: () => ({ metadata: { finalizers: ['zonespread.io/migration', 'example.com/hold'] } }) },
    deletes,
    deletesUnderUID,
    writesStatus({ phase: 'Succeeded', message: 'because I say so' }),
  ]),
  ...acts('SpreadReport', (stage) => ({ ...stage.report(), metadata: { name: 'mine', namespace: stage.namespace } }), [{ verbs: ['create'], change: 'makes one' }]),
  ...acts('SpreadReport', (stage) => stage.report(), [annotates, deletes, writesStatus({ satisfied: true })]),
  ...acts('ZoneEvacuation', (stage) => ({ ...stage.evacuation(), metadata: { name: 'mine' } }), [{ verbs: ['create'], change: 'evacuates a zone' }]),
  ...acts('ZoneEvacuation', (stage) => ({ ...stage.evacuation('z'), metadata: { name: 'mine' } }), [{ verbs: ['create'], change: 'evacuates a zone without nodes' }]),
  ...acts('ZoneEvacuation', (stage) => ({ ...stage.evacuation('not a zone'), metadata: { name: 'mine' } }), [{ verbs: ['create'], change: 'evacuates what is no zone' }]),
  ...acts('ZoneEvacuation', (stage) => stage.evacuation(), [annotates, { verbs: ['delete'], change: 'deletes it' }, writesStatus({ disksLeft: 0 })]),
  ...acts('Namespace', () => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'another', labels: {} } }), [{ verbs: ['create'], change: 'makes another' }]),
  ...acts('Namespace', (stage) => stage.namespaceObject(), [
    { verbs: EDITS, change: 'takes our label off', patch: () => ({ metadata: { labels: { 'zonespread.io/in-flight': null } } }) },
    { verbs: WRITES, change: 'labels it', patch: () => ({ metadata: { labels: { team: 'x' } } }) },
    { verbs: WRITES, change: 'declares a wrong policy', patch: () => ({ metadata: { annotations: { 'zonespread.io/pin': '0=a' } } }) },
    { verbs: ['delete'], change: 'deletes it' },
    writesStatus({ phase: 'Active' }),
  ]),
];

export function nameOf({ object, verb, change }: Act): string {
  return `${object}: ${verb}: ${change}`;
}

/** RFC 7386. */
export function mergePatched<T>(target: T, patch: unknown): T {
  if (!isPlain(patch)) return patch as T;
  const result: Record<string, unknown> = isPlain(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatched(result[key], value);
  }
  return result as T;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
