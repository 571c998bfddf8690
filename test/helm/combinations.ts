// Values of the chart that matter, by what they are about: render.e2e.test.ts says what comes of each, conform.e2e.test.ts holds all that
// comes of them against Kubernetes' schemas.

const enabled = { enabled: true, labels: { release: 'prometheus' } };
const TOLERATIONS = [{ key: 'pool', operator: 'Equal', value: 'infra', effect: 'NoSchedule' }];
const AFFINITY = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'In', values: ['infra'] }] }] } } };
const TOPOLOGY = [{ maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'zonespread' } } }];
/** Of both parts: what the templates only indent. */
const HANDED_THROUGH = {
  extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }, { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'token', key: 'token' } } }],
  podAnnotations: { 'example.com/scrape': 'true' },
  podLabels: { pool: 'infra' },
  nodeSelector: { pool: 'infra' },
  tolerations: TOLERATIONS,
  affinity: AFFINITY,
  topologySpreadConstraints: TOPOLOGY,
  resources: { requests: { cpu: 1, memory: '0.5Gi' }, limits: { cpu: '1500m', memory: 1073741824 } },
  serviceAccount: { name: 'own', annotations: { 'example.com/role': 'zonespread' } },
};

export const COMBINATIONS = {
  'as it is': {},
  'two namespaces': { namespaces: ['shop', 'bank'] },
  'admission by webhook': { admission: { mode: 'webhook' } },
  'admission by both': { admission: { mode: 'both' } },
  'admission by policies': { admission: { mode: 'policies' } },
  'a role of the ServiceAccount': { credentials: { type: 'rrsa', rrsa: { roleArn: 'acs:ram::1:role/zonespread', oidcProviderArn: 'acs:ram::1:oidc-provider/ack-rrsa-c1' } } },
  'an access key': { credentials: { type: 'accessKey', accessKey: { secretName: 'key', idKey: 'id' } } },
  'the role of the instance': { credentials: { ecsRole: { name: 'worker' } } },
  'a certificate of its own': { webhook: { certificates: { secretName: 'tls' } } },
  'every flag': {
    controller: { maxMigrations: 0, maxMigrationsPerHour: 3, maxMigrationsPerZone: 1, prometheus: 'http://prometheus.monitoring:9090', dryRun: true, extraArgs: ['--lease-duration=60s'] },
    region: 'cn-beijing',
    ecs: { endpoint: 'ecs-vpc.cn-beijing.aliyuncs.com' },
  },
  'Prometheus over HTTP': { controller: { prometheus: 'http://prometheus' } },
  'Prometheus over HTTPS': { controller: { prometheus: 'https://prometheus/base' } },
  'Prometheus by address': { controller: { prometheus: 'http://[fd00::1]:9090' } },
  'an image by digest': { image: { repository: 'registry.example.com/infra/zonespread', tag: 'v1', digest: `sha256:${'0'.repeat(64)}` }, imagePullSecrets: [{ name: 'pull' }] },
  monitoring: { metrics: { serviceMonitor: enabled, prometheusRule: enabled, dashboards: { enabled: true } } },
  'all that can be switched off': { networkPolicy: { enabled: false }, uninstall: { windDown: false }, controller: { replicas: 1 } },
  'another name and other places': { fullnameOverride: 'zs', commonLabels: { team: 'storage' }, webhook: { nodeSelector: { pool: 'infra' }, tolerations: [{ operator: 'Exists' }], topologySpreadConstraints: [] } },
  'all that is handed through': {
    controller: HANDED_THROUGH,
    webhook: { ...HANDED_THROUGH, minAvailable: '50%', serviceAccount: { ...HANDED_THROUGH.serviceAccount, name: 'own-webhook' } },
    networkPolicy: { metricsFrom: [{ podSelector: {} }], extraEgress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 3128, protocol: 'TCP' }] }] },
  },
} as const satisfies Record<string, object>;

export type Combination = keyof typeof COMBINATIONS;
