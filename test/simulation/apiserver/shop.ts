// A shop with a little of everything that kubectl shows, for both API servers: nothing that a controller of the real one would change.

import type { Json } from './asker.ts';
import { claimOf, podOf, setOf, volumeOf } from './cases.ts';

const inShop = (object: Json): Json => ({ ...object, metadata: { ...object.metadata, namespace: 'shop' } });
const of = (apiVersion: string, kind: string, name: string, more: Json = {}): Json => ({ apiVersion, kind, ...more, metadata: { name, ...more.metadata } });
const ours = 'zonespread.io/v1alpha1';

const twoContainers = { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'one', ports: [{ containerPort: 80 }] }, { name: 'side', image: 'two' }] } } };

export const SHOP: Json[] = [
  of('v1', 'Namespace', 'shop'),
  of('v1', 'Node', 'node-a', { metadata: { labels: { 'topology.kubernetes.io/zone': 'a', 'node-role.kubernetes.io/worker': '' } } }),
  of('v1', 'Node', 'node-b', { spec: { unschedulable: true } }),
  of('storage.k8s.io/v1', 'StorageClass', 'disk', { provisioner: 'nobody.example.com', volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true, metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } }),
  of('storage.k8s.io/v1', 'CSIDriver', 'nobody.example.com', { spec: { attachRequired: true } }),
  of('storage.k8s.io/v1', 'VolumeAttachment', 'attached', { spec: { attacher: 'nobody.example.com', nodeName: 'node-a', source: { persistentVolumeName: 'd-1' } } }),
  of('scheduling.k8s.io/v1', 'PriorityClass', 'important', { value: 7, preemptionPolicy: 'Never' }),
  volumeOf('d-1', { spec: { claimRef: { namespace: 'shop', name: 'data-web-0' }, persistentVolumeReclaimPolicy: 'Retain', storageClassName: 'other' } }),
  inShop(claimOf('data-web-0', { spec: { volumeName: 'd-1', storageClassName: 'other' } })),
  inShop(claimOf('data-idle', { spec: { storageClassName: 'disk' } })),
  inShop(setOf('web', { selector: { matchLabels: { app: 'web' } }, ...twoContainers })),
  inShop(setOf('idle', { volumeClaimTemplates: undefined })),
  inShop(podOf('web-0', { metadata: { labels: { app: 'shop' } }, spec: { nodeName: 'node-a', readinessGates: [{ conditionType: 'ready.example.com' }] } })),
  inShop(podOf('web-1', { metadata: { labels: { app: 'shop' } }, spec: { schedulingGates: [{ name: 'zonespread.io/migrating' }] } })),
  inShop(of('policy/v1', 'PodDisruptionBudget', 'web', { spec: { minAvailable: '50%', selector: { matchLabels: { app: 'nothing' } } } })),
  inShop(of('v1', 'ConfigMap', 'settings', { data: { a: '1' } })),
  inShop(of('v1', 'Secret', 'key', { data: { token: 'YWJj' }, type: 'Opaque' })),
  inShop(of('v1', 'Service', 'web', { spec: { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] } })),
  inShop(of('v1', 'ResourceQuota', 'small', { spec: { hard: { 'requests.storage': '100Gi', 'limits.cpu': '4' } } })),
  inShop(of('coordination.k8s.io/v1', 'Lease', 'leader', { spec: { holderIdentity: 'somebody' } })),
  inShop(
    of('v1', 'Event', 'web-0.1', {
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-0', fieldPath: 'spec.containers{web}' },
      type: 'Normal',
      reason: 'Started',
      message: 'Started container web',
      source: { component: 'kubelet', host: 'node-a' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-02-01T00:00:00Z',
      count: 3,
    }),
  ),
  of('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'one', {
    webhooks: [{ name: 'a.example.com', clientConfig: { url: 'https://127.0.0.1:1/none' }, rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }], sideEffects: 'None', admissionReviewVersions: ['v1'] }],
  }),
  inShop(of(ours, 'SpreadReport', 'web')),
  inShop(of(ours, 'OrdinalMigration', 'web-0-b', { spec: { statefulSetRef: { name: 'web' }, ordinal: 0, targetZone: 'b' } })),
  of(ours, 'ZoneEvacuation', 'b', { spec: { zone: 'b' } }),
];

const TIME = '2026-01-01T00:00:00Z';

/** `kind name …` of kubectl, and its status. */
export const STATUSES: [string, Json][] = [
  ['node node-a', { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: nodeInfo(), addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] }],
  ['node node-b', { conditions: [{ type: 'Ready', status: 'False' }] }],
  [
    'pod web-0 -n shop',
    {
      phase: 'Running',
      podIP: '10.0.0.7',
      podIPs: [{ ip: '10.0.0.7' }],
      conditions: [{ type: 'Ready', status: 'True' }, { type: 'Initialized', status: 'True' }, { type: 'ready.example.com', status: 'True' }],
      containerStatuses: [
        { name: 'web', image: 'none', imageID: '', ready: true, started: true, restartCount: 2, state: { running: { startedAt: TIME } }, lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt: TIME, finishedAt: TIME } } },
      ],
    },
  ],
  ['pvc data-web-0 -n shop', { phase: 'Bound', capacity: { storage: '20Gi' }, accessModes: ['ReadWriteOnce'] }],
  ['pv d-1', { phase: 'Bound' }],
  ['resourcequota small -n shop', { hard: { 'requests.storage': '100Gi', 'limits.cpu': '4' }, used: { 'requests.storage': '40Gi', 'limits.cpu': '0' } }],
  ['om web-0-b -n shop', { phase: 'Running', step: 'detach', progress: 40 }],
];

function nodeInfo(): Json {
  const names = ['architecture', 'bootID', 'containerRuntimeVersion', 'kernelVersion', 'kubeProxyVersion', 'kubeletVersion', 'machineID', 'operatingSystem', 'osImage', 'systemUUID'];
  return Object.fromEntries(names.map((name) => [name, `some ${name}`]));
}
