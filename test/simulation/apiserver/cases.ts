// What clients ask of an API server, in short stories: each runs in a namespace of its own, on the simulated server and on a real one,
// which must answer alike. No controller is needed; where one of the real control plane would act meanwhile, the story does not look.

import { JSON_PATCH, MERGE, type Answer, type Ask, type Json } from './asker.ts';

export interface Place {
  ask: Ask;
  /** The namespace, which is there. */
  ns: string;
  /** A name for what is cluster-scoped. */
  own: (name: string) => string;
}

export interface Case {
  it: string;
  /** Every answer that it gives is compared. */
  run: (place: Place) => Promise<Answer[]>;
}

export const podOf = (name: string, more: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'web' }, ...more.metadata },
  spec: { containers: [{ name: 'web', image: 'none' }], ...more.spec },
});

export const claimOf = (name: string, more: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, ...more.metadata },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '20Gi' } }, ...more.spec },
});

export const volumeOf = (name: string, more: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: '20Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'none',
    csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: 'd-1' },
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: ['a'] }] }] } },
    ...more.spec,
  },
});

export const setOf = (name: string, more: Json = {}): Json => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name },
  spec: {
    serviceName: name,
    replicas: 0,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'none' }] } },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '20Gi' } } } }],
    ...more,
  },
});

const gated = { spec: { schedulingGates: [{ name: 'zonespread.io/migrating' }] } };
const pods = (ns: string): string => `/api/v1/namespaces/${ns}/pods`;
const claims = (ns: string): string => `/api/v1/namespaces/${ns}/persistentvolumeclaims`;
const sets = (ns: string): string => `/apis/apps/v1/namespaces/${ns}/statefulsets`;
const volumes = '/api/v1/persistentvolumes';

/** The pod as a kubelet reports it. */
async function runs(ask: Ask, path: string, more: Json = {}): Promise<void> {
  const conditions = [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }];
  await ask({ method: 'PATCH', path: `${path}/status`, contentType: MERGE, body: { status: { phase: 'Running', conditions } } });
}

const onNode = { spec: { nodeName: 'node-that-nobody-minds', terminationGracePeriodSeconds: 30 } };

async function budget(ask: Ask, { ns, name, status }: { ns: string; name: string; status: Json }): Promise<void> {
  const path = `/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets`;
  const made = await ask({ method: 'POST', path, body: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } } } });
  await ask({ method: 'PATCH', path: `${path}/${name}/status`, contentType: MERGE, body: { status: { observedGeneration: made.body.metadata.generation, ...status } } });
}

export const CASES: Case[] = [
  {
    it: 'creates a pod once, and refuses the second',
    run: async ({ ask, ns }) => [await ask({ method: 'POST', path: pods(ns), body: podOf('a') }), await ask({ method: 'POST', path: pods(ns), body: podOf('a') })],
  },
  {
    it: 'says not found of an object, of a resource and of a namespace',
    run: async ({ ask, ns }) => [
      await ask({ path: `${pods(ns)}/none` }),
      await ask({ path: `${sets(ns)}/none` }),
      await ask({ path: '/apis/apps/v1/nonsense' }),
      await ask({ path: '/apis/nonsense.io/v1' }),
      await ask({ method: 'DELETE', path: `${claims(ns)}/none` }),
      await ask({ method: 'PATCH', path: `${claims(ns)}/none`, contentType: MERGE, body: {} }),
      await ask({ method: 'POST', path: claims('no-such-namespace'), body: claimOf('c') }),
    ],
  },
  {
    it: 'wants a matching namespace, a readable body and a known patch',
    run: async ({ ask, ns }) => [
      await ask({ method: 'POST', path: pods(ns), body: podOf('a', { metadata: { namespace: 'elsewhere' } }) }),
      await ask({ method: 'POST', path: pods(ns), body: podOf('a', { metadata: { resourceVersion: '7' } }) }),
      await ask({ method: 'POST', path: pods(ns), body: podOf('UPPER') }),
      await ask({ method: 'POST', path: pods(ns), body: podOf('', { metadata: { name: '' } }) }),
      await ask({ method: 'POST', path: pods(ns), body: podOf('a', { metadata: { labels: { 'bad key!': 'x' } } }) }),
      await ask({ method: 'POST', path: pods(ns), body: podOf('a', { spec: { containers: [] } }) }),
    ],
  },
  {
    it: 'takes a merge patch with the present version, and refuses one with an old version or another UID',
    run: async ({ ask, ns }) => {
      const { body } = await ask({ method: 'POST', path: claims(ns), body: claimOf('c') });
      const path = `${claims(ns)}/c`;
      const patch = (metadata: Json): Promise<Answer> => ask({ method: 'PATCH', path, contentType: MERGE, body: { metadata } });
      return [
        await patch({ labels: { x: '1' }, uid: body.metadata.uid, resourceVersion: body.metadata.resourceVersion }),
        await patch({ labels: { x: '2' }, resourceVersion: body.metadata.resourceVersion }),
        await patch({ labels: { x: '2' }, uid: '00000000-0000-0000-0000-000000000000' }),
        await patch({ labels: { x: 'not a label value!' } }),
      ];
    },
  },
  {
    it: 'takes a JSON patch whose tests hold, and refuses the others without naming a field',
    run: async ({ ask, ns }) => {
      const { body } = await ask({ method: 'POST', path: pods(ns), body: podOf('a', gated) });
      const patch = (operations: Json): Promise<Answer> => ask({ method: 'PATCH', path: `${pods(ns)}/a`, contentType: JSON_PATCH, body: operations });
      return [
        await patch([{ op: 'test', path: '/metadata/uid', value: 'other' }, { op: 'remove', path: '/spec/schedulingGates/0' }]),
        await patch([{ op: 'remove', path: '/spec/nonsense' }]),
        await patch([{ op: 'test', path: '/metadata/uid', value: body.metadata.uid }, { op: 'test', path: '/spec/schedulingGates/0/name', value: 'zonespread.io/migrating' }, { op: 'remove', path: '/spec/schedulingGates/0' }]),
        await patch([{ op: 'add', path: '/spec/schedulingGates', value: [{ name: 'late.example.com/gate' }] }]),
      ];
    },
  },
  {
    it: 'keeps a pod as it is but for gates, images and tolerations',
    run: async ({ ask, ns }) => {
      await ask({ method: 'POST', path: pods(ns), body: podOf('a', { spec: { ...gated.spec, nodeSelector: { disk: 'fast' } } }) });
      const patch = (spec: Json): Promise<Answer> => ask({ method: 'PATCH', path: `${pods(ns)}/a`, contentType: MERGE, body: { spec } });
      return [
        await patch({ nodeSelector: { zone: 'a' } }),
        await patch({ nodeSelector: { disk: 'slow' } }),
        await patch({ hostname: 'other' }),
        await patch({ nodeName: 'node-1' }),
        await patch({ containers: [{ name: 'web', image: 'newer' }] }),
        await patch({ schedulingGates: [{ name: 'zonespread.io/migrating' }, { name: 'b.example.com/x' }] }),
        await patch({ schedulingGates: null }),
        await patch({ nodeSelector: { zone: 'a', disk: 'fast', more: 'x' } }),
      ];
    },
  },
  {
    it: "keeps a claim's spec, but for its volume once",
    run: async ({ ask, ns }) => {
      await ask({ method: 'POST', path: claims(ns), body: claimOf('c') });
      const patch = (spec: Json): Promise<Answer> => ask({ method: 'PATCH', path: `${claims(ns)}/c`, contentType: MERGE, body: { spec } });
      return [
        await patch({ accessModes: ['ReadWriteMany'] }),
        await patch({ resources: { requests: { storage: '30Gi' } } }),
        await patch({ resources: { requests: { storage: '10Gi' } } }),
        await patch({ storageClassName: 'other' }),
        await patch({ volumeName: 'no-such-volume' }),
        await patch({ volumeName: 'another' }),
        await patch({ volumeMode: 'Block' }),
      ];
    },
  },
  {
    it: 'wants access modes, a size and a known mode of a claim',
    run: async ({ ask, ns }) => [
      await ask({ method: 'POST', path: claims(ns), body: claimOf('c', { spec: { accessModes: [] } }) }),
      await ask({ method: 'POST', path: claims(ns), body: claimOf('c', { spec: { accessModes: ['Sometimes'] } }) }),
      await ask({ method: 'POST', path: claims(ns), body: claimOf('c', { spec: { resources: {} } }) }),
      await ask({ method: 'POST', path: claims(ns), body: claimOf('c', { spec: { volumeMode: 'Tape' } }) }),
    ],
  },
  {
    it: "keeps a volume's source and zone, and lets anybody write its claimRef and reclaim policy",
    run: async ({ ask, own, ns }) => {
      const name = own('pv');
      await ask({ method: 'POST', path: volumes, body: volumeOf(name) });
      const patch = (spec: Json): Promise<Answer> => ask({ method: 'PATCH', path: `${volumes}/${name}`, contentType: MERGE, body: { spec } });
      const answers = [
        await patch({ csi: { volumeHandle: 'd-2' } }),
        await patch({ nodeAffinity: { required: { nodeSelectorTerms: [] } } }),
        await patch({ nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: ['b'] }] }] } } }),
        await patch({ volumeMode: 'Block' }),
        await patch({ persistentVolumeReclaimPolicy: 'Maybe' }),
        await patch({ persistentVolumeReclaimPolicy: 'Delete' }),
        await patch({ persistentVolumeReclaimPolicy: 'Retain' }),
        await patch({ claimRef: { namespace: ns, name: 'c', uid: '11111111-1111-1111-1111-111111111111' } }),
        await ask({ method: 'POST', path: volumes, body: volumeOf(own('other'), { spec: { csi: undefined } }) }),
        await ask({ method: 'POST', path: volumes, body: volumeOf(own('other'), { spec: { accessModes: [], capacity: {} } }) }),
      ];
      await ask({ method: 'DELETE', path: `${volumes}/${name}` });
      return answers;
    },
  },
  {
    it: 'lets a StatefulSet be scaled and rolled, and nothing else be changed',
    run: async ({ ask, ns }) => {
      await ask({ method: 'POST', path: sets(ns), body: setOf('web') });
      const path = `${sets(ns)}/web`;
      const patch = (spec: Json): Promise<Answer> => ask({ method: 'PATCH', path, contentType: MERGE, body: { spec } });
      return [
        await patch({ serviceName: 'other' }),
        await patch({ podManagementPolicy: 'Parallel' }),
        await patch({ volumeClaimTemplates: [] }),
        await patch({ replicas: -1 }),
        await patch({ updateStrategy: { type: 'OnDelete', rollingUpdate: null } }),
        await patch({ minReadySeconds: 3, ordinals: { start: 1 } }),
        await ask({ path: `${path}/scale` }),
        await ask({ method: 'PATCH', path: `${path}/scale`, contentType: MERGE, body: { spec: { replicas: -2 } } }),
        await ask({ method: 'PUT', path: `${path}/scale`, body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web', namespace: ns, resourceVersion: '1' }, spec: { replicas: 0 } } }),
        await ask({ method: 'POST', path: sets(ns), body: setOf('bad', { selector: { matchLabels: { app: 'other' } } }) }),
      ];
    },
  },
  {
    it: 'deletes with preconditions, and refuses the wrong UID and the wrong version',
    run: async ({ ask, ns }) => {
      const { body } = await ask({ method: 'POST', path: claims(ns), body: claimOf('c', { metadata: { finalizers: ['example.com/keep'] } }) });
      const remove = (preconditions: Json, path = `${claims(ns)}/c`): Promise<Answer> => ask({ method: 'DELETE', path, body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions } });
      await ask({ method: 'POST', path: sets(ns), body: setOf('web') });
      return [
        await remove({ uid: '00000000-0000-0000-0000-000000000000' }),
        await remove({ resourceVersion: '1' }),
        await remove({ uid: '00000000-0000-0000-0000-000000000000' }, `${sets(ns)}/web`),
        await remove({ uid: body.metadata.uid }),
        await ask({ method: 'PATCH', path: `${claims(ns)}/c`, contentType: MERGE, body: { metadata: { finalizers: ['example.com/keep', 'example.com/more'] } } }),
        await ask({ method: 'PATCH', path: `${claims(ns)}/c`, contentType: MERGE, body: { metadata: { finalizers: null } } }),
        await ask({ path: `${claims(ns)}/c` }),
      ];
    },
  },
  {
    it: 'gives a running pod its time, and takes it away at once with grace 0',
    run: async ({ ask, ns }) => {
      const path = `${pods(ns)}/a`;
      await ask({ method: 'POST', path: pods(ns), body: podOf('a', onNode) });
      await runs(ask, path);
      const first = await ask({ method: 'DELETE', path });
      const grace = await ask({ path });
      const shorter = await ask({ method: 'DELETE', path, body: { gracePeriodSeconds: 5 } });
      const longer = await ask({ method: 'DELETE', path, body: { gracePeriodSeconds: 60 } });
      const seconds = [first, grace, shorter, longer].map((answer) => Object.assign(answer, { message: String(answer.body.metadata.deletionGracePeriodSeconds) }));
      return [...seconds, await ask({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } }), await ask({ path })];
    },
  },
  {
    it: 'evicts a pod without a budget, a pending one, and refuses another UID',
    run: async ({ ask, ns }) => {
      await ask({ method: 'POST', path: pods(ns), body: podOf('a', onNode) });
      await runs(ask, `${pods(ns)}/a`);
      const evict = (name: string, deleteOptions: Json = {}): Promise<Answer> =>
        ask({ method: 'POST', path: `${pods(ns)}/${name}/eviction`, body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: ns }, deleteOptions } });
      await ask({ method: 'POST', path: pods(ns), body: podOf('p') });
      return [
        await evict('a', { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } }),
        await evict('a'),
        await ask({ path: `${pods(ns)}/a` }),
        await evict('p'),
        await evict('none'),
      ];
    },
  },
  {
    it: 'refuses an eviction that several budgets judge',
    run: async ({ ask, ns }) => {
      await ask({ method: 'POST', path: pods(ns), body: podOf('a', onNode) });
      await runs(ask, `${pods(ns)}/a`);
      await budget(ask, { ns, name: 'one', status: { disruptionsAllowed: 1, currentHealthy: 1, desiredHealthy: 0, expectedPods: 1 } });
      await budget(ask, { ns, name: 'two', status: { disruptionsAllowed: 1, currentHealthy: 1, desiredHealthy: 0, expectedPods: 1 } });
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a', namespace: ns } };
      return [await ask({ method: 'POST', path: `${pods(ns)}/a/eviction`, body })];
    },
  },
  {
    it: 'binds a pod once, and not a gated one',
    run: async ({ ask, ns }) => {
      const bind = (name: string, more: Json = {}): Promise<Answer> =>
        ask({ method: 'POST', path: `${pods(ns)}/${name}/binding`, body: { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace: ns, ...more }, target: { kind: 'Node', name: 'node-1' } } });
      await ask({ method: 'POST', path: pods(ns), body: podOf('g', gated) });
      await ask({ method: 'POST', path: pods(ns), body: podOf('a', { spec: { schedulerName: 'nobody' } }) });
      return [await bind('g'), await bind('a', { uid: '00000000-0000-0000-0000-000000000000' }), await bind('a'), await bind('a')];
    },
  },
  {
    it: 'stores nothing in a dry run',
    run: async ({ ask, ns }) => [
      await ask({ method: 'POST', path: `${pods(ns)}?dryRun=All`, body: podOf('a') }),
      await ask({ path: `${pods(ns)}/a` }),
      await ask({ method: 'POST', path: `${claims(ns)}?dryRun=All`, body: claimOf('c', { spec: { accessModes: [] } }) }),
      await ask({ method: 'POST', path: `${claims(ns)}?dryRun=None`, body: claimOf('c') }),
    ],
  },
  {
    it: 'refuses selectors that it cannot read or does not have',
    run: async ({ ask, ns }) => [
      await ask({ path: `${pods(ns)}?fieldSelector=spec.nonsense%3Dx` }),
      await ask({ path: `${pods(ns)}?fieldSelector=status.phase%3DRunning%2Cmetadata.name%3Da` }),
      await ask({ path: `${pods(ns)}?labelSelector=app%20in%20(web)` }),
      await ask({ path: `${claims(ns)}?fieldSelector=spec.volumeName%3Dx` }),
    ],
  },
  {
    it: 'refuses versions from the future and versions that are none',
    run: async ({ ask, ns }) => [await ask({ path: `${pods(ns)}?resourceVersion=nonsense` }), await ask({ path: `${pods(ns)}?continue=nonsense` })],
  },
  {
    it: 'keeps its own namespaces',
    run: async ({ ask }) => [await ask({ method: 'DELETE', path: '/api/v1/namespaces/kube-system' })],
  },
  {
    it: 'counts what a quota counts, and refuses what is over it',
    run: async ({ ask, ns }) => {
      const path = `/api/v1/namespaces/${ns}/resourcequotas`;
      const hard = { persistentvolumeclaims: '1', 'requests.storage': '30Gi', pods: '0' };
      await ask({ method: 'POST', path, body: { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard } } });
      await ask({ method: 'PATCH', path: `${path}/q/status`, contentType: MERGE, body: { status: { hard, used: { persistentvolumeclaims: '0', 'requests.storage': '0', pods: '0' } } } });
      return [
        await ask({ method: 'POST', path: claims(ns), body: claimOf('big', { spec: { resources: { requests: { storage: '40Gi' } } } }) }),
        await ask({ method: 'POST', path: claims(ns), body: claimOf('c') }),
        await ask({ method: 'POST', path: claims(ns), body: claimOf('d') }),
        await ask({ method: 'POST', path: pods(ns), body: podOf('a') }),
      ];
    },
  },
  {
    it: 'bounds claims by a LimitRange',
    run: async ({ ask, ns }) => {
      const limits = [{ type: 'PersistentVolumeClaim', min: { storage: '5Gi' }, max: { storage: '50Gi' } }];
      await ask({ method: 'POST', path: `/api/v1/namespaces/${ns}/limitranges`, body: { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits } } });
      // The real server learns of it by watching.
      const until = async (storage: string, reason: string): Promise<Answer> => {
        for (let left = 50; ; left -= 1) {
          const answer = await ask({ method: 'POST', path: `${claims(ns)}?dryRun=All`, body: claimOf('c', { spec: { resources: { requests: { storage } } } }) });
          if (answer.reason === reason || left === 0) return answer;
        }
      };
      return [await until('1Gi', 'Forbidden'), await until('60Gi', 'Forbidden'), await until('20Gi', '')];
    },
  },
  {
    it: 'refuses a pod of a class that is not there',
    run: async ({ ask, ns }) => [await ask({ method: 'POST', path: pods(ns), body: podOf('a', { spec: { priorityClassName: 'no-such-class' } }) })],
  },
  {
    it: 'wants a version in a PUT of a lease, and creates one that is not there',
    run: async ({ ask, ns }) => {
      const path = `/apis/coordination.k8s.io/v1/namespaces/${ns}/leases/l`;
      const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l', namespace: ns }, spec: { holderIdentity: 'a' } };
      return [
        await ask({ method: 'PUT', path, body: lease }),
        await ask({ method: 'PUT', path, body: lease }),
        await ask({ method: 'PUT', path, body: { ...lease, metadata: { ...lease.metadata, resourceVersion: '1' } } }),
        await ask({ method: 'PUT', path, body: { ...lease, metadata: { ...lease.metadata, name: 'other' } } }),
      ];
    },
  },
  {
    it: 'judges our records by their schema and keeps their spec',
    run: async ({ ask, ns }) => {
      const path = `/apis/zonespread.io/v1alpha1/namespaces/${ns}/ordinalmigrations`;
      const record = (name: string, spec: Json): Json => ({ apiVersion: 'zonespread.io/v1alpha1', kind: 'OrdinalMigration', metadata: { name }, spec: { statefulSetRef: { name: 'web' }, ordinal: 2, targetZone: 'b', ...spec } });
      const patch = (at: string, body: Json): Promise<Answer> => ask({ method: 'PATCH', path: `${path}/${at}`, contentType: MERGE, body });
      return [
        await ask({ method: 'POST', path, body: record('m', {}) }),
        await ask({ method: 'POST', path, body: record('n', { ordinal: -1 }) }),
        await ask({ method: 'POST', path, body: record('n', { ordinal: 'two' }) }),
        await ask({ method: 'POST', path, body: record('n', { targetZone: undefined }) }),
        await ask({ method: 'POST', path, body: record('n', { reason: 'Whim' }) }),
        await ask({ method: 'POST', path, body: record('n', { readyTimeout: 'soon' }) }),
        await ask({ method: 'POST', path, body: record('n', { targetZone: 'z'.repeat(64) }) }),
        await patch('m', { spec: { ordinal: 3 } }),
        await patch('m', { metadata: { labels: { a: 'b' } } }),
        await patch('m/status', { status: { phase: 'Resting' } }),
        await patch('m/status', { status: { startedAt: 'yesterday' } }),
        await patch('m/status', { status: { conditions: [{ type: 'Complete', status: 'True' }, { type: 'Complete', status: 'False' }] } }),
        await patch('m/status', { status: { phase: 'Running' }, spec: { ordinal: 9 } }),
        await patch('none/status', { status: { phase: 'Running' } }),
        await ask({ method: 'DELETE', path: `${path}/m`, body: { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } } }),
      ];
    },
  },
];
