import { describe, expect, it } from 'vitest';
import { buildLayout } from '../../src/layout/layout.ts';
import type { GuardContext } from '../../src/planner/guards/guard.ts';
import { checkGuards, GUARDS } from '../../src/planner/guards/index.ts';
import { BLOCK_REASONS, type Blocked, type BlockReason } from '../../src/planner/reasons.ts';
import type { Rules } from '../../src/policy/policy.ts';
import type { PersistentVolumeClaim, Pod } from '../../src/kubernetes/objects.ts';
import type { Disk } from '../../src/ports/disks.ts';
import { disk, idleDisk, snapshot } from '../builders/cloud.ts';
import { claim, claimVolume, csiNode, disruptionBudget, node, NOW_MS, pod, storageClass, strayPod, volume } from '../builders/kubernetes.ts';
import { policy } from '../builders/policy.ts';
import { addDisk, spreadSet, type MutableInputs, type SpreadSetOptions } from '../builders/spread-set.ts';

const calm: GuardContext = { inFlight: [], budget: () => undefined, webhook: { ready: true, message: '' } };

interface Case {
  rules?: Partial<Rules>;
  context?: Partial<GuardContext>;
  ordinal?: number;
  targetZone?: string;
  nowMs?: number;
}

/** web-2 of three, one in each zone, into zone a: nothing holds it. */
function check(inputs: MutableInputs, { rules = {}, context = {}, ordinal = 2, targetZone = 'a', nowMs = NOW_MS }: Case = {}): Blocked[] {
  return checkGuards({ layout: buildLayout(inputs), rules: policy(rules), ordinal, targetZone, nowMs, context: { ...calm, ...context } });
}

function reasons(blocked: Blocked[]): BlockReason[] {
  return blocked.map(({ reason }) => reason);
}

function world(options: Partial<SpreadSetOptions> = {}): MutableInputs {
  return spreadSet({ zones: ['a', 'b', 'c'], ...options });
}

function podOf(inputs: MutableInputs, ordinal: number): Pod {
  return inputs.pods.find(({ metadata }) => metadata.name === `web-${ordinal}`)!;
}

function claimOf(inputs: MutableInputs, ordinal: number): PersistentVolumeClaim {
  return inputs.claims.find(({ metadata }) => metadata.name === `data-web-${ordinal}`)!;
}

function volumeOf(inputs: MutableInputs, ordinal: number) {
  return inputs.volumes.find(({ metadata }) => metadata.name === `disk-data-web-${ordinal}`)!;
}

function setDisk(inputs: MutableInputs, ordinal: number, made: Disk): void {
  inputs.disks.set(`d-data-web-${ordinal}`, { ...made, id: `d-data-web-${ordinal}` });
}

function takePodDown(inputs: MutableInputs, ordinal: number, { phase = 'Pending', diskIdle = true } = {}): void {
  const down = podOf(inputs, ordinal);
  down.status = { phase, conditions: [{ type: 'Ready', status: 'False' }] };
  if (phase === 'Pending') delete down.spec.nodeName;
  const zone = volumeOf(inputs, ordinal).spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions![0]!.values![0]!;
  setDisk(inputs, ordinal, diskIdle ? idleDisk({ zone }) : disk({ zone }));
}

it('nothing holds a healthy ordinal', () => {
  expect(check(world())).toEqual([]);
});

it('guards are in the order of the list of reasons', () => {
  const order = GUARDS.map(({ reason }) => BLOCK_REASONS.indexOf(reason));
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(new Set(order).size).toBe(order.length);
});

it('everything that is wrong is said, in that order', () => {
  const inputs = world();
  inputs.namespaceTerminating = true;
  inputs.set.metadata.generation = 2;
  inputs.disks.get('d-data-web-2')!.prepaid = true;
  expect(reasons(check(inputs, { rules: { paused: true } }))).toEqual(['NamespaceTerminating', 'GenerationNotObserved', 'DiskPrepaid', 'Paused']);
});

describe('what is about the whole set carries no ordinal', () => {
  it.each<[BlockReason, (inputs: MutableInputs) => void, string]>([
    ['NamespaceTerminating', (inputs) => (inputs.namespaceTerminating = true), 'namespace db is being deleted'],
    ['StatefulSetTerminating', (inputs) => (inputs.set.metadata.deletionTimestamp = '2026-11-20T00:00:00Z'), 'StatefulSet web is being deleted'],
    ['GenerationNotObserved', (inputs) => (inputs.set.metadata.generation = 2), 'generation 2'],
    ['OwnedByOperator', (inputs) => (inputs.set.metadata.ownerReferences = [{ apiVersion: 'x/v1', kind: 'Database', name: 'shop', uid: 'u', controller: true }]), 'controlled by Database shop'],
  ])('%s', (reason, change, text) => {
    const inputs = world();
    change(inputs);
    expect(check(inputs)).toEqual([{ reason, message: expect.stringContaining(text) }]);
  });

  it('and an operator’s set may be moved when its owner says so', () => {
    const inputs = world();
    inputs.set.metadata.ownerReferences = [{ apiVersion: 'x/v1', kind: 'Database', name: 'shop', uid: 'u', controller: true }];
    expect(check(inputs, { rules: { allowOperator: true } })).toEqual([]);
  });
});

describe('an ordinal', () => {
  it('that does not exist', () => {
    expect(check(world(), { ordinal: 3 })).toEqual([{ reason: 'OrdinalNotFound', ordinal: 3, message: expect.stringContaining('it has web-0 to web-2') }]);
    expect(check(world({ start: 5 }), { ordinal: 2 })).toMatchObject([{ message: expect.stringContaining('it has web-5 to web-7') }]);
  });

  it('that is already under way', () => {
    expect(check(world(), { context: { inFlight: [{ ordinal: 2 }] } })).toEqual([{ reason: 'AlreadyInFlight', ordinal: 2, message: expect.stringContaining('web-2 is already being moved') }]);
  });

  it('that is there already', () => {
    expect(check(world(), { targetZone: 'c' })).toEqual([{ reason: 'AlreadyInZone', ordinal: 2, message: expect.stringContaining('in zone c already') }]);
  });

  it('whose disks belong to no zone', () => {
    const inputs = world();
    volumeOf(inputs, 2).spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions = [{ key: 'topology.kubernetes.io/region', operator: 'In', values: ['r'] }];
    inputs.nodes = inputs.nodes.map(({ metadata }) => node({ zone: metadata.name.slice(-1), labels: { 'topology.kubernetes.io/region': 'r' } }));
    expect(check(inputs)).toEqual([{ reason: 'DiskNotZonal', ordinal: 2, message: expect.stringContaining('data-web-2: regional') }]);
  });
});

describe('scaling', () => {
  it('down: pods beyond the range are still there', () => {
    const inputs = world({ zones: ['a', 'b', 'c', 'c'] });
    inputs.set.spec.replicas = 3;
    expect(check(inputs)).toEqual([{ reason: 'ScaleUnderWay', message: expect.stringContaining('scaled to 3: web-3 still there') }]);
  });

  it('up: ordinals were never created', () => {
    const inputs = world();
    inputs.set.spec.replicas = 4;
    expect(reasons(check(inputs))).toEqual(['ScaleUnderWay', 'TooManyUnavailable']);
  });

  it('up, held by a pod that waits for room in its zone: that one may go', () => {
    const inputs = world();
    inputs.set.spec.replicas = 4;
    takePodDown(inputs, 2);
    expect(check(inputs)).toEqual([]);
  });

  it('a pod that fell over is no scaling', () => {
    const inputs = world();
    inputs.pods = inputs.pods.filter(({ metadata }) => metadata.name !== 'web-1');
    expect(reasons(check(inputs))).toEqual(['TooManyUnavailable']);
  });
});

describe('pods that are down', () => {
  it('are named, as many as a person reads, and the rest is counted', () => {
    const inputs = world({ zones: Array.from({ length: 12 }, () => 'a') });
    for (let ordinal = 0; ordinal < 11; ordinal += 1) takePodDown(inputs, ordinal);
    const [held] = check(inputs, { ordinal: 11 });
    expect(held?.message).toMatch(/^web-0, web-1, web-2, web-3, web-4 and 6 more of StatefulSet web not available, and at most 1 may be/);
  });

  it('another one uses max-unavailable up', () => {
    const inputs = world({ podManagementPolicy: 'Parallel' });
    takePodDown(inputs, 0, { phase: 'Running', diskIdle: false });
    expect(check(inputs)).toEqual([{ reason: 'TooManyUnavailable', message: expect.stringContaining('web-0 of StatefulSet web not available') }]);
    expect(check(inputs, { rules: { maxUnavailable: 2 } })).toEqual([]);
    expect(reasons(check(inputs, { rules: { maxUnavailable: 2 }, context: { inFlight: [{ ordinal: 1 }] } }))).toEqual(['TooManyUnavailable']);
  });

  it('one that is under way is not counted twice', () => {
    const inputs = world();
    takePodDown(inputs, 1);
    expect(check(inputs, { rules: { maxUnavailable: 2 }, context: { inFlight: [{ ordinal: 1 }] } })).toEqual([]);
  });

  it('others under way make it wait its turn', () => {
    expect(check(world(), { context: { inFlight: [{ ordinal: 1 }] } })).toEqual([{ reason: 'AwaitsTurn', message: expect.stringContaining('1 of at most 1 ordinals') }]);
  });

  it('Ready, but not for minReadySeconds yet, counts as down', () => {
    const inputs = world();
    inputs.set.spec['minReadySeconds'] = 30;
    podOf(inputs, 0).status!.conditions![0]!.lastTransitionTime = new Date(NOW_MS - 10_000).toISOString();
    expect(reasons(check(inputs))).toEqual(['TooManyUnavailable']);
    expect(check(inputs, { nowMs: NOW_MS + 20_000 })).toEqual([]);
  });

  it('the one to be moved, Pending with its disk idle, is the best candidate: not even other pods that are down hold it', () => {
    const inputs = world({ podManagementPolicy: 'Parallel' });
    takePodDown(inputs, 2);
    takePodDown(inputs, 1);
    inputs.budgets = [disruptionBudget({ disruptionsAllowed: 0 })];
    expect(check(inputs)).toEqual([]);
    expect(reasons(check(inputs, { context: { inFlight: [{ ordinal: 0 }] } }))).toEqual(['AwaitsTurn']);
  });

  it('unless it is made again only after others that are down: OrderedReady', () => {
    const inputs = world({ podManagementPolicy: 'OrderedReady' });
    takePodDown(inputs, 2);
    takePodDown(inputs, 1);
    expect(check(inputs)).toEqual([{ reason: 'PodNotReady', ordinal: 2, message: expect.stringContaining('makes it again only when the lower ordinals are Ready (podManagementPolicy OrderedReady), which these are not: web-1;') }]);
    expect(check(inputs, { ordinal: 1 })).toEqual([]);
  });

  it('unless another one waits for a claim that is being deleted: the StatefulSet controller stops there', () => {
    const inputs = world();
    takePodDown(inputs, 0, { phase: 'Pending' });
    expect(check(inputs).map(({ message }) => message)).not.toContainEqual(expect.stringContaining('would not be made again'));
    const going = inputs.claims.find(({ metadata }) => metadata.name === 'data-web-0');
    going!.metadata.deletionTimestamp = '2026-11-20T10:00:00Z';
    expect(check(inputs)).toContainEqual({
      reason: 'PodNotReady',
      ordinal: 2,
      message: 'pod web-2 would not be made again: the StatefulSet controller stops at pod web-0, which is Pending while its claim data-web-0 is being deleted, and can never start; delete pod web-0, then it is made again with a new claim',
    });
    expect(reasons(check(inputs, { context: { inFlight: [{ ordinal: 0 }] } }))).not.toContain('PodNotReady');
    expect(reasons(check(inputs, { context: { inFlight: [{ ordinal: 0, frozen: true }] } }))).toContain('PodNotReady');
  });

  it('absent with its disk idle, too', () => {
    const inputs = world();
    takePodDown(inputs, 2);
    inputs.pods = inputs.pods.filter(({ metadata }) => metadata.name !== 'web-2');
    expect(check(inputs)).toEqual([]);
  });

  it('but unready on an attached disk it is held', () => {
    const inputs = world();
    takePodDown(inputs, 2, { phase: 'Running', diskIdle: false });
    expect(check(inputs)).toEqual([{ reason: 'PodNotReady', ordinal: 2, message: expect.stringContaining('pod web-2 is Running and not Ready while its disk d-data-web-2 is InUse') }]);
  });

  it('and so it is while it is being deleted', () => {
    const inputs = world();
    podOf(inputs, 2).metadata.deletionTimestamp = '2026-11-20T00:00:00Z';
    expect(check(inputs)).toMatchObject([{ reason: 'PodNotReady', message: expect.stringContaining('is being deleted') }]);
  });
});

describe('the revision', () => {
  it('of the pod is not the one that it would come back at', () => {
    const inputs = world();
    inputs.set.status!.updateRevision = 'web-new';
    expect(check(inputs)).toEqual([{ reason: 'RevisionWouldChange', ordinal: 2, message: expect.stringContaining('would come back as web-new') }]);
  });

  it('below the partition stays the current one', () => {
    const inputs = world({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 3 } } });
    inputs.set.status!.updateRevision = 'web-new';
    expect(check(inputs)).toEqual([]);
  });

  it('under OnDelete is the new one after every template change, however unequal they stay', () => {
    const inputs = world({ updateStrategy: { type: 'OnDelete' } });
    inputs.set.status!.updateRevision = 'web-new';
    expect(check(inputs)).toMatchObject([{ reason: 'RevisionWouldChange', message: expect.stringContaining('delete the pod to update it') }]);
    podOf(inputs, 2).metadata.labels!['controller-revision-hash'] = 'web-new';
    expect(check(inputs)).toEqual([]);
  });
});

describe('disruption budgets', () => {
  it('without room', () => {
    const inputs = world();
    inputs.budgets = [disruptionBudget({ disruptionsAllowed: 0 }), disruptionBudget({ name: 'other', matchLabels: { app: 'other' }, disruptionsAllowed: 0 })];
    expect(check(inputs)).toEqual([{ reason: 'DisruptionBudgetExhausted', ordinal: 2, message: expect.stringContaining('PodDisruptionBudget web allows no disruption of web-2 now (3 healthy, 2 wanted)') }]);
  });

  it('with room do not matter', () => {
    const inputs = world();
    inputs.budgets = [disruptionBudget()];
    expect(check(inputs)).toEqual([]);
  });

  it('two of them on one pod: Kubernetes evicts it for nobody', () => {
    const inputs = world();
    inputs.budgets = [disruptionBudget(), disruptionBudget({ name: 'again' })];
    expect(check(inputs)).toMatchObject([{ reason: 'SeveralDisruptionBudgets', message: expect.stringContaining('(web, again)') }]);
  });

  it('an empty selector covers every pod, none covers no pod', () => {
    const inputs = world();
    const everything = disruptionBudget({ matchLabels: {}, disruptionsAllowed: 0 });
    const nothing = disruptionBudget({ disruptionsAllowed: 0 });
    delete nothing.spec.selector;
    inputs.budgets = [nothing];
    expect(check(inputs)).toEqual([]);
    inputs.budgets = [everything];
    expect(reasons(check(inputs))).toEqual(['DisruptionBudgetExhausted']);
  });
});

describe('claims', () => {
  it.each<[string, (inputs: MutableInputs) => void, string]>([
    ['absent', (inputs) => (inputs.claims = inputs.claims.filter((one) => one !== claimOf(inputs, 2))), 'claim data-web-2 does not exist'],
    ['being deleted', (inputs) => (claimOf(inputs, 2).metadata.deletionTimestamp = 'now'), 'is being deleted'],
    ['Lost', (inputs) => (claimOf(inputs, 2).status!.phase = 'Lost'), 'is Lost'],
    ['without a volume that exists', (inputs) => (inputs.volumes = inputs.volumes.filter((one) => one !== volumeOf(inputs, 2))), 'not Bound to a volume that exists'],
    ['naming the volume of another', (inputs) => (volumeOf(inputs, 2).spec.claimRef!.uid = 'other'), 'bound to another claim'],
  ])('%s', (_, change, text) => {
    const inputs = world();
    change(inputs);
    expect(check(inputs)[0]).toEqual({ reason: 'ClaimNotBound', ordinal: 2, message: expect.stringContaining(text) });
  });

  it('managed by Helm, or the volume by kubectl apply', () => {
    const inputs = world();
    claimOf(inputs, 2).metadata.labels = { 'app.kubernetes.io/managed-by': 'Helm' };
    expect(check(inputs)).toEqual([{ reason: 'ManagedByGitOps', ordinal: 2, message: expect.stringContaining('claim data-web-2 is managed by Helm (label app.kubernetes.io/managed-by)') }]);
    inputs.set.spec.volumeClaimTemplates![0]!.metadata.labels = { 'app.kubernetes.io/managed-by': 'Helm' };
    expect(check(inputs)).toEqual([]);
    volumeOf(inputs, 2).metadata.annotations!['kubectl.kubernetes.io/last-applied-configuration'] = '{}';
    expect(check(inputs)).toMatchObject([{ reason: 'ManagedByGitOps', message: expect.stringContaining('volume disk-data-web-2 is managed by kubectl apply') }]);
  });

  it('with a finalizer beside Kubernetes’ own', () => {
    const inputs = world();
    claimOf(inputs, 2).metadata.finalizers!.push('snapshot.storage.kubernetes.io/pvc-as-source-protection');
    expect(check(inputs)).toEqual([{ reason: 'ClaimHasFinalizers', ordinal: 2, message: expect.stringContaining('pvc-as-source-protection') }]);
  });

  it('used by another pod, a completed one too', () => {
    const inputs = world();
    inputs.pods.push(strayPod('backup-1', ['data-web-2'], 'Succeeded'));
    expect(check(inputs)).toEqual([{ reason: 'ClaimUsedByOtherPod', ordinal: 2, message: expect.stringContaining('also used by pod backup-1') }]);
    expect(check(inputs, { ordinal: 1 })).toEqual([]);
  });

  it('that are being resized', () => {
    const inputs = world();
    claimOf(inputs, 2).spec.resources!.requests!['storage'] = '40Gi';
    expect(check(inputs)).toEqual([{ reason: 'ResizePending', ordinal: 2, message: expect.stringContaining('it asks for 40Gi and its volume has 20Gi') }]);
  });
});

describe('volumes that tie the pod', () => {
  function withPodVolume(...volumes: NonNullable<Pod['spec']['volumes']>): MutableInputs {
    const inputs = world();
    inputs.pods = inputs.pods.map((one) => (one === podOf(inputs, 2) ? pod({ set: inputs.set, ordinal: 2, node: 'node-c', volumes }) : one));
    return inputs;
  }

  it('a claim outside the templates, in the old zone; not one in the target zone or in all', () => {
    const inputs = withPodVolume(claimVolume('shared', 'shared'));
    inputs.claims.push(claim({ name: 'shared' }));
    inputs.volumes.push(volume({ claim: 'shared', zone: 'c' }));
    expect(check(inputs)).toEqual([{ reason: 'VolumePinsZone', ordinal: 2, message: expect.stringContaining('claim shared, which comes from no claim template, has its disk in zone c') }]);
    inputs.volumes.at(-1)!.spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions![0]!.values = ['a'];
    expect(check(inputs)).toEqual([]);
    delete inputs.volumes.at(-1)!.spec.nodeAffinity;
    expect(check(inputs)).toEqual([]);
    inputs.volumes.at(-1)!.metadata.labels = { 'failure-domain.beta.kubernetes.io/zone': 'b__c' };
    expect(check(inputs)).toMatchObject([{ reason: 'VolumePinsZone', message: expect.stringContaining('can be used in b, c only') }]);
  });

  it('a generic ephemeral volume of an Immediate class, or of none that exists', () => {
    const inputs = withPodVolume({ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: { storageClassName: 'fast' } } } });
    expect(check(inputs)).toMatchObject([{ reason: 'VolumePinsZone', message: expect.stringContaining('storage class that does not exist') }]);
    inputs.storageClasses.push(storageClass({ name: 'fast', volumeBindingMode: 'Immediate' }));
    expect(check(inputs)).toMatchObject([{ reason: 'VolumePinsZone', message: expect.stringContaining('volumeBindingMode Immediate') }]);
    inputs.storageClasses = [storageClass({ name: 'fast' })];
    expect(check(inputs)).toEqual([]);
  });

  it('a local volume', () => {
    const inputs = world({ templates: ['data', 'cache'] });
    const local = volume({ claim: 'cache-web-2' });
    delete local.spec.csi;
    local.spec.local = { path: '/mnt' };
    local.spec.nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-c'] }] }] } };
    inputs.volumes = inputs.volumes.map((one) => (one.metadata.name === 'disk-cache-web-2' ? local : one));
    expect(check(inputs)[0]).toEqual({ reason: 'VolumePinsZone', ordinal: 2, message: expect.stringContaining('volume disk-cache-web-2 is local to node node-c') });
  });

  it('paths of the node and config do not', () => {
    expect(check(withPodVolume({ name: 'log', hostPath: { path: '/var/log' } }, { name: 'conf', configMap: {} }))).toEqual([]);
  });

  it('an affinity that nobody here understands', () => {
    const inputs = world();
    volumeOf(inputs, 2).spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions!.push({ key: 'alibabacloud.com/ecs-instance-id', operator: 'In', values: ['i-1'] });
    expect(check(inputs)).toEqual([{ reason: 'UnknownAffinity', ordinal: 2, message: expect.stringContaining('alibabacloud.com/ecs-instance-id') }]);
  });

  it('a second PersistentVolume for the same disk', () => {
    const inputs = world();
    inputs.volumesByHandle.set('d-data-web-2', ['copy', 'disk-data-web-2']);
    expect(check(inputs)).toEqual([{ reason: 'SeveralVolumesPerHandle', ordinal: 2, message: expect.stringContaining('disk-data-web-2, copy') }]);
  });
});

describe('disks', () => {
  it.each<[BlockReason, Partial<Disk>, string]>([
    ['DiskNotMovable', { multiAttach: true }, 'several nodes at once'],
    ['DiskNotMovable', { portable: false }, 'Portable is false'],
    ['DiskNotMovable', { zone: 'b' }, 'the cloud says b'],
    ['DiskNotMovable', { regional: true, zone: '' }, 'the cloud says that it is regional'],
    ['DiskLocked', { locks: ['financial'] }, 'locked by the cloud (financial)'],
    ['DiskPrepaid', { prepaid: true }, 'pay-as-you-go'],
    ['DiskSuperseded', { tags: { 'zonespread.io/superseded-by': 'd-new' } }, 'zonespread.io/superseded-by=d-new'],
    ['TagSlotsExhausted', { tags: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`t${index}`, ''])) }, 'has 20 tags, and a disk holds 20'],
  ])('%s: %j', (reason, changes, text) => {
    const inputs = world();
    setDisk(inputs, 2, disk({ zone: 'c', ...changes }));
    expect(check(inputs)).toEqual([{ reason, ordinal: 2, message: expect.stringContaining(text) }]);
  });

  it('never attached, so that it cannot be snapshotted', () => {
    const inputs = world();
    const fresh = disk({ zone: 'c' });
    delete fresh.attachedAt;
    setDisk(inputs, 2, fresh);
    expect(reasons(check(inputs))).toEqual(['DiskNeverAttached']);
  });

  it('with 19 tags have room for one more', () => {
    const inputs = world();
    setDisk(inputs, 2, disk({ zone: 'c', tags: Object.fromEntries(Array.from({ length: 19 }, (_, index) => [`t${index}`, ''])) }));
    expect(check(inputs)).toEqual([]);
  });

  it('that the cloud does not know, or that are no disks of a cloud', () => {
    const inputs = world();
    inputs.disks.delete('d-data-web-2');
    expect(check(inputs)).toMatchObject([{ reason: 'DiskNotMovable', message: expect.stringContaining('the cloud knows no disk d-data-web-2') }]);
    delete volumeOf(inputs, 2).spec.csi;
    expect(check(inputs)).toMatchObject([{ reason: 'DiskNotMovable', message: expect.stringContaining('no CSI volume') }]);
  });

  it('shared by several nodes are not moved', () => {
    const inputs = world();
    claimOf(inputs, 2).spec.accessModes = ['ReadWriteMany'];
    expect(reasons(check(inputs))).toEqual(['DiskNotMovable']);
  });
});

describe('snapshots', () => {
  it('that are slow need a downtime that is allowed', () => {
    const inputs = world();
    setDisk(inputs, 2, disk({ zone: 'c', category: 'cloud_ssd' }));
    inputs.nodes = inputs.nodes.map(({ metadata }) => node({ name: metadata.name, zone: metadata.name.slice(-1), categories: ['cloud_ssd'] }));
    expect(check(inputs)).toEqual([{ reason: 'SlowSnapshots', ordinal: 2, message: expect.stringContaining('d-data-web-2 (cloud_ssd, 20 GiB) has no instant snapshots: web-2 would be down until its snapshot is uploaded, about 21m30s') }]);
    expect(reasons(check(inputs, { rules: { maxDowntimeMs: 20 * 60_000 } }))).toEqual(['DowntimeTooLong']);
    expect(check(inputs, { rules: { maxDowntimeMs: 30 * 60_000 } })).toEqual([]);
  });

  it('that are instant still take a moment', () => {
    expect(check(world(), { rules: { maxDowntimeMs: 60_000 } })).toMatchObject([{ reason: 'DowntimeTooLong', message: expect.stringContaining('about 1m30s, and zonespread.io/max-downtime allows 1m') }]);
  });

  it('one in progress blocks ours; a finished or failed one does not', () => {
    const inputs = world();
    inputs.snapshots.set('d-data-web-2', [snapshot({ id: 's-auto', sourceDiskId: 'd-data-web-2', accomplished: false, progress: 40 })]);
    expect(check(inputs)).toEqual([{ reason: 'SnapshotInProgress', ordinal: 2, message: expect.stringContaining('snapshot s-auto of disk d-data-web-2 is in progress (40 %)') }]);
    inputs.snapshots.set('d-data-web-2', [snapshot(), snapshot({ accomplished: false, failed: true })]);
    expect(check(inputs)).toEqual([]);
  });

  it('full: 256 of the disk, or the account', () => {
    const inputs = world();
    expect(check(inputs, { context: { snapshotQuotaFull: 'the account holds 1000 snapshots; delete some' } })).toMatchObject([{ reason: 'SnapshotQuotaFull', message: 'the account holds 1000 snapshots; delete some' }]);
    inputs.snapshots.set('d-data-web-2', Array.from({ length: 256 }, () => snapshot()));
    expect(reasons(check(inputs))).toEqual(['SnapshotQuotaFull']);
  });
});

describe('where it would land', () => {
  const zoneKey = 'topology.kubernetes.io/zone';

  it.each<[string, NonNullable<SpreadSetOptions['podSpec']>, boolean]>([
    ['a node selector for the old zone', { nodeSelector: { [zoneKey]: 'c' } }, true],
    ['an affinity for other zones', { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: zoneKey, operator: 'In', values: ['b', 'c'] }] }] } } } }, true],
    ['an affinity against the zone', { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: zoneKey, operator: 'NotIn', values: ['a'] }] }] } } } }, true],
    ['an affinity one term of which allows it', { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: zoneKey, operator: 'In', values: ['c'] }] }, { matchExpressions: [{ key: zoneKey, operator: 'In', values: ['a'] }] }] } } } }, false],
    ['an affinity that only prefers', { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }] } } }, false],
  ])('%s', (_, podSpec, pins) => {
    const blocked = check(world({ podSpec }));
    expect(reasons(blocked)[0]).toBe(pins ? 'TemplatePinsZone' : undefined);
  });

  it('a zone that somebody says takes nothing', () => {
    expect(check(world(), { context: { unusableZones: new Map([['a', 'sold out']]) } })).toEqual([{ reason: 'ZoneUnavailable', ordinal: 2, message: 'zone a takes no disks now: sold out' }]);
  });

  it('each node of the zone is refused for its own reason', () => {
    const inputs = world();
    const cordoned = node({ name: 'n2', zone: 'a' });
    cordoned.spec.unschedulable = true;
    inputs.nodes = [
      node({ name: 'n1', zone: 'a', ready: false }),
      cordoned,
      node({ name: 'n3', zone: 'a', taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] }),
      node({ name: 'n4', zone: 'a', categories: ['cloud_ssd'] }),
      node({ name: 'n5', zone: 'a' }),
    ];
    inputs.csiNodes = ['n1', 'n2', 'n3', 'n4'].map((name) => csiNode(name));
    const [blocked] = check(inputs);
    expect(blocked).toMatchObject({ reason: 'ZoneUnavailable' });
    expect(blocked?.message).toBe(
      'zone a has no node for web-2: 0/5 nodes are available: 1 diskplugin.csi.alibabacloud.com CSI driver is not installed on the node (n5), 1 node(s) cannot attach cloud_essd disks (n4), 1 node(s) had untolerated taint {dedicated: gpu} (n3), 1 node(s) were not ready (n1), 1 node(s) were unschedulable (n2); add a node that fits',
    );
  });

  it.each<[Record<string, unknown>, boolean]>([
    [{ key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }, true],
    [{ key: 'dedicated', operator: 'Exists' }, true],
    [{ operator: 'Exists' }, true],
    [{ key: 'dedicated', value: 'gpu' }, true],
    [{ key: 'dedicated', value: 'cpu' }, false],
    [{ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'other', operator: 'Exists' }, false],
  ])('a taint is passed with the toleration %j: %s', (toleration, passes) => {
    const inputs = world({ podSpec: { tolerations: [toleration] } });
    inputs.nodes = [node({ name: 'node-a', zone: 'a', taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] })];
    expect(reasons(check(inputs))).toEqual(passes ? [] : ['ZoneUnavailable']);
  });

  it('a taint that only prefers holds nobody', () => {
    const inputs = world();
    inputs.nodes = [node({ name: 'node-a', zone: 'a', taints: [{ key: 'x', effect: 'PreferNoSchedule' }] })];
    expect(check(inputs)).toEqual([]);
  });

  it('without any node the zones that have some are named', () => {
    const inputs = world();
    expect(check(inputs, { targetZone: 'A' })[0]?.message).toBe('zone A has no nodes (zones with nodes: a, b, c); correct the zone\'s name or add a node there');
  });

  it('a pod’s own node selector must fit', () => {
    const inputs = world({ podSpec: { nodeSelector: { pool: 'db' } } });
    expect(reasons(check(inputs))).toEqual(['ZoneUnavailable']);
    inputs.nodes = [node({ zone: 'a', labels: { pool: 'db' } })];
    expect(check(inputs)).toEqual([]);
  });

  it('a veto of the caller', () => {
    expect(check(world(), { context: { forbidden: (ordinal, zone) => `${ordinal} never to ${zone}` } })).toEqual([{ reason: 'Forbidden', ordinal: 2, message: '2 never to a' }]);
  });
});

describe('whose turn it is', () => {
  it('paused', () => {
    expect(check(world(), { rules: { paused: true } })).toEqual([{ reason: 'Paused', message: expect.stringContaining('zonespread.io/paused: "false"') }]);
  });

  it('outside the window', () => {
    const rules = { windows: [{ cron: '0 2 * * *', durationMs: 3_600_000, timeZone: 'UTC' }] };
    expect(check(world(), { rules })).toEqual([{ reason: 'OutsideWindow', message: expect.stringContaining('the next one opens at 2026-11-20T02:00:00.000Z') }]);
    expect(check(world(), { rules, nowMs: NOW_MS + 2 * 3_600_000 })).toEqual([]);
  });

  it('a window that closes before the move would be over by estimate', () => {
    const rules = { windows: [{ cron: '0 2 * * *', durationMs: 3_600_000, timeZone: 'UTC' }], healthDurationMs: 60_000 };
    const closes = NOW_MS + 3 * 3_600_000;
    expect(check(world(), { rules, nowMs: closes - 150_000 })).toEqual([]);
    expect(check(world(), { rules, nowMs: closes - 149_000 })).toEqual([{ reason: 'WindowClosesSoon', ordinal: 2, message: 'the move of web-2 is estimated at 2m30s, and the window of zonespread.io/window closes at 2026-11-20T03:00:00.000Z; it waits for the next one (a longer window helps)' }]);
  });

  it('a health query that is not met', () => {
    expect(check(world(), { context: { unhealthy: 'up == 1 gives nothing' } })).toEqual([{ reason: 'HealthQueryUnmet', message: 'up == 1 gives nothing' }]);
  });

  it('in the cool-down', () => {
    const context = { recentMoves: new Map([[2, NOW_MS + 1000]]) };
    expect(check(world(), { context })).toEqual([{ reason: 'CoolDown', ordinal: 2, message: expect.stringContaining('until 2026-11-20T00:00:01.000Z') }]);
    expect(check(world(), { context, nowMs: NOW_MS + 1000 })).toEqual([]);
  });

  it('after a failed move, until the time in the message', () => {
    const context = { backOffs: new Map([[2, 'the last move of ordinal 2 failed']]) };
    expect(check(world(), { context })).toEqual([{ reason: 'BackOff', ordinal: 2, message: 'the last move of ordinal 2 failed' }]);
  });

  it('the cluster’s budget is asked for exactly this move', () => {
    expect(check(world(), { context: { budget: ({ from, to }) => `no room from ${from} to ${to}` } })).toEqual([{ reason: 'BudgetUsedUp', ordinal: 2, message: 'no room from c to a' }]);
  });

  it('the webhook is not ready', () => {
    expect(check(world(), { context: { webhook: { ready: false, message: 'the webhook does not answer' } } })).toEqual([{ reason: 'WebhookNotReady', message: 'the webhook does not answer' }]);
  });
});

it('a pod with two disks is judged by both', () => {
  const inputs = world({ templates: ['data', 'log'] });
  inputs.disks.get('d-log-web-2')!.prepaid = true;
  expect(check(inputs)).toMatchObject([{ reason: 'DiskPrepaid', message: expect.stringContaining('d-log-web-2') }]);
  addDisk(inputs, { name: 'log-web-2', zone: 'a' });
  inputs.disks.get('d-log-web-2')!.prepaid = true;
  expect(check(inputs)).toEqual([]);
});
