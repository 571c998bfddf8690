// Two hundred reviews a second while the certificate is another one every second, CAs come and go, and replicas are replaced one after the
// other behind their Service: no request fails, and by the API server's own metrics no review did, not even one that may fail.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CERTIFICATES_SECRET } from '../../src/admission/certificate-source.ts';
import type { Lifetimes } from '../../src/admission/certificates.ts';
import type { Api } from '../../src/kubernetes/api.ts';
import { createApi } from '../../src/kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../src/kubernetes/config.ts';
import { pods, secrets, statefulSets, type Pod, type StatefulSet } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { startControlPlane, type ControlPlane } from '../controlplane/start.ts';
import { ownAddress, WebhookDeployment } from './deployment.ts';

const FULL = process.env['ZONESPREAD_E2E_FULL'] !== undefined;
const SECONDS = FULL ? 60 : 12;
const REVIEWS_PER_SECOND = 200;
/** Of the load; a second of it would be 200. */
const MOST_IN_FLIGHT = 32;
/** The replicas are replaced one after the other, this often. */
const ROLL_EVERY_MS = FULL ? 8_000 : 5_000;
const [OWN, SHOP, DAEMON] = ['zonespread-system', 'shop', 'zonespread-daemon'];
const CRDS = new URL('../../charts/zonespread/crds/', import.meta.url).pathname;
const CERTS = new URL('../../webhook-certs/', import.meta.url).pathname;
/** A new leaf whenever one is older than a second, a new CA whenever one is older than six; an old one goes when its leaves have ended. */
const LIVES: Lifetimes = { authority: 46_000, authorityMargin: 40_000, leaf: 30_000, leafMargin: 29_000, backdated: 5_000, skew: 2_000 };
const ROTATION = { lifetimes: LIVES, settleMs: 1_000, tendEveryMs: 400 };

const address = ownAddress();

describe.skipIf(address === undefined)('rotation and rollout under load', () => {
  let plane: ControlPlane;
  let deployment: WebhookDeployment;
  const connections: ClusterConnection[] = [];
  const apiOf = (user: string): Api => {
    const connection = loadCluster({ kubeconfig: plane.kubeconfigOf(user) });
    connections.push(connection);
    return createApi({ http: connection.http, userAgent: `test-${user}` });
  };

  beforeAll(async () => {
    plane = await startControlPlane({ users: [DAEMON, 'jane'].map((name) => ({ name, groups: ['system:masters'] })) });
    await plane.kubectl(['apply', '--server-side', '-f', `${CRDS}ordinalmigrations.yaml`]);
    await plane.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd/ordinalmigrations.zonespread.io']);
    for (const name of [OWN, SHOP]) await plane.kubectl(['create', 'namespace', name]);
    await plane.kubectl(['label', 'namespace', SHOP, 'zonespread.io/in-flight=true']);
    const daemon = apiOf(DAEMON);
    await daemon.create(statefulSets, SET);
    await daemon.create(ordinalMigrations, { metadata: { name: 'web-2-bcdfg', namespace: SHOP, finalizers: ['zonespread.io/migration'] }, spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 2, targetZone: 'b' } });
    await daemon.mergePatch(ordinalMigrations, { namespace: SHOP, name: 'web-2-bcdfg' }, { status: { phase: 'Running', course: 'Forward', step: 'detach' } }, { subresource: 'status' });
    deployment = new WebhookDeployment(plane, address ?? '', { kubeconfig: plane.kubeconfigOf(DAEMON), ownNamespace: OWN, controllerUser: DAEMON, rotation: ROTATION });
    await deployment.start(2);
  });

  afterAll(async () => {
    await deployment?.stop();
    await Promise.all(connections.map((connection) => connection.close()));
    await plane?.stop();
  });

  test(`${SECONDS} seconds of it lose no review`, { timeout: (3 * SECONDS + 120) * 1_000 }, async () => {
    const jane = apiOf('jane');
    await expect.poll(() => isGated(jane), { timeout: 30_000 }).toBe(true);
    const before = await webhookMetrics(plane);
    const ended = new AbortController();
    const [load, rolls, seen] = await Promise.all([
      underLoad(jane).finally(() => ended.abort()),
      rollUntil(ended.signal, deployment),
      watchCertificates(ended.signal, apiOf(DAEMON)),
    ]);
    const after = await webhookMetrics(plane);
    const [asked, failed] = [after.answered - before.answered, after.failed - before.failed];
    process.stdout.write(`${load.sent} requests, ${asked} reviews, ${rolls} replicas replaced, ${seen.leaves} leaves and ${seen.authorities} CAs in ${Math.round(load.tookMs / 1_000)} s; slowest request ${Math.round(load.slowestMs)} ms\n`);

    expect(load.failures).toEqual(new Map());
    expect({ failed, failedOpen: after.failedOpen - before.failedOpen }).toEqual({ failed: 0, failedOpen: 0 });
    expect(asked).toBeGreaterThanOrEqual(load.sent);
    expect(load.sent).toBe(SECONDS * REVIEWS_PER_SECOND);
    // On a busy machine a round of the replicas takes longer than it should.
    expect(seen.leaves).toBeGreaterThanOrEqual(SECONDS / 3);
    expect(seen.authorities).toBeGreaterThanOrEqual(2);
    expect(rolls).toBeGreaterThanOrEqual(2);
    const complaints = deployment.logs.flatMap((file) => readFileSync(file, 'utf8').split('\n')).filter((line) => line.includes('"level":"error"') || line.includes('was refused'));
    expect(complaints).toEqual([]);
  });

  test.skipIf(spawnSync('openssl', ['version']).status !== 0)('webhook-certs: every command of the README runs, and the rights are those that are needed', async () => {
    await deployment.stop();
    const container = { name: 'webhook', image: 'none' };
    await plane.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'zonespread-webhook', namespace: OWN }, spec: { selector: { matchLabels: { app: 'x' } }, template: { metadata: { labels: { app: 'x' } }, spec: { containers: [container] } } } }));
    const folder = mkdtempSync(join(tmpdir(), 'webhook-certs-'));
    try {
      symlinkSync(CERTS, join(folder, 'webhook-certs'));
      const commands = [...readFileSync(`${CERTS}README.md`, 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block).join('\n');
      const path = `${dirname(plane.binaries.kubectl)}:${process.env['PATH'] ?? ''}`;
      const ran = spawnSync('sh', ['-ec', commands], { cwd: folder, encoding: 'utf8', env: { ...process.env, PATH: path, KUBECONFIG: plane.kubeconfig } });
      expect(ran.status, ran.stderr).toBe(0);
      expect(await plane.kubectl(['get', 'secret', 'zonespread-webhook-tls', '-n', OWN, '-o', 'jsonpath={.data}'])).toMatch(/"ca\.crt".*"tls\.crt".*"tls\.key"/);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const may = (...what: string[]): Promise<string> => plane.kubectl(['auth', 'can-i', ...what, '--as=system:serviceaccount:zonespread-system:zonespread-webhook']).then((said) => said.trim(), () => 'no');
    const needed = [['get', `secret/${CERTIFICATES_SECRET}`], ['patch', `secret/${CERTIFICATES_SECRET}`], ['create', 'secrets']].map((what) => [...what, '-n', OWN]);
    const configurations = ['mutating', 'validating'].flatMap((kind) => ['get', 'patch'].map((verb) => [verb, `${kind}webhookconfigurations/zonespread`]));
    for (const what of [...needed, ...configurations]) expect(await may(...what), what.join(' ')).toBe('yes');
    for (const what of [['list', 'secrets', '-n', OWN], ['get', 'secret/other', '-n', OWN], ['get', `secret/${CERTIFICATES_SECRET}`, '-n', SHOP], ['patch', 'validatingwebhookconfigurations/other']]) expect(await may(...what), what.join(' ')).toBe('no');
  });
});

const SET: StatefulSet = {
  metadata: { name: 'web', namespace: SHOP },
  spec: { serviceName: 'web', replicas: 0, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'none' }] } } },
};

/** As the StatefulSet controller would make it. Asked for as a dry run, it comes back gated, or the review was missed. */
const POD: Pod = {
  metadata: { name: 'web-2', namespace: SHOP, labels: { app: 'web' }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'e3b0c442-98fc-4c14-9afb-f4c8996fb924', controller: true }] },
  spec: { containers: [{ name: 'web', image: 'none' }] },
};

async function isGated(api: Api): Promise<boolean> {
  const { spec } = await api.create(pods, POD, { dryRun: true });
  return spec.schedulingGates?.some(({ name }) => name === 'zonespread.io/migrating') === true;
}

interface Load {
  sent: number;
  /** What went wrong, and how often. */
  failures: Map<string, number>;
  slowestMs: number;
  tookMs: number;
}

/**
 * At fixed moments, whatever became of the requests before, as long as the machine can: what it cannot answer is not piled up. Half of the
 * reviews may not fail (Fail); half may be left out (Ignore), and then the pod is seen to come back ungated.
 */
async function underLoad(api: Api): Promise<Load> {
  const load: Load = { sent: 0, failures: new Map(), slowestMs: 0, tookMs: 0 };
  const pending = new Set<Promise<void>>();
  const begun = performance.now();
  while (load.sent < SECONDS * REVIEWS_PER_SECOND) {
    const due = Math.min(((performance.now() - begun) / 1_000) * REVIEWS_PER_SECOND, SECONDS * REVIEWS_PER_SECOND);
    while (load.sent < due && pending.size < MOST_IN_FLIGHT) {
      load.sent += 1;
      const sent = request(api, load);
      pending.add(sent);
      void sent.finally(() => pending.delete(sent));
    }
    await pause(5);
  }
  await Promise.all(pending);
  load.tookMs = performance.now() - begun;
  return load;
}

async function request(api: Api, load: Load): Promise<void> {
  const number = load.sent;
  const fail = (what: string): void => void load.failures.set(what, (load.failures.get(what) ?? 0) + 1);
  const begun = performance.now();
  try {
    if (number % 2 === 0) await api.mergePatch(statefulSets, { namespace: SHOP, name: 'web' }, { spec: { template: { metadata: { annotations: { number: String(number) } } } } }, { dryRun: true });
    else if (!(await isGated(api))) fail(`the pod is not gated (after ${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    fail((error as Error).message);
  }
  load.slowestMs = Math.max(load.slowestMs, performance.now() - begun);
}

/** Resolves with how many were replaced. */
async function rollUntil(ended: AbortSignal, deployment: WebhookDeployment): Promise<number> {
  let rolls = 0;
  let due = performance.now();
  while (!ended.aborted) {
    await pause(100);
    if (performance.now() < due) continue;
    due = performance.now() + ROLL_EVERY_MS;
    await deployment.roll();
    rolls += 1;
  }
  return rolls;
}

async function watchCertificates(ended: AbortSignal, api: Api): Promise<{ leaves: number; authorities: number }> {
  const [leaves, bundles] = [new Set<string>(), new Set<string>()];
  while (!ended.aborted) {
    const data = (await api.get(secrets, { namespace: OWN, name: CERTIFICATES_SECRET }))?.data;
    leaves.add(data?.['tls.crt'] ?? '');
    bundles.add(data?.['ca.key'] ?? '');
    await pause(100);
  }
  return { leaves: leaves.size, authorities: bundles.size };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

interface WebhookMetrics {
  /** Reviews that the API server had an answer to. */
  answered: number;
  failed: number;
  /** Left out because they failed and may be left out. */
  failedOpen: number;
}

/** Of the API server, about our webhooks. */
async function webhookMetrics(plane: ControlPlane): Promise<WebhookMetrics> {
  const ours = (await plane.kubectl(['get', '--raw', '/metrics'])).split('\n').filter((line) => line.includes('.zonespread.io"'));
  const sum = (metric: string, holds: (line: string) => boolean = () => true): number => ours.filter((line) => line.startsWith(`${metric}{`) && holds(line)).reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  return {
    answered: sum('apiserver_admission_webhook_request_total', (line) => line.includes('code="200"')),
    failed: sum('apiserver_admission_webhook_request_total', (line) => !line.includes('code="200"')) + sum('apiserver_admission_webhook_rejection_count', (line) => !line.includes('error_type="no_error"')),
    failedOpen: sum('apiserver_admission_webhook_fail_open_count'),
  };
}
