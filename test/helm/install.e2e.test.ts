// The chart on a real control plane: installed by the real helm into a namespace that only lets in what is restricted, the program of the
// image under exactly the chart's roles. Whole moves, an undo, a retirement and an evacuation; an upgrade and a rollback in the middle of
// a move; an uninstall in the middle of another one. In the end the API server's book says which rights nobody has used.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mutatingWebhooks, validatingWebhooks, volumes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { describeAsk, describeGrant, grants, grantsOf, rulesOf, type Ask, type Grant } from '../charts/rights.ts';
import type { Request } from '../controlplane/audit.ts';
import { startRealWorld } from '../e2e/real-world.ts';
import { inScene, type Scene } from '../e2e/scene.ts';
import { leftAndTakenBack } from '../e2e/scenarios/evacuation.ts';
import { retiredAfterTheRetention } from '../e2e/scenarios/retention.ts';
import { runsInFull } from '../e2e/scenarios/sample.ts';
import { claimNeverBound } from '../e2e/scenarios/trouble.ts';
import type { World } from '../e2e/world.ts';
import { bundle } from '../image/bundle.ts';
import { NAMESPACE, render } from './helm.ts';
import { ChartRelease } from './release.ts';

/** Of the nodes that the end-to-end tests bring along. */
const TOLERATIONS = [{ key: 'zonespread.io/e2e', operator: 'Exists' }];
const VALUES = {
  region: 'cn-test',
  credentials: { type: 'chain' },
  controller: { tolerations: TOLERATIONS },
  webhook: { tolerations: TOLERATIONS },
  uninstall: { tolerations: TOLERATIONS },
};

const PARTS = ['controller', 'webhook', 'wind-down'] as const;
const ACCOUNTS = `system:serviceaccount:${NAMESPACE}:`;

/** What only rarer paths need than those that run here, each with the path. test/charts/rbac.test.ts sees some of them in histories. */
const RARER: Readonly<Record<string, string>> = {
  'controller: patch zonespread.io/zoneevacuations/status': 'an evacuation, which runs here in full runs',
  'controller: get apps.kruise.io/statefulsets': 'a cluster with OpenKruise',
  'controller: list apps.kruise.io/statefulsets': 'a cluster with OpenKruise',
  'controller: watch apps.kruise.io/statefulsets': 'a cluster with OpenKruise',
  'controller: delete pods': 'an undo after the gate was taken off: the pod that cannot be scheduled is made again behind it',
  'controller: list resourcequotas': 'a rehearsal that a ResourceQuota refused',
  'controller: delete zonespread.io/ordinalmigrations': 'more than ten ended records of one set',
  'controller: delete zonespread.io/spreadreports': 'a set that is no longer annotated',
  'controller: patch events': 'an event that is repeated after its quiet time',
  'webhook: patch admissionregistration.k8s.io/mutatingwebhookconfigurations zonespread': 'a configuration that somebody changed, or another certificate',
  'webhook: patch admissionregistration.k8s.io/validatingwebhookconfigurations zonespread': 'the same',
  'controller: get admissionregistration.k8s.io/mutatingadmissionpolicies zonespread-gate zonespread-steer': 'a cluster in which no webhook is registered',
  'webhook: get events': 'a person who overrides the guard of a move',
  'webhook: create events': 'the same',
  'webhook: patch events': 'the same',
  'webhook: patch secrets zonespread-webhook-certificates': 'a certificate that is renewed, months after the install',
};

describe.skipIf((process.env['ZONESPREAD_E2E_KUBECONFIG'] ?? '') !== '')('the chart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zonespread-chart-'));
  let world: World;
  let release: ChartRelease;
  /** By the accounts of the product, up to the uninstall. */
  let asked: Request[] = [];

  beforeAll(async () => {
    const { main } = await bundle(folder);
    release = new ChartRelease(main, VALUES);
    world = await startRealWorld({ installation: release });
  });
  afterAll(async () => {
    await world?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each<[string, object]>([
    ['as it is', {}],
    ['in two namespaces, by RRSA, with a certificate of its own', { namespaces: ['default', 'kube-public'], credentials: { type: 'rrsa', rrsa: { roleArn: 'acs:ram::1:role/z', oidcProviderArn: 'acs:ram::1:oidc-provider/o' } }, webhook: { certificates: { secretName: 'tls' }, minAvailable: '50%' } }],
    ['with a key, dashboards, peers and everything else', { credentials: { type: 'accessKey', accessKey: { secretName: 'key' } }, metrics: { dashboards: { enabled: true } }, networkPolicy: { metricsFrom: [{ podSelector: {} }] }, controller: { prometheus: 'http://p:9090', tolerations: TOLERATIONS, topologySpreadConstraints: [] }, commonLabels: { team: 'storage' } }],
    ['without the webhook', { admission: { mode: 'policies' } }],
  ])('the API server finds nothing wrong with it %s', async (_how, values) => {
    const manifests = (await render({ fullnameOverride: 'tried', ...values })).map((object) => JSON.stringify(object)).join('\n---\n');
    const said = await release.cluster.kubectl(['apply', '--dry-run=server', '--validate=strict', '--filename', '-'], manifests);
    // The policies have one name in a cluster, and are there already.
    const wellSaid = /created \(server dry run\)$|^\w+admissionpolic\S+ configured \(server dry run\)$/;
    expect(said.split('\n').filter((line) => line !== '' && !wellSaid.test(line))).toEqual([]);
  });

  test('its pods are let in where only restricted ones are, and run', async () => {
    await release.cluster.kubectl(['wait', '--for=condition=Available', '--timeout=60s', '--namespace', NAMESPACE, 'deployment/zonespread-controller', 'deployment/zonespread-webhook']);
    for (const part of ['controller', 'webhook']) expect(await release.get('deployment', `zonespread-${part}`)).toMatchObject({ status: { replicas: 2 } });
  });

  test('its notes say the next step', () => {
    expect(release.notes).toMatch(/helm test zonespread --namespace zonespread-system[^]*zonespread\.io\/mode=plan[^]*zonespread\.io\/mode=auto[^]*kubectl port-forward --namespace zonespread-system deployment\/zonespread-controller 8080[^]*helm uninstall zonespread/);
    // That is about the role of a node; here it is the chain of the SDK.
    expect(release.notes).not.toContain('RAM role of the node');
  });

  test('is not upgraded where the custom resources are of an older schema', async () => {
    const crd = 'crd/spreadreports.zonespread.io';
    await release.cluster.kubectl(['annotate', '--overwrite', crd, 'zonespread.io/schema=0']);
    const { code, err } = await release.tryUpgrade();
    await release.cluster.kubectl(['annotate', '--overwrite', crd, 'zonespread.io/schema=1']);
    expect(err).toMatch(/spreadreports\.zonespread\.io has schema 0 and this chart's program needs 1: .* kubectl apply --server-side/);
    expect(code).toBe(1);
  });

  test.each<[string, (world: World) => Promise<void>]>([
    ['a move, and what it leaves behind is retired', retiredAfterTheRetention],
    ['an undo', claimNeverBound],
    ...(runsInFull() ? [['an evacuation and the way back', leftAndTakenBack] as [string, (world: World) => Promise<void>]] : []),
  ])('under its roles: %s', (_what, run) => run(world));

  test('upgrade, rollback and uninstall, each in the middle of a move: the move ends, and nothing is lost', () =>
    inScene(world, 'chart', async (scene) => {
      const { a, b, c } = world.zones;
      await scene.createSet({ replicas: 3 });
      await scene.startDaemon();

      await scene.annotate({ zones: `${a},${b}` });
      const { metadata } = await scene.untilStep('detach');
      await release.upgrade({ commonLabels: { team: 'storage' }, controller: { tolerations: TOLERATIONS, maxMigrations: 3 } });
      expect(await budgetOf(release)).toBe('3');
      await rolledOut(scene);
      await release.rollback(1);
      expect(await budgetOf(release)).toBe('2');
      await rolledOut(scene);
      await scene.untilSpread({ [a]: 2, [b]: 1 }, { timeoutMs: 90_000 });
      expect(scene.migration().metadata.uid, 'the record of the move').toBe(metadata.uid);

      await scene.annotate({ zones: `${a},${b},${c}` });
      const moving = await scene.untilStep('snapshot');
      const heal = world.kubelets.behaviour.neverReady({ namespace: scene.namespace, pod: scene.podName(moving.spec.ordinal) });
      const uninstalled = release.uninstall();
      const woundDown = release.windDown();
      await scene.until('the daemon is told to begin nothing more', async () => (await budgetOf(release)) === '0');
      await rolledOut(scene);
      heal();
      expect(await woundDown).toMatch(new RegExp(`begins\\nin flight: ${scene.namespace}/${moving.metadata.name} .*(\\n.*)*: let go of; it kept disk d-.*\\nat rest: nothing is in flight\\n$`));
      asked = ((await release.requests()) ?? []).filter(({ user }) => user.startsWith(ACCOUNTS));
      // From here on the roles go.
      world.kubelets.behaviour.completes({ namespace: NAMESPACE, pod: await release.windDownPod() });
      await uninstalled;
      await scene.killDaemon();

      await scene.catchUp();
      expect(scene.spread()).toEqual({ [a]: 1, [b]: 1, [c]: 1 });
      expect(scene.readyOrdinals()).toEqual([0, 1, 2]);
      await expectNothingBehind(scene, release);
    }));

  test('no request was refused for want of a right', () => {
    expect([...new Set(asked.filter(({ authorized }) => !authorized).map((request) => `${request.user}: ${describeAsk(askOf(request))}`))]).toEqual([]);
    expect(asked.length).toBeGreaterThan(100);
  });

  test('no right is there in vain', () => {
    const granted = PARTS.flatMap((part) => grantsTo(part).map((grant) => ({ part, grant, name: `${part}: ${describeGrant(grant)}` })));
    expect(Object.keys(RARER).filter((name) => !granted.some((one) => one.name === name)), 'excuses for rights that nobody has').toEqual([]);
    const unused = granted.filter(({ part, grant }) => !asked.some((request) => request.user === `${ACCOUNTS}zonespread-${part}` && grants(grant, askOf(request))));
    expect(unused.map(({ name }) => name).filter((name) => !(name in RARER))).toEqual([]);
  });
});

/** As a Deployment does with its pods: the daemon that runs gets SIGTERM, and the next one starts as the Deployment has it by now. */
async function rolledOut(scene: Scene): Promise<void> {
  await scene.stopDaemon();
  await scene.startDaemon();
}

async function budgetOf(release: ChartRelease): Promise<string | undefined> {
  return (await release.command('controller')).environment?.['ZONESPREAD_MAX_MIGRATIONS'];
}

/** Workloads and disks are expectAllIsWell's business. Here: of the product only what holds the memory of its moves is left. */
async function expectNothingBehind(scene: Scene, release: ChartRelease): Promise<void> {
  const { api, webhook } = scene.world;
  const configurations = async (): Promise<unknown[]> => (await Promise.all([mutatingWebhooks, validatingWebhooks].map((resource) => api.get(resource, { name: 'zonespread' })))).filter((found) => found !== undefined);
  await scene.until('the webhook configurations are gone', async () => (await configurations()).length === 0);
  await scene.until('a webhook that lingers tries to register, in vain', () => webhook.log.some((line) => line.includes('could not register')));
  expect(await configurations()).toEqual([]);

  const kinds = 'deployments,pods,services,serviceaccounts,jobs,networkpolicies,poddisruptionbudgets,roles,rolebindings,clusterroles,clusterrolebindings';
  await scene.until('all that helm made is gone', async () => (await release.cluster.kubectl(['get', kinds, '--all-namespaces', '--selector=app.kubernetes.io/instance=zonespread', '--output=name'])) === '');
  await release.cluster.kubectl(['get', 'crd', 'ordinalmigrations.zonespread.io', 'spreadreports.zonespread.io', 'zoneevacuations.zonespread.io']);

  const records = await api.list(ordinalMigrations, { namespace: scene.namespace });
  expect(records.map(({ status, metadata }) => [status?.phase, metadata.finalizers ?? []])).toEqual([['Succeeded', []], ['Succeeded', []]]);
  for (const { source } of records.flatMap(({ status }) => status?.claims ?? [])) {
    expect(await api.get(volumes, { name: source.pv }), 'the volume that is kept').toMatchObject({ spec: { persistentVolumeReclaimPolicy: 'Retain' } });
    expect(scene.world.cloud.disk(source.diskId)?.status, 'the disk that is kept').toBe('Available');
  }
}

/** Of all of the part's roles. */
function grantsTo(part: string): Grant[] {
  return ['cluster', 'namespaced', 'own'].filter((scope) => part !== 'wind-down' || scope !== 'cluster').flatMap((scope) => grantsOf(rulesOf(`${part}.${scope}`)));
}

/** A create has no name that RBAC could go by, though the book has one. */
function askOf({ verb, group, resource, subresource, namespace, name }: Request): Ask {
  return { verb, group, resource: subresource === '' ? resource : `${resource}/${subresource}`, namespace, name: verb === 'create' ? '' : name };
}
