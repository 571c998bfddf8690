// Registered, and nobody listens: on the real control plane with its controllers every workload starts all the same, the pod and the claim
// of a moving ordinal come back, our own start from zero replicas, and what is in flight is not touched by people.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register } from '../../src/admission/registration.ts';
import type { Api } from '../../src/kubernetes/api.ts';
import { createApi } from '../../src/kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../src/kubernetes/config.ts';
import { claims, namespaces, pods, statefulSets, volumes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { freePorts, giveBack } from '../controlplane/ports.ts';
import { startControlPlane, type ControlPlane } from '../controlplane/start.ts';
import { ACTORS, OWN_NAMESPACE } from './cells/actors.ts';
import { Stage } from './cells/stage.ts';

const WAIT = { timeout: 30_000, interval: 100 };
const CRD = new URL('../../charts/zonespread/crds/ordinalmigrations.yaml', import.meta.url).pathname;
const DAEMON = ACTORS['our daemon'].user;
const stage = new Stage('before the swap');
const busy = stage.namespace;

let plane: ControlPlane;
let port: number;
let connection: ClusterConnection;
let api: Api;

/** What kubectl says, refusals included. */
const as = (user: string, ...args: string[]): Promise<string> => plane.kubectl([`--as=${user}`, ...args]).catch((error: Error) => error.message);
const jane = (...args: string[]): Promise<string> => as('jane', ...args);
const daemon = (...args: string[]): Promise<string> => as(DAEMON, ...args);
const podsOf = async (namespace: string, app: string): Promise<number> => (await api.list(pods, { namespace, labelSelector: `app=${app}` })).length;

beforeAll(async () => {
  plane = await startControlPlane();
  connection = loadCluster({ kubeconfig: plane.kubeconfig });
  api = createApi({ http: connection.http, userAgent: 'test-dead-webhook' });
  [port = 0] = await freePorts(1);
  await plane.kubectl(['apply', '--server-side', '-f', CRD]);
  await plane.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd/ordinalmigrations.zonespread.io']);
  await plane.kubectl(['create', 'clusterrolebinding', 'everybody', '--clusterrole=cluster-admin', '--group=system:authenticated']);
  await api.create(namespaces, { metadata: { name: OWN_NAMESPACE } });
  await api.create(namespaces, { metadata: { name: busy } });
  await api.create(statefulSets, { ...stage.set(), metadata: { name: 'web', namespace: busy } });
  await api.create(volumes, { ...stage.volume('source', 2), metadata: { name: 'held', labels: { 'zonespread.io/migration': 'some-uid', 'zonespread.io/role': 'source' } }, spec: { ...stage.volume('source', 2).spec, claimRef: { namespace: busy, name: 'data-web-2' } } });
  const { metadata, spec, status } = stage.record();
  await api.create(ordinalMigrations, { metadata: { name: metadata.name, namespace: busy, finalizers: ['zonespread.io/migration'] }, spec });
  await api.mergePatch(ordinalMigrations, { namespace: busy, name: metadata.name }, { status }, { subresource: 'status' });
  await expect(plane.kubectl(['label', 'ns', busy, 'zonespread.io/in-flight=true'])).resolves.toContain('labeled');
  // Nobody listens there.
  await register(api, { target: { url: `https://127.0.0.1:${port}` }, bundle: '', ownNamespace: OWN_NAMESPACE, namespaces: [], controller: { username: DAEMON, dedicated: true } });
});

afterAll(async () => {
  await connection?.close();
  await plane?.stop();
  giveBack([port]);
});

describe('while nobody answers', () => {
  test('what is in flight is not touched by people, once the registration is in force', async () => {
    await expect.poll(() => jane('delete', 'pvc', 'data-web-2', '-n', busy, '--dry-run=server'), WAIT).toContain('failed calling webhook');
    await expect.poll(() => jane('delete', 'pv', 'held', '--dry-run=server'), WAIT).toContain('failed calling webhook');
    expect(await jane('scale', 'sts', 'web', '-n', busy, '--replicas=1')).toContain('failed calling webhook');
    expect(await jane('delete', 'om', stage.record().metadata.name, '-n', busy, '--dry-run=server')).toContain('failed calling webhook');
  });

  test.each([['default'], [OWN_NAMESPACE], ['kube-system'], [busy]])('a Deployment in %s starts from zero replicas', async (namespace) => {
    expect(await jane('create', 'deployment', 'app', '--image=none', '--replicas=0', '-n', namespace)).toContain('created');
    expect(await jane('scale', 'deployment', 'app', '--replicas=2', '-n', namespace)).toContain('scaled');
    await expect.poll(() => podsOf(namespace, 'app'), WAIT).toBe(2);
  });

  test('another set starts, claims and all, beside the one that moves', async () => {
    const { metadata, ...set } = stage.set();
    await api.create(statefulSets, { ...set, metadata: { ...metadata, name: 'other', namespace: busy } });
    await expect.poll(() => api.get(claims, { namespace: busy, name: 'data-other-5' }), WAIT).toBeDefined();
    await expect.poll(() => api.get(pods, { namespace: busy, name: 'other-5' }), WAIT).toBeDefined();
  });

  test('the pod and the claim of the moving ordinal are made again', async () => {
    const uidsOf = async (): Promise<(string | undefined)[]> => [(await api.get(pods, { namespace: busy, name: 'web-2' }))?.metadata.uid, (await api.get(claims, { namespace: busy, name: 'data-web-2' }))?.metadata.uid];
    await expect.poll(async () => (await uidsOf()).every((uid) => uid !== undefined), WAIT).toBe(true);
    const [pod, claim] = await uidsOf();
    expect(await daemon('delete', 'pvc', 'data-web-2', '-n', busy, '--wait=false')).toContain('deleted');
    expect(await daemon('delete', 'pod', 'web-2', '-n', busy, '--wait=false', '--grace-period=0')).toContain('deleted');
    await expect.poll(async () => (await uidsOf()).filter((uid) => uid !== undefined && uid !== pod && uid !== claim), WAIT).toHaveLength(2);
  });

  test('a node can be drained', async () => {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web-3', namespace: busy } };
    expect(await plane.kubectl(['create', '--raw', `/api/v1/namespaces/${busy}/pods/web-3/eviction`, '-f', '-'], JSON.stringify(eviction))).toContain('Success');
  });

  test('our daemon goes on: it marks, writes its record and takes its label off', async () => {
    expect(await daemon('annotate', 'pv', 'held', 'note=x')).toContain('annotated');
    expect(await daemon('patch', 'pv', 'held', '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')).toContain('patched');
    expect(await daemon('patch', 'om', stage.record().metadata.name, '-n', busy, '--subresource=status', '--type=merge', '-p', '{"status":{"progress":90}}')).toContain('patched');
    expect(await daemon('label', 'ns', busy, 'zonespread.io/in-flight-', '--dry-run=server')).toContain('unlabeled');
  });

  test('controllers of any name do their work on what is held: finalizers and annotations', async () => {
    const attacher = ACTORS['CSI attacher elsewhere'].user;
    expect(await as(attacher, 'patch', 'pv', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":["kubernetes.io/pv-protection","external-attacher/x"]}}')).toContain('patched');
    expect(await as(attacher, 'patch', 'pv', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":["kubernetes.io/pv-protection"]}}')).toContain('patched');
    expect(await jane('annotate', 'sts', 'web', '-n', busy, 'note=x')).toContain('annotated');
  });

  test('policy annotations and records by hand are taken: the daemon looks at them again', async () => {
    expect(await jane('annotate', 'ns', 'default', 'zonespread.io/max-skew=none')).toContain('annotated');
    expect(await plane.kubectl(['--as=jane', 'create', '-f', '-'], JSON.stringify({ ...stage.newRecord(9), metadata: { name: 'by-hand', namespace: 'default' } }))).toContain('created');
  });

  test('a namespace goes, whatever is in flight in it', async () => {
    expect(await jane('delete', 'namespace', busy, '--wait=false')).toContain('deleted');
    await expect.poll(async () => (await api.get(ordinalMigrations, { namespace: busy, name: stage.record().metadata.name }))?.metadata.deletionTimestamp, WAIT).toBeDefined();
    expect(await daemon('patch', 'om', stage.record().metadata.name, '-n', busy, '--type=merge', '-p', '{"metadata":{"finalizers":null}}')).toContain('patched');
    await expect.poll(() => plane.kubectl(['get', 'namespace', busy, '--ignore-not-found', '-o', 'name']), { ...WAIT, timeout: 90_000 }).toBe('');
  });
});
