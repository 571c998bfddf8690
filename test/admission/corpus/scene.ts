// What happens while the corpus is recorded: a set as people run databases, a move of its ordinal 2, and everything that our rules say
// something about, done by a person; the controllers do their part by themselves.

export const SHOP = 'shop';
export const JANE = 'jane';

const LABELS = { 'app.kubernetes.io/name': 'postgres', 'app.kubernetes.io/instance': 'web', 'app.kubernetes.io/component': 'primary', 'app.kubernetes.io/part-of': 'shop' };

/** With what a database's template has: a pod of it makes a review of some 6 KB. */
export const SET = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace: SHOP, labels: LABELS, annotations: { 'example.com/owner': 'team-shop' } },
  spec: {
    serviceName: 'web',
    replicas: 6,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: { 'app.kubernetes.io/instance': 'web' } },
    template: {
      metadata: { labels: LABELS, annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9187' } },
      spec: {
        terminationGracePeriodSeconds: 120,
        securityContext: { runAsUser: 999, runAsGroup: 999, fsGroup: 999, runAsNonRoot: true },
        affinity: {
          podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: { labelSelector: { matchLabels: { 'app.kubernetes.io/instance': 'web' } }, topologyKey: 'kubernetes.io/hostname' } }] },
        },
        containers: [
          {
            name: 'postgres',
            image: 'registry.example.com/shop/postgres:16.4',
            args: ['-c', 'shared_buffers=2GB', '-c', 'max_connections=400', '-c', 'wal_level=replica'],
            ports: [{ name: 'postgres', containerPort: 5432 }],
            env: [
              { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              { name: 'PGDATA', value: '/data/pgdata' },
            ],
            resources: { requests: { cpu: '2', memory: '4Gi' }, limits: { memory: '4Gi' } },
            readinessProbe: { exec: { command: ['pg_isready', '-q'] }, periodSeconds: 5, failureThreshold: 6 },
            volumeMounts: [{ name: 'data', mountPath: '/data' }, { name: 'config', mountPath: '/etc/postgres' }],
          },
          { name: 'exporter', image: 'registry.example.com/shop/exporter:0.15', ports: [{ name: 'metrics', containerPort: 9187 }], resources: { requests: { cpu: '50m', memory: '64Mi' } } },
        ],
        volumes: [{ name: 'config', configMap: { name: 'web' } }],
      },
    },
    volumeClaimTemplates: [{ metadata: { name: 'data', labels: LABELS }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'essd', resources: { requests: { storage: '20Gi' } } } }],
  },
};

/** A small one: an update of it, with both objects and who manages what, makes a review of some 5 KB. */
export const SMALL_SET = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'queue', namespace: SHOP, labels: { app: 'queue' } },
  spec: {
    serviceName: 'queue',
    replicas: 1,
    selector: { matchLabels: { app: 'queue' } },
    template: { metadata: { labels: { app: 'queue' } }, spec: { containers: [{ name: 'queue', image: 'registry.example.com/shop/queue:3.13', ports: [{ name: 'amqp', containerPort: 5672 }] }] } },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'essd', resources: { requests: { storage: '20Gi' } } } }],
  },
};

export function VOLUME(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '30Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'essd',
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: SHOP, name: 'data-web-2' },
      csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: name, fsType: 'ext4' },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.diskplugin.csi.alibabacloud.com/zone', operator: 'In', values: ['a'] }] }] } },
    },
  };
}

export function MIGRATION_STATUS({ claimUID, pvUID }: { claimUID: string; pvUID: string }): object {
  return {
    formatVersion: 1,
    phase: 'Running',
    course: 'Forward',
    step: 'swapClaim',
    claims: [
      {
        template: 'data',
        claimName: 'data-web-2',
        sizeGiB: 30,
        manifest: { labels: LABELS, annotations: {}, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'essd', volumeMode: 'Filesystem', resources: { requests: { storage: '30Gi' } } } },
        source: { pv: 'd-old', pvUID, claimUID, diskId: 'd-old', zone: 'a', category: 'cloud_essd', reclaimPolicy: 'Delete' },
        target: { pv: 'd-new', diskId: 'd-new', zone: 'b' },
      },
    ],
  };
}

const set = (patch: object): string[] => ['patch', 'sts', 'web', '-n', SHOP, '--type=merge', '-p', JSON.stringify(patch)];
const inShop = (...command: string[]): string[] => [...command, '-n', SHOP];

/** Chapters of what jane does, in this order. */
export const AGES_OF_A_SET: { name: string; commands: string[][] }[] = [
  { name: 'policy', commands: [inShop('annotate', 'sts', 'web', 'zonespread.io/zones=a,b'), ['annotate', 'ns', SHOP, 'zonespread.io/max-skew=2']] },
  { name: 'policy-wrong', commands: [inShop('annotate', 'sts', 'web', 'zonespread.io/max-skew=none'), ['annotate', 'ns', SHOP, 'zonespread.io/pin=0=a']] },
  { name: 'policy-mended', commands: [inShop('annotate', 'sts', 'web', 'zonespread.io/max-skew-'), ['annotate', 'ns', SHOP, 'zonespread.io/pin-']] },
  { name: 'label', commands: [inShop('label', 'sts', 'web', 'team=shop'), inShop('label', 'pvc', 'data-web-2', 'team=shop'), ['label', 'pv', 'd-old', 'team=shop'], inShop('label', 'om', 'web-2-bcdfg', 'team=shop')] },
  { name: 'other-set', commands: [inShop('label', 'sts', 'queue', 'team=shop')] },
  { name: 'scale-up', commands: [inShop('scale', 'sts', 'web', '--replicas=7')] },
  { name: 'scale-down', commands: [inShop('scale', 'sts', 'web', '--replicas=4')] },
  { name: 'scale-away', commands: [inShop('scale', 'sts', 'web', '--replicas=2', '--dry-run=server')] },
  { name: 'update-replicas-away', commands: [[...set({ spec: { replicas: 1 } }), '--dry-run=server']] },
  { name: 'update-template', commands: [set({ spec: { template: { metadata: { annotations: { rolled: 'once' } } } } })] },
  { name: 'update-ordinals', commands: [[...set({ spec: { ordinals: { start: 1 } } }), '--dry-run=server']] },
  { name: 'update-retention', commands: [[...set({ spec: { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' } } }), '--dry-run=server']] },
  { name: 'grow-claim', commands: [[...inShop('patch', 'pvc', 'data-web-2', '-p', '{"spec":{"resources":{"requests":{"storage":"50Gi"}}}}'), '--dry-run=server']] },
  { name: 'grow-other-claim', commands: [['delete', '--raw', `/api/v1/namespaces/${SHOP}/persistentvolumeclaims?labelSelector=app.kubernetes.io%2Finstance=none`]] },
  { name: 'unlabel', commands: [[...inShop('label', 'pvc', 'data-web-2', 'zonespread.io/role-'), '--dry-run=server'], ['label', 'pv', 'd-old', 'zonespread.io/migration-', '--dry-run=server']] },
  { name: 'unlabel-other', commands: [inShop('label', 'pvc', 'data-web-1', 'team=shop')] },
  { name: 'reclaim-policy', commands: [['patch', 'pv', 'd-old', '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}', '--dry-run=server']] },
  { name: 'unbind', commands: [['patch', 'pv', 'd-old', '--type=merge', '-p', '{"spec":{"claimRef":null}}', '--dry-run=server']] },
  { name: 'request', commands: [inShop('annotate', 'om', 'web-2-bcdfg', 'zonespread.io/request=abort')] },
  { name: 'status', commands: [[...inShop('patch', 'om', 'web-2-bcdfg', '--subresource=status', '--type=merge', '-p', '{"status":{"step":"settle"}}'), '--dry-run=server']] },
  { name: 'unfinalize', commands: [[...inShop('patch', 'om', 'web-2-bcdfg', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'), '--dry-run=server']] },
  { name: 'override', commands: [inShop('annotate', 'sts', 'web', 'zonespread.io/override=web-2-bcdfg')] },
  { name: 'overridden', commands: [[...set({ spec: { replicas: 1 } }), '--dry-run=server']] },
  { name: 'override-over', commands: [inShop('annotate', 'sts', 'web', 'zonespread.io/override-')] },
  {
    name: 'kruise',
    commands: [
      inShop('apply', '--server-side', '--field-manager=gitops', '-f', new URL('kruise-set.json', import.meta.url).pathname),
      inShop('scale', 'statefulsets.apps.kruise.io', 'cache', '--replicas=1'),
      inShop('patch', 'statefulsets.apps.kruise.io', 'cache', '--type=merge', '-p', '{"spec":{"reserveOrdinals":[0]}}'),
      inShop('delete', 'statefulsets.apps.kruise.io', 'cache'),
    ],
  },
  { name: 'delete-pod', commands: [inShop('delete', 'pod', 'web-2', '--now')] },
  { name: 'delete-collection', commands: [['delete', '--raw', `/api/v1/namespaces/${SHOP}/persistentvolumeclaims?labelSelector=zonespread.io%2Fmigration`]] },
  { name: 'delete-claim', commands: [[...inShop('delete', 'pvc', 'data-web-1'), '--dry-run=server']] },
  { name: 'delete-volume', commands: [['delete', 'pv', 'd-old', '--dry-run=server']] },
  { name: 'delete-set', commands: [[...inShop('delete', 'sts', 'web'), '--dry-run=server']] },
  { name: 'delete-record', commands: [inShop('delete', 'om', 'web-2-bcdfg', '--wait=false')] },
];

/** As much of OpenKruise's Advanced StatefulSet as the API server needs to serve it and its scale. */
export const KRUISE_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'statefulsets.apps.kruise.io', annotations: { 'api-approved.kubernetes.io': 'https://github.com/openkruise/kruise' } },
  spec: {
    group: 'apps.kruise.io',
    names: { kind: 'StatefulSet', listKind: 'StatefulSetList', plural: 'statefulsets', singular: 'statefulset' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } },
      },
    ],
  },
};
