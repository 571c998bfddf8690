import { describe, expect, it } from 'vitest';
import type { CSINode, PersistentVolume, VolumeAttachment } from '../../../src/kubernetes/objects.ts';
import { diskCategories, diskDrivers, notReady } from '../../../src/planner/placement/disk-support.ts';
import { volumeLimits } from '../../../src/planner/placement/volume-limits.ts';
import { volumeBinding, volumeZone } from '../../../src/planner/placement/volume-topology.ts';
import { claim, claimVolume, csiNode, DISK_DRIVER, node, storageClass, volume } from '../../builders/kubernetes.ts';
import { answers, arriving, fitting, landscape, neighbour, nodesWith } from './landings.ts';

const newDisk = { driver: DISK_DRIVER, category: 'cloud_essd' };

function limited(count: number): CSINode {
  return { metadata: { name: 'n1' }, spec: { drivers: [{ name: DISK_DRIVER, nodeID: 'i-1', allocatable: { count } }] } };
}

describe('a node attaches', () => {
  const FULL = { n1: ['node(s) exceed max volume count'] };
  const using = (...names: string[]) => neighbour({ on: 'n1', spec: { volumes: names.map((name) => claimVolume(name, name)) } });
  const bound = (name: string) => ({ claims: [claim({ name })], volumes: [volume({ claim: name })] });
  const around = (count: number, more: Parameters<typeof landscape>[0] = {}) => landscape({ nodes: nodesWith({}), csiNodes: [limited(count)], ...more });
  const onto = (land: ReturnType<typeof around>, more: Parameters<typeof arriving>[1] = {}) => answers(volumeLimits, arriving({}, { newDisks: [newDisk], ...more }), land);

  it('as many volumes as its driver says', () => {
    expect(onto(around(1, { ...bound('one'), pods: [using('one')] }))).toEqual(FULL);
    expect(onto(around(2, { ...bound('one'), pods: [using('one')] }))).toEqual({ n1: [] });
    expect(onto(around(1), { newDisks: [newDisk, newDisk] })).toEqual(FULL);
  });

  it('any number when nothing is said, or to a pod without volumes', () => {
    expect(onto(landscape({ nodes: nodesWith({}), csiNodes: [], ...bound('one'), pods: [using('one')] }))).toEqual({ n1: [] });
    expect(onto(around(1, { ...bound('one'), pods: [using('one')] }), { newDisks: [] })).toEqual({ n1: [] });
  });

  it('one that pods share once, the new pod’s among them', () => {
    const pods = [using('one'), using('one')];
    expect(onto(around(2, { ...bound('one'), pods }))).toEqual({ n1: [] });
    expect(onto(around(1, { ...bound('one'), pods }), { newDisks: [], volumes: [volume({ claim: 'one' })] })).toEqual({ n1: [] });
  });

  it('one that is still to be provisioned, by the driver of its class', () => {
    const pending = { claims: [claim({ name: 'one', volumeName: null })], storageClasses: [storageClass()], pods: [using('one')] };
    expect(onto(around(1, pending))).toEqual(FULL);
    const open = { name: 'open', claim: undefined, storageClass: storageClass() };
    expect(onto(around(1, { ...bound('one'), pods: [using('one')] }), { newDisks: [], openClaims: [open] })).toEqual(FULL);
  });

  it('those of generic ephemeral volumes', () => {
    const pod = neighbour({ on: 'n1', name: 'job', spec: { volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: {} } } }] } });
    expect(onto(around(1, { ...bound('job-scratch'), pods: [pod] }))).toEqual(FULL);
  });

  describe('what nobody uses any more', () => {
    const left: VolumeAttachment = { metadata: { name: 'left' }, spec: { attacher: DISK_DRIVER, nodeName: 'n1', source: { persistentVolumeName: 'disk-one' } } };

    it('until it is detached', () => {
      expect(onto(around(1, { ...bound('one'), attachments: [left] }))).toEqual(FULL);
      expect(onto(around(2, { ...bound('one'), attachments: [left], pods: [using('one')] }))).toEqual({ n1: [] });
    });

    it('but not the disk of the pod that goes away, which is detached by then', () => {
      const present = using('one');
      const land = around(1, { ...bound('one'), attachments: [left], pods: [present] });
      expect(onto(land, { leaving: present, released: new Set(['disk-one']) })).toEqual({ n1: [] });
    });
  });
});

describe('volumes that stay', () => {
  const OUT_OF_REACH = ["node(s) didn't match PersistentVolume's node affinity"];
  const land = landscape({ nodes: [node({ name: 'n1', zone: 'a' }), node({ name: 'n2', zone: 'b' })] });

  it('have to be in reach', () => {
    expect(answers(volumeBinding, arriving({}, { volumes: [volume({ zone: 'a' })] }), land)).toEqual({ n1: [], n2: OUT_OF_REACH });
    expect(fitting(volumeBinding, arriving({}, { volumes: [volume({ zone: 'a' }), volume({ zone: 'b' })] }), land)).toEqual([]);
  });

  it('are in reach from anywhere when they say nothing', () => {
    const anywhere: PersistentVolume = volume();
    delete anywhere.spec.nodeAffinity;
    expect(fitting(volumeBinding, arriving({}, { volumes: [anywhere] }), land)).toEqual(['n1', 'n2']);
  });

  it('say by label where they are, too, in the words of old clusters as well', () => {
    const labelled = (labels: Record<string, string>) => ({ ...volume(), metadata: { name: 'v', labels } });
    const asked = (labels: Record<string, string>) => answers(volumeZone, arriving({}, { volumes: [labelled(labels)] }), land);
    expect(asked({ 'topology.kubernetes.io/zone': 'a' })).toEqual({ n1: [], n2: ['node(s) had no available volume zone'] });
    expect(asked({ 'failure-domain.beta.kubernetes.io/zone': 'b__c' })).toEqual({ n1: ['node(s) had no available volume zone'], n2: [] });
    expect(asked({})).toEqual({ n1: [], n2: [] });
  });

  it('and are anywhere for a node that knows of no zones', () => {
    const bare = landscape({ nodes: [{ metadata: { name: 'n1' }, spec: {} }] });
    expect(fitting(volumeZone, arriving({}, { volumes: [{ ...volume(), metadata: { name: 'v', labels: { 'topology.kubernetes.io/zone': 'a' } } }] }), bare)).toEqual(['n1']);
  });
});

describe('a claim that waits for its first consumer', () => {
  const NOTHING = ["node(s) didn't find available persistent volumes to bind"];
  const land = landscape({ nodes: [node({ name: 'n1', zone: 'a' }), node({ name: 'n2', zone: 'b' })] });
  const open = (more: object = {}) => arriving({}, { openClaims: [{ name: 'open', claim: undefined, storageClass: storageClass(), ...more }] });

  it('is served where its class may provision', () => {
    const allowedTopologies = [{ matchLabelExpressions: [{ key: 'topology.kubernetes.io/zone', values: ['b', 'c'] }] }];
    expect(answers(volumeBinding, open({ storageClass: storageClass({ allowedTopologies }) }), land)).toEqual({ n1: NOTHING, n2: [] });
    expect(fitting(volumeBinding, open(), land)).toEqual(['n1', 'n2']);
  });

  it('is not served by a class that provisions nothing, nor by none', () => {
    expect(fitting(volumeBinding, open({ storageClass: storageClass({ provisioner: 'kubernetes.io/no-provisioner' }) }), land)).toEqual([]);
    expect(fitting(volumeBinding, open({ storageClass: undefined }), land)).toEqual([]);
  });

  it('goes with the node that was selected for it', () => {
    const selected = claim({ name: 'open', volumeName: null, annotations: { 'volume.kubernetes.io/selected-node': 'n2' } });
    expect(fitting(volumeBinding, open({ claim: selected }), land)).toEqual(['n2']);
  });

  it('is named beside a volume that is out of reach', () => {
    const both = arriving({}, { volumes: [volume({ zone: 'a' })], openClaims: [{ name: 'open', claim: undefined, storageClass: undefined }] });
    expect(answers(volumeBinding, both, land)['n2']).toEqual(["node(s) didn't match PersistentVolume's node affinity", ...NOTHING]);
  });
});

describe('what the scheduler does not ask, a node', () => {
  it('has to be Ready', () => {
    expect(answers(notReady, arriving(), landscape({ nodes: [node({ name: 'n1', ready: false }), node({ name: 'n2' })] }))).toEqual({ n1: ['node(s) were not ready'], n2: [] });
  });

  it('needs the driver of the new disks, where drivers are told at all', () => {
    const nodes = nodesWith({}, {});
    const arrival = arriving({}, { newDisks: [newDisk] });
    expect(answers(diskDrivers, arrival, landscape({ nodes, csiNodes: [csiNode('n1')] }))).toEqual({ n1: [], n2: [`${DISK_DRIVER} CSI driver is not installed on the node`] });
    expect(fitting(diskDrivers, arrival, landscape({ nodes }))).toEqual(['n1', 'n2']);
    expect(fitting(diskDrivers, arriving(), landscape({ nodes, csiNodes: [csiNode('n1')] }))).toEqual(['n1', 'n2']);
  });

  it('attaches the category of the new disks, or says nothing of categories', () => {
    const nodes = [node({ name: 'n1' }), node({ name: 'n2', categories: ['cloud_ssd'] }), node({ name: 'n3', categories: [] })];
    expect(answers(diskCategories, arriving({}, { newDisks: [newDisk] }), landscape({ nodes }))).toEqual({ n1: [], n2: ['node(s) cannot attach cloud_essd disks'], n3: [] });
  });
});
