import { beforeEach, describe, expect, it } from 'vitest';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../../../src/kubernetes/objects.ts';
import { WatchedCluster } from '../../../src/simulation/nodes/watched-cluster.ts';

const UNIQUE = 'kubernetes.io/csi/disk.csi^d-1';

let cluster: WatchedCluster;
const woken: string[] = [];

beforeEach(() => {
  cluster = new WatchedCluster();
  woken.length = 0;
  cluster.listen({ node: 'n-1', wake: () => woken.push('n-1'), waits: () => true });
  cluster.listen({ node: 'n-2', wake: () => woken.push('n-2'), waits: () => false });
});

function pod(overrides: Partial<Pod['metadata']> = {}, spec: Partial<Pod['spec']> = {}): Pod {
  return { metadata: { namespace: 'shop', name: 'web-0', uid: 'u-1', ...overrides }, spec: { nodeName: 'n-1', ...spec } };
}

function attachment(name: string, overrides: { attached?: boolean; deletionTimestamp?: string } = {}): VolumeAttachment {
  const { attached = true, deletionTimestamp } = overrides;
  return {
    metadata: { name, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    spec: { attacher: 'disk.csi', nodeName: 'n-1', source: { persistentVolumeName: 'pv-1' } },
    status: { attached },
  };
}

function node(volumesAttached: string[]): Node {
  return { metadata: { name: 'n-1', labels: { zone: 'a' } }, spec: {}, status: { volumesAttached: volumesAttached.map((name) => ({ name, devicePath: '' })) } };
}

describe('pods', () => {
  it('are seen by the kubelet of their node only, and wake only it', () => {
    cluster.set({ kind: 'Pod', object: pod() });
    expect(cluster.viewOf('n-1').pods).toHaveLength(1);
    expect(cluster.viewOf('n-2').pods).toEqual([]);
    expect(woken).toEqual(['n-1']);
  });

  it('without a node concern nobody', () => {
    cluster.set({ kind: 'Pod', object: { ...pod(), spec: {} } });
    expect(woken).toEqual([]);
  });

  it('name their claims, ephemeral ones included, each once', () => {
    const volumes = [
      { name: 'a', persistentVolumeClaim: { claimName: 'data-web-0' } },
      { name: 'b', persistentVolumeClaim: { claimName: 'data-web-0' } },
      { name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: {} } } },
      { name: 'config', configMap: { name: 'x' } },
    ];
    cluster.set({ kind: 'Pod', object: pod({}, { volumes }) });
    expect(cluster.viewOf('n-1').pods[0]?.claims).toEqual(['data-web-0', 'web-0-scratch']);
  });

  it('have the grace period of their deletion, else of their spec, else 30 s', () => {
    const graceOf = (object: Pod): number | undefined => {
      cluster.set({ kind: 'Pod', object });
      return cluster.viewOf('n-1').pods[0]?.graceMs;
    };
    expect(graceOf(pod())).toBe(30_000);
    expect(graceOf(pod({}, { terminationGracePeriodSeconds: 5 }))).toBe(5_000);
    expect(graceOf(pod({ deletionTimestamp: 'now', deletionGracePeriodSeconds: 0 }, { terminationGracePeriodSeconds: 5 }))).toBe(0);
  });

  it('are gone when they are gone', () => {
    cluster.set({ kind: 'Pod', object: pod() });
    cluster.delete({ kind: 'Pod', object: pod() });
    expect(cluster.viewOf('n-1').pods).toEqual([]);
  });
});

describe('claims and volumes', () => {
  const claim: PersistentVolumeClaim = { metadata: { namespace: 'shop', name: 'data', uid: 'c-1' }, spec: { volumeName: 'pv-1' }, status: { phase: 'Bound' } };
  const volume: PersistentVolume = {
    metadata: { name: 'pv-1' },
    spec: {
      claimRef: { uid: 'c-1' },
      csi: { driver: 'disk.csi', volumeHandle: 'd-1' },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }] } },
    },
  };

  it('wake only kubelets that wait for something', () => {
    cluster.set({ kind: 'PersistentVolumeClaim', object: claim });
    cluster.set({ kind: 'PersistentVolume', object: volume });
    expect(woken).toEqual(['n-1', 'n-1']);
  });

  it('are what the kubelet decides on', () => {
    cluster.set({ kind: 'PersistentVolumeClaim', object: claim });
    cluster.set({ kind: 'PersistentVolume', object: volume });
    const view = cluster.viewOf('n-1');
    expect(view.claim('shop', 'data')).toEqual({ uid: 'c-1', bound: true, deleting: false, volumeName: 'pv-1' });
    expect(view.volume('pv-1')).toEqual({ name: 'pv-1', claimUid: 'c-1', csi: { driver: 'disk.csi', handle: 'd-1' }, affinity: [[{ key: 'zone', operator: 'In', values: ['a'] }]] });
    cluster.delete({ kind: 'PersistentVolumeClaim', object: claim });
    expect(cluster.viewOf('n-1').claim('shop', 'data')).toBeUndefined();
  });
});

describe('a volume is attached', () => {
  const volume = { uniqueName: UNIQUE, name: 'pv-1' };

  it('when the node says so and the VolumeAttachment too', () => {
    cluster.set({ kind: 'Node', object: node([UNIQUE]) });
    expect(cluster.viewOf('n-1').attached(volume)).toBe(false);
    cluster.set({ kind: 'VolumeAttachment', object: attachment('va-1') });
    expect(cluster.viewOf('n-1').attached(volume)).toBe(true);
    cluster.set({ kind: 'Node', object: node([]) });
    expect(cluster.viewOf('n-1').attached(volume)).toBe(false);
  });

  it('not when the VolumeAttachment is being deleted, unless there is a new one', () => {
    cluster.set({ kind: 'Node', object: node([UNIQUE]) });
    cluster.set({ kind: 'VolumeAttachment', object: attachment('va-1', { deletionTimestamp: 'now' }) });
    expect(cluster.viewOf('n-1').attached(volume)).toBe(false);
    cluster.set({ kind: 'VolumeAttachment', object: attachment('va-2') });
    expect(cluster.viewOf('n-1').attached(volume)).toBe(true);
  });
});
