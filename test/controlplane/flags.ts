// How each program of the control plane is set: its flags, and the files they name.

export type ProgramName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

export type Ports = Readonly<Record<ProgramName | 'etcd-peer', number>>;

export interface FlagSettings {
  /** The folder of all files. */
  readonly directory: string;
  readonly ports: Ports;
  readonly controllerManagerKubeconfig: string;
  /** Appended to the API server's own, so that they win. */
  readonly apiServerFlags: readonly string[];
}

/** Names within the folder. */
export const FILES = {
  ca: 'ca.crt',
  servingCertificate: 'serving.crt',
  servingKey: 'serving.key',
  serviceAccountKey: 'service-accounts.key',
  tokens: 'tokens.csv',
  auditPolicy: 'audit-policy.yaml',
  auditLog: 'audit.log',
  schedulerConfiguration: 'scheduler.yaml',
  etcdData: 'etcd',
} as const;

// So many requests that no test ever waits for a client's own throttle.
const REQUESTS_PER_SECOND = 500;
const REQUESTS_BURST = 1000;

export function flagsOf(name: ProgramName, settings: FlagSettings): string[] {
  const flags: Record<ProgramName, (settings: FlagSettings) => string[]> = {
    etcd: etcdFlags,
    'kube-apiserver': apiServerFlags,
    'kube-controller-manager': controllerManagerFlags,
    'kube-scheduler': schedulerFlags,
  };
  return flags[name](settings);
}

function etcdFlags({ directory, ports }: FlagSettings): string[] {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports['etcd-peer']}`;
  return [
    `--data-dir=${directory}/${FILES.etcdData}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // The data is thrown away after the run, so it need not survive the machine.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

function apiServerFlags(settings: FlagSettings): string[] {
  const { directory, ports } = settings;
  const key = `${directory}/${FILES.serviceAccountKey}`;
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    // The Service "kubernetes" may not point at a loopback address, and nothing here uses it.
    '--endpoint-reconciler-type=none',
    '--advertise-address=127.0.0.1',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    `--token-auth-file=${directory}/${FILES.tokens}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${key}`,
    `--service-account-key-file=${key}`,
    // No kubelet here mounts a token into a pod.
    '--disable-admission-plugins=ServiceAccount',
    // Without kube-proxy, the API server finds a webhook's Service through its EndpointSlices.
    '--enable-aggregator-routing=true',
    `--audit-policy-file=${directory}/${FILES.auditPolicy}`,
    `--audit-log-path=${directory}/${FILES.auditLog}`,
    ...servingFlags('kube-apiserver', settings),
    ...settings.apiServerFlags,
  ];
}

function controllerManagerFlags(settings: FlagSettings): string[] {
  const { directory } = settings;
  return [
    `--kubeconfig=${settings.controllerManagerKubeconfig}`,
    '--leader-elect=false',
    // The ones left out need a cloud or a network of pods.
    '--controllers=*,-nodeipam,-service-lb-controller,-node-route-controller',
    // As in a real cluster, each controller acts under a name of its own: system:serviceaccount:kube-system:statefulset-controller.
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${directory}/${FILES.serviceAccountKey}`,
    `--root-ca-file=${directory}/${FILES.ca}`,
    `--kube-api-qps=${REQUESTS_PER_SECOND}`,
    `--kube-api-burst=${REQUESTS_BURST}`,
    ...servingFlags('kube-controller-manager', settings),
  ];
}

function schedulerFlags(settings: FlagSettings): string[] {
  return [`--config=${settings.directory}/${FILES.schedulerConfiguration}`, ...servingFlags('kube-scheduler', settings)];
}

/** The content of the scheduler's configuration file; JSON is YAML. */
export function schedulerConfiguration(kubeconfig: string): string {
  return JSON.stringify({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    clientConnection: { kubeconfig, qps: REQUESTS_PER_SECOND, burst: REQUESTS_BURST },
  });
}

function servingFlags(name: Exclude<ProgramName, 'etcd'>, { directory, ports }: FlagSettings): string[] {
  return [
    '--bind-address=127.0.0.1',
    `--secure-port=${ports[name]}`,
    `--tls-cert-file=${directory}/${FILES.servingCertificate}`,
    `--tls-private-key-file=${directory}/${FILES.servingKey}`,
  ];
}
