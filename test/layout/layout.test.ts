import { describe, expect, it } from 'vitest';
import { buildLayout, ordinalIn, volumesToMove, zonalVolumes, zoneOf, type Layout, type OrdinalFacts } from '../../src/layout/layout.ts';
import { ordinalOf } from '../../src/layout/names.ts';
import { revisionWhenRecreated, setFacts } from '../../src/layout/set.ts';
import { disk } from '../builders/cloud.ts';
import { claim, claimVolume, csiNode, node, pod, REVISION, statefulSet, storageClass, strayPod, uid, volume } from '../builders/kubernetes.ts';
import { addDisk, spreadSet, type MutableInputs } from '../builders/spread-set.ts';

function ordinal(layout: Layout, number: number): OrdinalFacts {
  const found = ordinalIn(layout, number);
  if (found === undefined) throw new Error(`no ordinal ${number}`);
  return found;
}

function firstVolume(inputs: MutableInputs) {
  const [found] = ordinal(buildLayout(inputs), 0).volumes;
  if (found === undefined) throw new Error('no volume');
  return found;
}

describe('the ordinals of a layout', () => {
  it('are those of [start, start+replicas), each with its pod and the zone of its disks', () => {
    const layout = buildLayout(spreadSet({ zones: ['a', 'b', 'a'], start: 5 }));
    expect(layout.ordinals.map((one) => [one.ordinal, one.podName, zoneOf(one)])).toEqual([
      [5, 'web-5', 'a'],
      [6, 'web-6', 'b'],
      [7, 'web-7', 'a'],
    ]);
    expect(ordinalIn(layout, 4)).toBeUndefined();
    expect(ordinalIn(layout, 8)).toBeUndefined();
    expect(ordinal(layout, 6).pod).toMatchObject({ name: 'web-6', uid: uid('pod', 'web-6'), phase: 'Running', ready: true, nodeName: 'node-b', revision: REVISION, terminating: false, gates: [] });
  });

  it('have no pod when it does not exist, or belongs to another set of that name', () => {
    const inputs = spreadSet({ zones: ['a', 'a'] });
    inputs.pods[0]!.metadata.ownerReferences![0]!.uid = 'another';
    inputs.pods.pop();
    expect(buildLayout(inputs).ordinals.map((one) => one.pod)).toEqual([undefined, undefined]);
  });

  it('leave out pods beyond the range and name them', () => {
    const inputs = spreadSet({ zones: ['a', 'a', 'a'] });
    inputs.set.spec.replicas = 2;
    const layout = buildLayout(inputs);
    expect(layout.ordinals).toHaveLength(2);
    expect(layout.podsOutside).toEqual(['web-2']);
  });

  it('have one zone when all their disks are in it, else none', () => {
    const inputs = spreadSet({ zones: ['a'], templates: ['data', 'log'] });
    expect(zoneOf(ordinal(buildLayout(inputs), 0))).toBe('a');
    addDisk(inputs, { name: 'log-web-0', zone: 'b' });
    const torn = ordinal(buildLayout(inputs), 0);
    expect(torn.zones).toEqual(['a', 'b']);
    expect(zoneOf(torn)).toBeUndefined();
    expect(volumesToMove(torn, 'b').map(({ claimName }) => claimName)).toEqual(['data-web-0']);
  });

  it('are not tied by what is in no single zone', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.volumes[0]!.spec.nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.kubernetes.io/region', operator: 'In', values: ['r'] }] }] } };
    const facts = ordinal(buildLayout(inputs), 0);
    expect(facts.zones).toEqual([]);
    expect(zonalVolumes(facts)).toEqual([]);
  });
});

describe('a pod', () => {
  it('that is being deleted is not ready', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.pods[0]!.metadata.deletionTimestamp = '2026-11-20T00:00:00Z';
    expect(ordinal(buildLayout(inputs), 0).pod).toMatchObject({ ready: false, terminating: true, readySinceMs: undefined });
  });

  it('tells its gates, and that it has no node yet', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.pods = [pod({ set: inputs.set })];
    inputs.pods[0]!.spec.schedulingGates = [{ name: 'zonespread.io/migrating' }];
    expect(ordinal(buildLayout(inputs), 0).pod).toMatchObject({ phase: 'Pending', ready: false, nodeName: undefined, gates: ['zonespread.io/migrating'] });
  });

  it('tells since when it is ready', () => {
    expect(ordinal(buildLayout(spreadSet({ zones: ['a'] })), 0).pod?.readySinceMs).toBe(Date.parse('2026-11-19T00:00:00Z'));
  });

  it('asks of nodes what its own spec says, and the template’s while it does not exist', () => {
    const inputs = spreadSet({ zones: ['a', 'a'], podSpec: { nodeSelector: { pool: 'old' } } });
    inputs.set.spec.template.spec = { nodeSelector: { pool: 'new' } };
    inputs.pods.pop();
    expect(buildLayout(inputs).ordinals.map(({ demands }) => demands.nodeSelector)).toEqual([{ pool: 'old' }, { pool: 'new' }]);
  });
});

describe('the volumes of a pod', () => {
  it('of a template come with claim, volume and disk', () => {
    expect(firstVolume(spreadSet({ zones: ['a'] }))).toMatchObject({
      name: 'data',
      source: 'template',
      claimName: 'data-web-0',
      claim: { name: 'data-web-0', uid: uid('claim', 'data-web-0'), phase: 'Bound', requestedGiB: 20, finalizers: ['kubernetes.io/pvc-protection'], managedBy: [], otherPods: [], resizing: undefined },
      volume: { name: 'disk-data-web-0', uid: uid('volume', 'disk-data-web-0'), driver: 'diskplugin.csi.alibabacloud.com', diskId: 'd-data-web-0', capacityBytes: 20n * 2n ** 30n, sizeGiB: 20, reclaimPolicy: 'Delete', sameHandle: [], place: { kind: 'zonal', zone: 'a' } },
      bindingMode: 'WaitForFirstConsumer',
      disk: { id: 'd-data-web-0' },
      instantSnapshots: true,
      zone: 'a',
    });
  });

  it('are known from the templates when the pod does not exist', () => {
    const inputs = spreadSet({ zones: ['a'], podSpec: { volumes: [claimVolume('shared', 'shared')] } });
    inputs.pods = [];
    expect(ordinal(buildLayout(inputs), 0).volumes.map(({ source, claimName, zone }) => [source, claimName, zone])).toEqual([
      ['template', 'data-web-0', 'a'],
      ['claim', 'shared', undefined],
    ]);
  });

  it('of every other kind that can tie it are there too', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.pods = [
      pod({
        set: inputs.set,
        node: 'node-a',
        volumes: [
          claimVolume('shared', 'shared'),
          { name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: { storageClassName: 'immediate' } } } },
          { name: 'logs', hostPath: { path: '/var/log' } },
          { name: 'config', configMap: { name: 'config' } },
        ],
      }),
    ];
    inputs.storageClasses.push(storageClass({ name: 'immediate', volumeBindingMode: 'Immediate' }));
    inputs.claims.push(claim({ name: 'shared' }));
    inputs.volumes.push(volume({ claim: 'shared', zone: 'b' }));
    expect(ordinal(buildLayout(inputs), 0).volumes.map(({ name, source, claimName, bindingMode, zone }) => ({ name, source, claimName, bindingMode, zone }))).toEqual([
      { name: 'data', source: 'template', claimName: 'data-web-0', bindingMode: 'WaitForFirstConsumer', zone: 'a' },
      { name: 'shared', source: 'claim', claimName: 'shared', bindingMode: 'WaitForFirstConsumer', zone: 'b' },
      { name: 'scratch', source: 'ephemeral', claimName: 'web-0-scratch', bindingMode: 'Immediate', zone: undefined },
      { name: 'logs', source: 'hostPath', claimName: undefined, bindingMode: undefined, zone: undefined },
    ]);
    expect(ordinal(buildLayout(inputs), 0).zones).toEqual(['a']);
  });

  it('name the other pods that use the claim, ended ones too', () => {
    const inputs = spreadSet({ zones: ['a', 'a'] });
    inputs.pods.push(strayPod('backup-x', ['data-web-0'], 'Succeeded'));
    expect(firstVolume(inputs).claim?.otherPods).toEqual(['backup-x']);
  });

  it('name the other volumes of the same handle', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.volumesByHandle.set('d-data-web-0', ['disk-data-web-0', 'copy']);
    expect(firstVolume(inputs).volume?.sameHandle).toEqual(['copy']);
  });

  it('take the default class when nothing names one', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.claims = [];
    delete inputs.set.spec.volumeClaimTemplates![0]!.spec.storageClassName;
    inputs.storageClasses = [storageClass({ name: 'other' }), { ...storageClass({ volumeBindingMode: 'Immediate' }), metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } }];
    expect(firstVolume(inputs)).toMatchObject({ claim: undefined, volume: undefined, disk: undefined, bindingMode: 'Immediate' });
  });

  it('have a size of whole GiB, rounded up', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.volumes[0]!.spec.capacity = { storage: '20.5Gi' };
    inputs.claims[0]!.spec.resources = { requests: { storage: '1G' } };
    expect(firstVolume(inputs)).toMatchObject({ volume: { sizeGiB: 21, capacityBytes: 41n * 2n ** 29n }, claim: { requestedGiB: 1 } });
  });

  it('of a node are in the zone of that node', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.volumes[0]!.spec.nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-b'] }] }] } };
    expect(firstVolume(inputs).zone).toBe('b');
    inputs.volumes[0]!.spec.nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['gone'] }] }] } };
    expect(firstVolume(inputs).zone).toBeUndefined();
  });

  it('are resizing when a condition says so or the claim wants more than there is', () => {
    const inputs = spreadSet({ zones: ['a'] });
    const [data] = inputs.claims;
    data!.status!.conditions = [{ type: 'FileSystemResizePending', status: 'True' }];
    expect(firstVolume(inputs).claim?.resizing).toBe('condition FileSystemResizePending is True');
    data!.status!.conditions = [{ type: 'FileSystemResizePending', status: 'False' }];
    data!.spec.resources!.requests!['storage'] = '40Gi';
    expect(firstVolume(inputs).claim?.resizing).toBe('it asks for 40Gi and its volume has 20Gi');
    data!.spec.resources!.requests!['storage'] = '10Gi';
    expect(firstVolume(inputs).claim?.resizing).toBeUndefined();
  });
});

describe('signs that another tool manages a claim or volume', () => {
  const helm = { 'app.kubernetes.io/managed-by': 'Helm' };

  it('count on the claim itself', () => {
    const inputs = spreadSet({ zones: ['a'] });
    Object.assign(inputs.claims[0]!.metadata.labels!, helm);
    expect(firstVolume(inputs).claim?.managedBy).toEqual([{ tool: 'Helm', kind: 'label', key: 'app.kubernetes.io/managed-by', value: 'Helm' }]);
  });

  it('do not count when the claim template gives them to every claim', () => {
    const inputs = spreadSet({ zones: ['a'] });
    Object.assign(inputs.claims[0]!.metadata.labels!, helm);
    Object.assign(inputs.claims[0]!.metadata.annotations!, { 'argocd.argoproj.io/tracking-id': 'app:1' });
    inputs.set.spec.volumeClaimTemplates![0]!.metadata.labels = { ...helm };
    inputs.set.spec.volumeClaimTemplates![0]!.metadata.annotations = { 'argocd.argoproj.io/tracking-id': 'app:1' };
    expect(firstVolume(inputs).claim?.managedBy).toEqual([]);
  });

  it('do not count when the selector gives them, but do with another value', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.claims[0]!.metadata.labels = { 'argocd.argoproj.io/instance': 'shop' };
    inputs.set.spec.selector = { matchLabels: { 'argocd.argoproj.io/instance': 'shop' } };
    expect(firstVolume(inputs).claim?.managedBy).toEqual([]);
    inputs.set.spec.selector = { matchLabels: { 'argocd.argoproj.io/instance': 'other' } };
    expect(firstVolume(inputs).claim?.managedBy).toHaveLength(1);
  });

  it('count on the volume whatever the set says', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.volumes[0]!.metadata.annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
    expect(firstVolume(inputs).volume?.managedBy).toMatchObject([{ tool: 'kubectl apply' }]);
  });

  it('are not seen in a label that merely looks alike', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.claims[0]!.metadata.labels = { 'app.kubernetes.io/managed-by': 'my-script' };
    expect(firstVolume(inputs).claim?.managedBy).toEqual([]);
  });
});

describe('nodes', () => {
  it('are ready, schedulable, and take the categories that their labels offer', () => {
    const cordoned = node({ name: 'n2', zone: 'b', ready: false, categories: [] });
    cordoned.spec.unschedulable = true;
    const inputs = spreadSet({ zones: ['a'] });
    inputs.nodes = [node({ name: 'n1', zone: 'a', categories: ['cloud_essd'], labels: { 'node.csi.alibabacloud.com/disktype.cloud_ssd': 'unavailable' } }), cordoned];
    inputs.csiNodes = [csiNode('n1')];
    expect(buildLayout(inputs).nodes).toMatchObject([
      { name: 'n1', zone: 'a', ready: true, schedulable: true, diskCategories: ['cloud_essd'], drivers: ['diskplugin.csi.alibabacloud.com'] },
      { name: 'n2', zone: 'b', ready: false, schedulable: false, diskCategories: undefined, drivers: [] },
    ]);
    expect(buildLayout({ ...inputs, csiNodes: [] }).nodes[0]?.drivers).toBeUndefined();
  });
});

describe('the facts of a set', () => {
  it('fill in the defaults of Kubernetes', () => {
    const bare = statefulSet();
    delete bare.spec.replicas;
    delete bare.spec.podManagementPolicy;
    delete bare.spec.updateStrategy;
    delete bare.status;
    expect(setFacts(bare)).toMatchObject({ replicas: 1, start: 0, podManagementPolicy: 'OrderedReady', updateStrategy: 'RollingUpdate', partition: 0, observedGeneration: 0, updateRevision: undefined, claimRetention: { whenDeleted: 'Retain', whenScaled: 'Retain' } });
  });

  it('know the owner that controls it, not any owner', () => {
    const owned = statefulSet();
    const reference = { apiVersion: 'example.com/v1', kind: 'Database', name: 'db', uid: 'u' };
    owned.metadata.ownerReferences = [reference];
    expect(setFacts(owned).controller).toBeUndefined();
    owned.metadata.ownerReferences = [{ ...reference, controller: true }];
    expect(setFacts(owned).controller).toMatchObject({ kind: 'Database' });
  });

  it.each([
    ['OnDelete', { type: 'OnDelete' }, 0, 'new'],
    ['a rolling update without partition', { type: 'RollingUpdate' }, 0, 'new'],
    ['below the partition', { type: 'RollingUpdate', rollingUpdate: { partition: 2 } }, 6, 'old'],
    ['at the partition', { type: 'RollingUpdate', rollingUpdate: { partition: 2 } }, 7, 'new'],
  ])('say which revision a pod would be re-created at: %s', (_, updateStrategy, number, revision) => {
    const set = statefulSet({ start: number >= 5 ? 5 : 0, updateStrategy });
    set.status = { currentRevision: 'old', updateRevision: 'new' };
    expect(revisionWhenRecreated(setFacts(set), number)).toBe(revision);
  });
});

it.each([
  ['web-0', 0],
  ['web-12', 12],
  ['web-01', undefined],
  ['web-', undefined],
  ['web', undefined],
  ['web-x-1', undefined],
  ['other-1', undefined],
])('the pod name %s has the ordinal %s in the set web', (name, expected) => {
  expect(ordinalOf(name, 'web')).toBe(expected);
});

it('a disk that the cloud does not know has no facts', () => {
  const inputs = spreadSet({ zones: ['a'] });
  inputs.disks.clear();
  inputs.disks.set('d-other', disk({ id: 'd-other' }));
  expect(firstVolume(inputs)).toMatchObject({ disk: undefined, snapshots: [], instantSnapshots: false, zone: 'a' });
});
