// What helm makes of the chart with the values that matter, and what it says to values that are wrong. No cluster.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { KubernetesObject } from '../../src/kubernetes/objects.ts';
import { COMBINATIONS, type Combination } from './combinations.ts';
import { CHART, helm, NAMESPACE, RELEASE, render } from './helm.ts';

interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: object }[];
  volumeMounts?: { name: string; mountPath: string }[];
  securityContext: object;
  resources: object;
}

interface PodSpec {
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  securityContext: object;
  containers: Container[];
  volumes?: object[];
  topologySpreadConstraints?: { topologyKey: string }[];
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

const renderedWith = (combination: Combination): Promise<KubernetesObject[]> => render(COMBINATIONS[combination]);

const all = await renderedWith('as it is');

const named = (objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name} among ${objects.map((object) => `${object.kind} ${object.metadata.name}`).join(', ')}`);
  return found;
};
const templateOf = (object: KubernetesObject): { spec: PodSpec } => (object.kind === 'Pod' ? (object as unknown as { spec: PodSpec }) : (object['spec'] as { template: { spec: PodSpec } }).template);
const podOf = (objects: readonly KubernetesObject[], part: 'controller' | 'webhook'): PodSpec => templateOf(named(objects, 'Deployment', `zonespread-${part}`)).spec;
const containerOf = (objects: readonly KubernetesObject[], part: 'controller' | 'webhook'): Container => podOf(objects, part).containers[0]!;
const kindsOf = (objects: readonly KubernetesObject[]): string[] => [...new Set(objects.map(({ kind }) => kind ?? ''))].toSorted();
const rulesOf = (object: KubernetesObject): Rule[] => object['rules'] as Rule[];
const roles = (objects: readonly KubernetesObject[]): KubernetesObject[] => objects.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');

describe('with the values as they are', () => {
  test('helm lint finds nothing', async () => {
    const { code, out } = await helm(['lint', '--strict', CHART]);
    expect(out.split('\n').filter((line) => /\[(WARNING|ERROR)\]/.test(line))).toEqual([]);
    expect(code).toBe(0);
  });

  test('both parts are there twice, apart from each other, each with an account, roles, a budget and a network policy', () => {
    for (const part of ['controller', 'webhook'] as const) {
      expect(named(all, 'Deployment', `zonespread-${part}`)['spec']).toMatchObject({ replicas: 2 });
      expect(podOf(all, part).serviceAccountName).toBe(`zonespread-${part}`);
      expect(podOf(all, part).topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)).toEqual(['kubernetes.io/hostname', 'topology.kubernetes.io/zone']);
      for (const kind of ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding', 'PodDisruptionBudget', 'NetworkPolicy']) named(all, kind, `zonespread-${part}`);
      named(all, 'Service', `zonespread-${part}-metrics`);
    }
    named(all, 'Service', 'zonespread-webhook');
    expect(kindsOf(all).filter((kind) => ['ServiceMonitor', 'PrometheusRule', 'ConfigMap', 'Secret', 'CustomResourceDefinition'].includes(kind))).toEqual([]);
  });

  test('the program gets the flags that it knows, with the webhook owned by its role and the daemon named to it', () => {
    expect(containerOf(all, 'controller').args).toEqual(['controller', '--sweep=*/5 * * * *', '--cool-down=1h', '--step-timeout=10m', '--ecs-protocol=HTTPS', '--http=:8080', '--log-level=info']);
    expect(containerOf(all, 'controller').env).toEqual([{ name: 'ZONESPREAD_MAX_MIGRATIONS', value: '2' }]);
    expect(containerOf(all, 'webhook').args).toEqual([
      'webhook',
      '--service=zonespread-webhook',
      '--owner=zonespread-webhook',
      '--controller-user=system:serviceaccount:zonespread-system:zonespread-controller',
      '--certificates=self',
      '--https=:9443',
      '--http=:8080',
      '--log-level=info',
    ]);
  });

  test.each(all.filter(({ kind }) => ['Deployment', 'Job', 'Pod'].includes(kind ?? '')).map((object) => [`${object.kind} ${object.metadata.name}`, object] as const))('%s is what PodSecurity calls restricted, and its root is read-only', (_name, object) => {
    const { spec } = templateOf(object);
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } });
    expect(spec).not.toHaveProperty('hostNetwork');
    for (const container of spec.containers) {
      expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
      expect(container.resources).toMatchObject({ requests: { cpu: expect.any(String), memory: expect.any(String) }, limits: { memory: expect.any(String) } });
      expect(container.image).toBe(`zonespread/zonespread:${versionOfProgram()}`);
    }
  });

  test('no role has a wildcard, no Secret can be listed or watched, and what can be named is named', () => {
    const rules = roles(all).flatMap((role) => rulesOf(role).map((rule) => ({ role: `${role.kind} ${role.metadata.name}`, ...rule })));
    expect(rules.filter(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs].some((word) => word.includes('*')))).toEqual([]);
    expect(rules.filter(({ resources }) => resources.includes('secrets'))).toEqual([
      { role: 'Role zonespread-webhook', apiGroups: [''], resources: ['secrets'], resourceNames: ['zonespread-webhook-certificates'], verbs: ['get', 'patch'] },
      { role: 'Role zonespread-webhook', apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
    ]);
    const nameless = rules.filter(({ resourceNames, apiGroups }) => resourceNames === undefined && apiGroups.some((group) => ['admissionregistration.k8s.io', 'rbac.authorization.k8s.io', 'coordination.k8s.io'].includes(group)));
    expect(nameless.map(({ verbs }) => verbs)).toEqual(nameless.map(() => ['create']));
    expect(rules.filter(({ resources, verbs }) => resources.includes('statefulsets') && verbs.some((verb) => !['get', 'list', 'watch'].includes(verb))), 'rights to write a StatefulSet').toEqual([]);
  });

  test('roles are bound to the accounts of this release alone', () => {
    const bindings = all.filter(({ kind }) => kind?.endsWith('RoleBinding') === true);
    expect(bindings).toHaveLength(8);
    for (const { metadata, ...binding } of bindings) {
      const part = /^zonespread-(controller|webhook|wind-down)/.exec(metadata.name)?.[1];
      expect(binding['subjects']).toEqual([{ kind: 'ServiceAccount', name: `zonespread-${part}`, namespace: NAMESPACE }]);
      expect(binding['roleRef']).toMatchObject({ name: metadata.name });
    }
  });

  test('what belongs to the uninstall is there only during it', () => {
    const own = all.filter(({ metadata }) => metadata.name.includes('wind-down'));
    expect(kindsOf(own)).toEqual(['ClusterRole', 'ClusterRoleBinding', 'Job', 'Role', 'RoleBinding', 'ServiceAccount']);
    for (const { metadata } of own) expect(metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-delete', 'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded' });
  });
});

describe('with values of their own', () => {
  test('namespaces: rights on workloads are Roles there, and the program looks nowhere else', async () => {
    const objects = await renderedWith('two namespaces');
    expect(roles(objects).filter(({ kind }) => kind === 'ClusterRole').map(({ metadata }) => metadata.name)).toEqual(['zonespread-controller', 'zonespread-webhook']);
    for (const part of ['controller', 'webhook'] as const) {
      expect(containerOf(objects, part).args).toContain('--namespaces=shop,bank');
      const own = roles(objects).filter(({ metadata }) => metadata.name === `zonespread-${part}-workloads`);
      expect(own.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`)).toEqual(['Role shop', 'Role bank']);
      expect(rulesOf(own[0]!)).toEqual(rulesOf(named(all, 'ClusterRole', `zonespread-${part}-workloads`)));
    }
    expect((templateOf(named(objects, 'Job', 'zonespread-wind-down')).spec.containers[0]!.args ?? []).at(-1)).toBe('--namespaces=shop,bank');
  });

  test.each([['webhook', true], ['both', true], ['policies', false]] as const)('admission.mode %s', async (mode, webhook) => {
    const objects = await renderedWith(`admission by ${mode}`);
    expect(objects.some(({ metadata }) => metadata.name === 'zonespread-webhook')).toBe(webhook);
    named(objects, 'Deployment', 'zonespread-controller');
  });

  test('credentials: a role of the ServiceAccount, by a projected token', async () => {
    const objects = await renderedWith('a role of the ServiceAccount');
    const { env = [], volumeMounts = [] } = containerOf(objects, 'controller');
    expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).toMatchObject({
      ALIBABA_CLOUD_ROLE_ARN: 'acs:ram::1:role/zonespread',
      ALIBABA_CLOUD_OIDC_PROVIDER_ARN: 'acs:ram::1:oidc-provider/ack-rrsa-c1',
      ALIBABA_CLOUD_OIDC_TOKEN_FILE: `${volumeMounts[0]?.mountPath}/token`,
    });
    expect(podOf(objects, 'controller').volumes).toEqual([{ name: 'rrsa', projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'sts.aliyuncs.com', expirationSeconds: 3600 } }] } }]);
    expect(podOf(objects, 'webhook')).not.toHaveProperty('volumes');
  });

  test('credentials: an access key, by reference', async () => {
    const objects = await renderedWith('an access key');
    expect(containerOf(objects, 'controller').env).toContainEqual({ name: 'ALIBABA_CLOUD_ACCESS_KEY_ID', valueFrom: { secretKeyRef: { name: 'key', key: 'id' } } });
    expect(JSON.stringify(named(objects, 'Deployment', 'zonespread-webhook'))).not.toContain('ALIBABA');
  });

  test("credentials: the instance's role", async () => {
    expect(containerOf(await renderedWith('the role of the instance'), 'controller').env).toContainEqual({ name: 'ALIBABA_CLOUD_ECS_METADATA', value: 'worker' });
  });

  test('a certificate of your own: mounted, and no right to any Secret', async () => {
    const objects = await renderedWith('a certificate of its own');
    expect(containerOf(objects, 'webhook').args).toContain('--certificates=/certificates');
    expect(podOf(objects, 'webhook').volumes).toEqual([{ name: 'certificates', secret: { secretName: 'tls' } }]);
    expect(JSON.stringify(roles(objects))).not.toContain('secrets');
  });

  test('every flag that a value stands for', async () => {
    const objects = await renderedWith('every flag');
    expect(containerOf(objects, 'controller').args).toEqual(expect.arrayContaining(['--max-migrations-per-hour=3', '--max-migrations-per-zone=1', '--prometheus=http://prometheus.monitoring:9090', '--dry-run', '--region=cn-beijing', '--ecs-endpoint=ecs-vpc.cn-beijing.aliyuncs.com', '--lease-duration=60s']));
    expect(containerOf(objects, 'controller').env).toEqual([{ name: 'ZONESPREAD_MAX_MIGRATIONS', value: '0' }]);
    expect(named(objects, 'NetworkPolicy', 'zonespread-controller')['spec']).toMatchObject({ egress: expect.arrayContaining([{ ports: [{ port: 9090, protocol: 'TCP' }] }]) });
  });

  test.each([['Prometheus over HTTP', 80], ['Prometheus over HTTPS', 443], ['Prometheus by address', 9090]] as const)('the network policy lets the controller out to %s', async (prometheus, port) => {
    const objects = await renderedWith(prometheus);
    expect(named(objects, 'NetworkPolicy', 'zonespread-controller')['spec']).toMatchObject({ egress: expect.arrayContaining([{ ports: [{ port, protocol: 'TCP' }] }]) });
  });

  test('an image by digest, from a registry of your own', async () => {
    const objects = await renderedWith('an image by digest');
    expect(containerOf(objects, 'webhook').image).toBe(`registry.example.com/infra/zonespread:v1@sha256:${'0'.repeat(64)}`);
    expect(podOf(objects, 'webhook')).toMatchObject({ imagePullSecrets: [{ name: 'pull' }] });
  });

  test('monitoring: every alert and dashboard of the chart is in it, word for word', async () => {
    const objects = await renderedWith('monitoring');
    expect(named(objects, 'ServiceMonitor', 'zonespread')).toMatchObject({ metadata: { labels: { release: 'prometheus' } }, spec: { endpoints: [{ port: 'http', path: '/metrics', interval: '30s' }] } });
    const rules = objects.filter(({ kind }) => kind === 'PrometheusRule').flatMap((rule) => (rule['spec'] as { groups: unknown[] }).groups);
    expect(rules).toEqual(filesIn('alerts').flatMap((file) => (parse(file.text) as { groups: unknown[] }).groups));
    const dashboards = objects.filter(({ kind }) => kind === 'ConfigMap').flatMap((map) => Object.entries(map['data'] as Record<string, string>));
    expect(dashboards.map(([name, text]) => ({ name, content: JSON.parse(text) as unknown }))).toEqual(filesIn('dashboards').map(({ name, text }) => ({ name, content: JSON.parse(text) as unknown })));
  });

  test('without what can be switched off', async () => {
    const objects = await renderedWith('all that can be switched off');
    expect(objects.filter(({ kind }) => kind === 'NetworkPolicy' || kind === 'Job')).toEqual([]);
    expect(objects.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ metadata }) => metadata.name)).toEqual(['zonespread-webhook']);
  });

  test('another name, other labels, other places', async () => {
    const objects = await renderedWith('another name and other places');
    // The daemon asks for the policies by the one name that they have.
    const byRelease = objects.filter(({ kind = '' }) => !/AdmissionPolicy(Binding)?$/.test(kind));
    for (const { metadata } of byRelease) expect(metadata).toMatchObject({ name: expect.stringMatching(/^zs(-|$)/), labels: { team: 'storage' } });
    const { spec } = templateOf(named(objects, 'Deployment', 'zs-webhook'));
    expect(spec).toMatchObject({ nodeSelector: { pool: 'infra' }, tolerations: [{ operator: 'Exists' }], topologySpreadConstraints: [] });
    expect(spec.containers[0]?.args).toEqual(expect.arrayContaining(['--service=zs-webhook', '--owner=zs-webhook', '--controller-user=system:serviceaccount:zonespread-system:zs-controller']));
    expect(rulesOf(named(objects, 'ClusterRole', 'zs-webhook')).at(-1)?.resourceNames).toEqual(['zs-webhook']);
    expect(rulesOf(named(objects, 'Role', 'zs-wind-down'))[0]?.resourceNames).toEqual(['zs-controller']);
  });
});

describe('what is wrong is refused', () => {
  test.each<[string, object, RegExp]>([
    ['a value that nobody knows', { controller: { colDown: '1h' } }, /'\/controller': additional properties 'colDown' not allowed/],
    ['a duration without a unit', { uninstall: { timeout: '25' } }, /'\/uninstall\/timeout': '25' does not match pattern/],
    ['a negative budget', { controller: { maxMigrations: -1 } }, /'\/controller\/maxMigrations': minimum: got -1, want 0/],
    ['a budget of no moves an hour', { controller: { maxMigrationsPerHour: 0 } }, /'\/controller\/maxMigrationsPerHour': minimum: got 0, want 1/],
    ['a mode of admission that there is not', { admission: { mode: 'none' } }, /'\/admission\/mode': value must be one of 'webhook', 'policies', 'both'/],
    ['credentials that there are not', { credentials: { type: 'magic' } }, /'\/credentials\/type': value must be one of 'rrsa', 'accessKey', 'ecsRole', 'chain'/],
    ['an ARN that is none', { credentials: { rrsa: { roleArn: 'role/zonespread' } } }, /'\/credentials\/rrsa\/roleArn': 'role\/zonespread' does not match pattern/],
    ['an endpoint with a scheme', { ecs: { endpoint: 'https://ecs.aliyuncs.com' } }, /'\/ecs\/endpoint'/],
    ['a digest cut short', { image: { digest: 'sha256:abc' } }, /'\/image\/digest'/],
    ['a cron of four fields', { controller: { sweep: '* * * *' } }, /'\/controller\/sweep'/],
    ['a namespace that is none', { namespaces: ['Shop'] }, /'\/namespaces\/0'/],
    ['a label that is no string', { commonLabels: { live: true } }, /'\/commonLabels\/live': got boolean, want string/],
    ['a role without its names', { credentials: { type: 'rrsa' } }, /credentials\.type is rrsa: set credentials\.rrsa\.roleArn/],
    ['a key without its Secret', { credentials: { type: 'accessKey' } }, /credentials\.type is accessKey: set credentials\.accessKey\.secretName/],
  ])('%s', async (_what, values, message) => {
    const { code, err } = await helm(['template', RELEASE, CHART], { values });
    expect(err).toMatch(message);
    expect(code).toBe(1);
  });

  test('a cluster that is too old', async () => {
    expect((await helm(['template', RELEASE, CHART, '--kube-version', '1.29.9'])).err).toMatch(/requires kubeVersion: >=1\.30\.0/);
  });
});

function versionOfProgram(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

function filesIn(folder: string): { name: string; text: string }[] {
  const path = `${CHART}/files/${folder}`;
  const names = (() => {
    try {
      return readdirSync(path).toSorted();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  })();
  return names.map((name) => ({ name, text: readFileSync(`${path}/${name}`, 'utf8') }));
}
