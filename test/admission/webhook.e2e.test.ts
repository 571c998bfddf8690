// The custom resources and the webhook on the real API server, with the real controllers: what they make of our schemas, our registration
// and our answers. The record is written by hand here, as the daemon would; nothing else of the product runs.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ReviewLabels } from '../../src/admission/desk.ts';
import { runWebhook, type RunningWebhook, type WebhookOptions } from '../../src/admission/webhook.ts';
import { ApiError, type Api } from '../../src/kubernetes/api.ts';
import { createApi } from '../../src/kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../src/kubernetes/config.ts';
import { claims, leases, pods, statefulSets, validatingWebhooks, volumes, type PersistentVolume, type Pod } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type ClaimRecord, type OrdinalMigration, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { freePorts, giveBack } from '../controlplane/ports.ts';
import { startControlPlane, type ControlPlane } from '../controlplane/start.ts';
import { FakeLog } from '../fakes/log.ts';
import { onLoopback, webhookOptions } from './webhook-options.ts';

const OWN = 'zonespread-system';
const DAEMON = 'zonespread-daemon';
const SHOP = 'shop';
const HPA = 'system:serviceaccount:kube-system:horizontal-pod-autoscaler';
const WAIT = { timeout: 30_000, interval: 50 };
const IN_FLIGHT = 'zonespread.io/in-flight=true';
const CRDS = new URL('../../charts/zonespread/crds/', import.meta.url).pathname;
const KINDS = ['ordinalmigrations', 'spreadreports', 'zoneevacuations'];

let plane: ControlPlane;
let port: number;
const log = new FakeLog();
const reviews: ReviewLabels[] = [];
const connections: ClusterConnection[] = [];

const apiOf = (user: string): Api => createApi({ http: connect(user).http, userAgent: `test-${user}` });
function connect(user: string): ClusterConnection {
  const connection = loadCluster({ kubeconfig: plane.kubeconfigOf(user) });
  connections.push(connection);
  return connection;
}

/** As jane, an administrator who is not our daemon; gives what kubectl says, refusals included. */
const jane = (...args: string[]): Promise<string> => plane.kubectl(['--kubeconfig', plane.kubeconfigOf('jane'), ...args]).catch((error: Error) => error.message);

function volumeNamed(name: string): PersistentVolume {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: '30Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'essd',
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: SHOP, name: 'data-web-2' },
      csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: name },
    },
  };
}

const SET = {
  metadata: { name: 'web', namespace: SHOP },
  spec: {
    serviceName: 'web',
    replicas: 4,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'none' }] } },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'essd', resources: { requests: { storage: '20Gi' } } } }],
  },
};

beforeAll(async () => {
  plane = await startControlPlane({ users: [DAEMON, 'jane', 'shared'].map((name) => ({ name, groups: ['system:masters'] })) });
  [port = 0] = await freePorts(1);
  await plane.kubectl(['apply', '--server-side', ...KINDS.flatMap((kind) => ['-f', `${CRDS}${kind}.yaml`])]);
  await plane.kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...KINDS.map((kind) => `crd/${kind}.zonespread.io`)]);
  await plane.kubectl(['create', 'namespace', OWN]);
  await plane.kubectl(['create', 'namespace', SHOP]);
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await plane?.stop();
  giveBack([port]);
});

describe('the custom resources', () => {
  const record = (name: string, spec: object): string => JSON.stringify({ apiVersion: 'zonespread.io/v1alpha1', kind: 'OrdinalMigration', metadata: { name, namespace: 'default' }, spec });

  test('are taken by the API server as structural schemas, without a complaint', async () => {
    const crds = JSON.parse(await plane.kubectl(['get', 'crd', ...KINDS.map((kind) => `${kind}.zonespread.io`), '-o', 'json'])) as { items: { status: { conditions: { type: string; status: string }[] } }[] };
    for (const { status } of crds.items) {
      expect(status.conditions.filter(({ status: holds }) => holds === 'True').map(({ type }) => type).toSorted()).toEqual(['Established', 'NamesAccepted']);
      expect(status.conditions.some(({ type }) => type === 'NonStructuralSchema')).toBe(false);
    }
  });

  test('a hand-made record needs no more than set, ordinal and zone', async () => {
    await plane.kubectl(['apply', '-f', '-'], record('by-hand', { statefulSetRef: { name: 'web' }, ordinal: 2, targetZone: 'b' }));
    const made = JSON.parse(await plane.kubectl(['get', 'om', 'by-hand', '-n', 'default', '-o', 'json'])) as OrdinalMigration;
    expect(made.spec).toEqual({ statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 2, targetZone: 'b', reason: 'Manual' });
  });

  test('its spec cannot be changed afterwards, not even by taking something out', async () => {
    const change = (patch: object): Promise<string> => plane.kubectl(['patch', 'om', 'by-hand', '-n', 'default', '--type=merge', '-p', JSON.stringify(patch)]);
    await expect(change({ spec: { targetZone: 'c' } })).rejects.toThrow('spec is immutable');
    await expect(change({ spec: { onUnready: 'hold' } })).rejects.toThrow('spec is immutable');
    await expect(change({ spec: null })).rejects.toThrow(/spec/);
    await expect(change({ metadata: { annotations: { note: 'x' } } })).resolves.toContain('patched');
  });

  test.each([
    ['a duration that is none', { readyTimeout: '10' }, 'readyTimeout'],
    ['a kind that we do not move', { statefulSetRef: { name: 'web', kind: 'Deployment' } }, 'Unsupported value: "Deployment"'],
    ['a negative ordinal', { ordinal: -1 }, 'ordinal'],
    ['no zone', { targetZone: '' }, 'targetZone'],
    ['an answer of our own making', { onUnready: 'panic' }, 'Unsupported value: "panic"'],
  ])('%s is refused', async (_what, part, message) => {
    await expect(plane.kubectl(['apply', '-f', '-'], record('wrong', { statefulSetRef: { name: 'web' }, ordinal: 2, targetZone: 'b', ...part }))).rejects.toThrow(message);
  });

  test('what must come back whole does, and the columns show where it stands', async () => {
    const api = apiOf(DAEMON);
    const spec = { accessModes: ['ReadWriteOnce'], brandNew: { nested: [1, { two: true }] } };
    const params = { diskId: 'd-1', name: 'n', description: 'd', tags: { a: 'b' }, brandNew: 1 } as never;
    const claim: ClaimRecord = { ...recorded(), manifest: { labels: { 'a/b': 'c' }, annotations: {}, spec }, snapshot: { id: 's-1', token: 't', params, requestedAt: '2026-11-20T10:00:00.000Z' } };
    const status: OrdinalMigrationStatus = { formatVersion: 1, phase: 'Running', step: 'a-step-of-tomorrow', progress: 40, downtimeSeconds: 1.5, claims: [claim], terms: { readyTimeoutMs: 1, healthDurationMs: 2, onUnready: 'hold', snapshotRetentionMs: 'forever', sourceRetentionMs: 86_400_000 } };
    await api.mergePatch(ordinalMigrations, { namespace: 'default', name: 'by-hand' }, { status }, { subresource: 'status' });
    expect((await api.get(ordinalMigrations, { namespace: 'default', name: 'by-hand' }))!.status).toEqual(status);

    const [header, row] = (await plane.kubectl(['get', 'om', '-n', 'default'])).trim().split('\n');
    expect(header!.split(/\s+/)).toEqual(['NAME', 'SET', 'ORDINAL', 'FROM', 'TO', 'PHASE', 'STEP', 'PROGRESS', 'AGE']);
    expect(row!.split(/\s+/).slice(0, 8)).toEqual(['by-hand', 'web', '2', 'a', 'b', 'Running', 'a-step-of-tomorrow', '40']);
  });

  test('SpreadReport and ZoneEvacuation show theirs', async () => {
    const api = apiOf(DAEMON);
    await plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'zonespread.io/v1alpha1', kind: 'SpreadReport', metadata: { name: 'web', namespace: 'default' } }));
    const status = { summary: 'a:6 b:0', state: 'waits for Paused', skew: 6, satisfied: false, plan: { digest: 'x', total: 3, sizeGiB: 60, estimatedMinutes: 2, moves: [] }, blockedOrdinals: 1 };
    await plane.kubectl(['patch', 'sr', 'web', '-n', 'default', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);
    const [header, row] = (await plane.kubectl(['get', 'sr', '-n', 'default'])).trim().split('\n');
    expect(header!.split(/\s+/)).toEqual(['NAME', 'ZONES', 'SKEW', 'SATISFIED', 'MOVES', 'BLOCKED', 'STATE', 'AGE']);
    expect(row!.split(/\s{2,}/).slice(0, 7)).toEqual(['web', 'a:6 b:0', '6', 'false', '3', '1', 'waits for Paused']);
    await plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'zonespread.io/v1alpha1', kind: 'ZoneEvacuation', metadata: { name: 'a' }, spec: { zone: 'a' } }));
    await expect(plane.kubectl(['patch', 'ze', 'a', '--type=merge', '-p', '{"spec":{"zone":"b"}}'])).rejects.toThrow('spec is immutable');
    await plane.kubectl(['delete', 'ze', 'a']);
    await api.delete(ordinalMigrations, { namespace: 'default', name: 'by-hand' });
  });
});

function recorded(parts: Partial<ClaimRecord['source']> = {}): ClaimRecord {
  return {
    template: 'data',
    claimName: 'data-web-2',
    sizeGiB: 30,
    manifest: { labels: { app: 'web' }, annotations: {}, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'essd', volumeMode: 'Filesystem', resources: { requests: { storage: '30Gi' } } } },
    source: { pv: 'd-old', pvUID: 'u', claimUID: 'u', diskId: 'd-old', zone: 'a', category: 'cloud_essd', reclaimPolicy: 'Delete', ...parts },
    target: { pv: 'd-new', diskId: 'd-new', zone: 'b' },
  };
}

describe('the webhook', () => {
  let webhook: RunningWebhook;
  let daemon: Api;
  let migrationUID: string;
  let targetUID: string;

  const start = async (options: Partial<WebhookOptions> = {}): Promise<RunningWebhook> => {
    const usual = webhookOptions(connect(DAEMON), log);
    const metrics = { ...usual.metrics, reviewed: (labels: object) => void reviews.push(labels as ReviewLabels) };
    const started = await runWebhook({ ...usual, ...onLoopback(port), metrics, ownNamespace: OWN, controllerUser: DAEMON, ...options });
    await started.ready;
    return started;
  };

  const setStatus = (status: OrdinalMigrationStatus): Promise<OrdinalMigration> => daemon.mergePatch(ordinalMigrations, { namespace: SHOP, name: 'web-2-bcdfg' }, { status }, { subresource: 'status' });
  const probePod = (): Promise<Pod> =>
    daemon.create(pods, { metadata: { name: 'web-2-probe', namespace: SHOP, labels: { 'zonespread.io/probe': migrationUID } }, spec: { containers: [{ name: 'x', image: 'none' }] } }, { dryRun: true, freshConnection: true });
  const gatesOf = (pod: Pod | undefined): string[] => (pod?.spec.schedulingGates ?? []).map(({ name }) => name);
  const podTwo = (): Promise<Pod | undefined> => daemon.get(pods, { namespace: SHOP, name: 'web-2' });

  beforeAll(async () => {
    daemon = apiOf(DAEMON);
    await plane.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'essd' }, provisioner: 'diskplugin.csi.alibabacloud.com', allowVolumeExpansion: true, volumeBindingMode: 'WaitForFirstConsumer' }));
    await daemon.create(volumes, volumeNamed('d-old'));
    await daemon.create(statefulSets, SET);
    await daemon.create(statefulSets, { ...SET, metadata: { name: 'late', namespace: 'default', annotations: { 'zonespread.io/mode': 'perhaps' } } });
    await plane.kubectl(['create', 'clusterrolebinding', 'autoscaler', '--clusterrole=cluster-admin', `--user=${HPA}`]);
    await vi.waitUntil(async () => (await daemon.get(claims, { namespace: SHOP, name: 'data-web-2' }))?.status?.phase === 'Bound', WAIT);
    webhook = await start();
  });
  afterAll(() => webhook?.close());

  test('is registered once, and its conditions are valid CEL', async () => {
    const live = await daemon.get(validatingWebhooks, { name: 'zonespread' });
    expect((live!.webhooks as { name: string }[]).map(({ name }) => name.split('.')[0])).toEqual(['sets', 'scale', 'claims', 'volumes', 'migrations', 'namespaces', 'records', 'policy']);
    const generation = live!.metadata.generation;
    const second = await start({ https: { host: '127.0.0.1', port: 0 } });
    expect((await daemon.get(validatingWebhooks, { name: 'zonespread' }))!.metadata.generation).toBe(generation);
    await second.close();
  });

  test('refuses wrong policy annotations wherever they are written, and nothing else about the set', async () => {
    // A new configuration takes the API server a moment.
    await expect.poll(() => jane('annotate', 'sts', 'web', '-n', SHOP, 'zonespread.io/max-skew=none', '--overwrite'), WAIT).toContain('zonespread.io/max-skew: "none" is refused');
    expect(await jane('annotate', 'ns', SHOP, 'zonespread.io/pin=0=a')).toContain('it is about the ordinals of one set');
    expect(await jane('annotate', 'sts', 'web', '-n', SHOP, 'zonespread.io/zones=a,b')).toContain('annotated');
    expect(await jane('scale', 'sts', 'web', '-n', SHOP, '--replicas=5')).toContain('scaled');
  });

  test('a wrong value that was there before the webhook does not block other changes', async () => {
    expect(await jane('scale', 'sts', 'late', '--replicas=1')).toContain('scaled');
    expect(await jane('set', 'image', 'sts/late', 'web=other')).toContain('image updated');
    expect(await jane('annotate', 'sts', 'late', 'zonespread.io/zones=a,b')).toContain('annotated');
    expect(await jane('annotate', 'sts', 'late', 'zonespread.io/mode=maybe', '--overwrite')).toContain('zonespread.io/mode: "maybe" is refused');
    expect(await jane('delete', 'sts', 'late')).toContain('deleted');
  });

  test('once the ordinal is in flight, probes come back gated and steered', async () => {
    const old = (await daemon.get(claims, { namespace: SHOP, name: 'data-web-2' }))!;
    const source = (await daemon.get(volumes, { name: 'd-old' }))!;
    const record = await daemon.create(ordinalMigrations, {
      metadata: { name: 'web-2-bcdfg', namespace: SHOP, finalizers: ['zonespread.io/migration'] },
      spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 2, targetZone: 'b' },
    });
    migrationUID = record.metadata.uid!;
    await plane.kubectl(['label', 'ns', SHOP, IN_FLIGHT]);
    await setStatus({ phase: 'Running', course: 'Forward', step: 'rehearse', claims: [recorded({ claimUID: old.metadata.uid!, pvUID: source.metadata.uid! })] });
    await daemon.mergePatch(volumes, { name: 'd-old' }, { metadata: { labels: { 'zonespread.io/migration': migrationUID, 'zonespread.io/role': 'source' } } });
    await daemon.mergePatch(claims, { namespace: SHOP, name: 'data-web-2' }, { metadata: { labels: { 'zonespread.io/migration': migrationUID, 'zonespread.io/role': 'source' } } });

    await expect.poll(async () => gatesOf(await probePod()), WAIT).toEqual(['zonespread.io/migrating']);
    const probe = await daemon.create(
      claims,
      { metadata: { name: 'data-web-2-probe-xxxxx', namespace: SHOP, labels: { 'zonespread.io/probe': migrationUID } }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
      { dryRun: true },
    );
    expect(probe.spec).toMatchObject({ volumeName: 'd-old', storageClassName: 'essd', resources: { requests: { storage: '30Gi' } } });
    expect(await daemon.get(claims, { namespace: SHOP, name: 'data-web-2-probe-xxxxx' })).toBeUndefined();
  });

  test('the pod that the StatefulSet controller makes is gated, its siblings are not', async () => {
    await setStatus({ step: 'evict' });
    // The watch is a moment behind: an ungated pod is evicted again, as the daemon does.
    const replaced = async (name: string): Promise<string[]> => {
      const before = await daemon.get(pods, { namespace: SHOP, name });
      if (before !== undefined) await daemon.delete(pods, { namespace: SHOP, name }, {}, { gracePeriodSeconds: 0 });
      await expect.poll(async () => (await daemon.get(pods, { namespace: SHOP, name }))?.metadata.uid ?? before?.metadata.uid, WAIT).not.toBe(before?.metadata.uid);
      return gatesOf(await daemon.get(pods, { namespace: SHOP, name }));
    };
    await expect.poll(() => replaced('web-2'), WAIT).toEqual(['zonespread.io/migrating']);
    expect(await replaced('web-1')).toEqual([]);
  });

  test.each([
    ['delete the claim', ['delete', 'pvc', 'data-web-2', '-n', SHOP, '--wait=false']],
    ['delete all claims at once', ['delete', '--raw', `/api/v1/namespaces/${SHOP}/persistentvolumeclaims?labelSelector=zonespread.io/migration`]],
    ['delete the volume', ['delete', 'pv', 'd-old', '--wait=false']],
    ['grow the claim', ['patch', 'pvc', 'data-web-2', '-n', SHOP, '-p', '{"spec":{"resources":{"requests":{"storage":"50Gi"}}}}']],
    ['set the volume to Delete', ['patch', 'pv', 'd-old', '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}']],
    ['take the claim off the volume', ['patch', 'pv', 'd-old', '--type=merge', '-p', '{"spec":{"claimRef":null}}']],
    ['take our label off the volume', ['label', 'pv', 'd-old', 'zonespread.io/migration-']],
    ['scale the ordinal away', ['scale', 'sts', 'web', '-n', SHOP, '--replicas=2']],
    ['scale the ordinal away by an update', ['patch', 'sts', 'web', '-n', SHOP, '-p', '{"spec":{"replicas":2}}']],
    ['move the first ordinal', ['patch', 'sts', 'web', '-n', SHOP, '-p', '{"spec":{"ordinals":{"start":1}}}']],
    ['change what happens to claims', ['patch', 'sts', 'web', '-n', SHOP, '-p', '{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete"}}}']],
    ['delete the set', ['delete', 'sts', 'web', '-n', SHOP, '--wait=false']],
    ['delete the record', ['delete', 'om', 'web-2-bcdfg', '-n', SHOP, '--wait=false']],
    ['take the finalizer off the record', ['patch', 'om', 'web-2-bcdfg', '-n', SHOP, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']],
    ['write the status of the record', ['patch', 'om', 'web-2-bcdfg', '-n', SHOP, '--subresource=status', '--type=merge', '-p', '{"status":{"step":"settle"}}']],
    ['scale the ordinal away as the autoscaler', ['--as', HPA, 'scale', 'sts', 'web', '-n', SHOP, '--replicas=1']],
  ])('a person cannot %s', async (_what, args) => {
    // The reason must be the move, so the label must have been seen by the API server's own watch: true since the probe came back gated.
    await expect(jane(...args)).resolves.toContain('OrdinalMigration shop/web-2-bcdfg is moving ordinal 2 of web from a to b');
  });

  test.each([
    ['scale other ordinals away', ['scale', 'sts', 'web', '-n', SHOP, '--replicas=4'], 'scaled'],
    ['scale up as the autoscaler', ['--as', HPA, 'scale', 'sts', 'web', '-n', SHOP, '--replicas=5'], 'scaled'],
    ['roll a template out, and is warned', ['set', 'image', 'sts/web', 'web=other', '-n', SHOP], 'image updated'],
    ['ask for an undo', ['annotate', 'om', 'web-2-bcdfg', '-n', SHOP, 'zonespread.io/request=abort'], 'annotated'],
    ['annotate the claim', ['annotate', 'pvc', 'data-web-2', '-n', SHOP, 'note=x'], 'annotated'],
    ['delete the claim of an ordinal that was scaled away', ['delete', 'pvc', 'data-web-3', '-n', SHOP, '--wait=false', '--dry-run=server'], 'deleted'],
  ])('a person can %s', async (_what, args, said) => {
    await expect(jane(...args)).resolves.toContain(said);
  });

  test('the swap goes through under the guard: our delete, the StatefulSet controller\'s or our create, steered to the new volume, bound', async () => {
    const target = await daemon.create(volumes, { ...volumeNamed('d-new'), metadata: { name: 'd-new', labels: { 'zonespread.io/migration': migrationUID, 'zonespread.io/role': 'target' } } });
    targetUID = target.metadata.uid!;
    await expect.poll(async () => (await daemon.get(volumes, { name: 'd-new' }))?.status?.phase, WAIT).toBe('Available');
    const old = (await daemon.get(claims, { namespace: SHOP, name: 'data-web-2' }))!;
    await setStatus({ step: 'swapClaim' });
    // Steering follows the record by a watch: a probe shows that it has arrived.
    const steersTo = async (): Promise<string | undefined> =>
      (await daemon.create(claims, { metadata: { name: 'data-web-2-probe', namespace: SHOP, labels: { 'zonespread.io/probe': migrationUID } }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }, { dryRun: true })).spec.volumeName;
    await expect.poll(steersTo, WAIT).toBe('d-new');

    await daemon.delete(claims, { namespace: SHOP, name: 'data-web-2' }, { uid: old.metadata.uid!, resourceVersion: old.metadata.resourceVersion! });
    // As the template has it, with the old size: whoever makes it, it comes out right.
    const template = { metadata: { name: 'data-web-2', namespace: SHOP }, spec: SET.spec.volumeClaimTemplates[0]!.spec };
    await expect
      .poll(async () => {
        await daemon.create(claims, template).catch((error: unknown) => {
          if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
        });
        const live = await daemon.get(claims, { namespace: SHOP, name: 'data-web-2' });
        return live?.metadata.uid === old.metadata.uid ? undefined : live?.spec.volumeName;
      }, WAIT)
      .toBe('d-new');
    await expect.poll(async () => (await daemon.get(claims, { namespace: SHOP, name: 'data-web-2' }))?.status?.phase, WAIT).toBe('Bound');
    expect((await daemon.get(claims, { namespace: SHOP, name: 'data-web-2' }))!.spec.resources?.requests?.storage).toBe('30Gi');
    expect(gatesOf(await podTwo())).toEqual(['zonespread.io/migrating']);
    expect(await jane('delete', 'pv', 'd-new', '--wait=false')).toContain('deleting this volume in the middle of the move');
  });

  test('Kubernetes\' controllers and our daemon are kept out before any call, and nothing of it went wrong', async () => {
    const refused = new Set(log.lines.filter(({ message }) => message === 'refused').map(({ fields }) => fields.user));
    expect(refused).toEqual(new Set(['jane', HPA]));
    expect(log.messages('error')).toEqual([]);
    expect(reviews.filter(({ decision }) => decision === 'error')).toEqual([]);

    const metrics = (await plane.kubectl(['get', '--raw', '/metrics'])).split('\n').filter((line) => line.includes('.zonespread.io"'));
    const sum = (metric: string, entry: string): number => metrics.filter((line) => line.startsWith(`${metric}{`) && line.includes(`name="${entry}.zonespread.io"`)).reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
    expect(sum('apiserver_admission_match_condition_exclusions_total', 'claims')).toBeGreaterThan(0);
    expect(sum('apiserver_admission_match_condition_exclusions_total', 'volumes')).toBeGreaterThan(0);
    for (const name of ['gate', 'steer', 'sets', 'scale', 'claims', 'volumes', 'migrations', 'namespaces', 'records', 'policy']) {
      expect(sum('apiserver_admission_match_condition_evaluation_errors_total', name)).toBe(0);
      expect(sum('apiserver_admission_webhook_fail_open_count', name)).toBe(0);
    }
  });

  test('an override by name lets a person through, and is logged', async () => {
    await jane('annotate', 'sts', 'web', '-n', SHOP, 'zonespread.io/override=web-2-bcdfg');
    await expect.poll(() => jane('scale', 'sts', 'web', '-n', SHOP, '--replicas=2', '--dry-run=server'), WAIT).toContain('scaled');
    expect(await jane('delete', 'sts', 'web', '-n', SHOP, '--dry-run=server', '--cascade=orphan')).toContain('deleted');
    expect(log.lines.some(({ level, message }) => level === 'warn' && message === 'a person overrode the guard of a migration')).toBe(true);
    await jane('annotate', 'sts', 'web', '-n', SHOP, 'zonespread.io/override-');
  });

  test('an override that is no dry run is an event on the record and on the set', async () => {
    const told = async (): Promise<string> => plane.kubectl(['get', 'events', '-n', SHOP, '--field-selector', 'reason=GuardOverridden', '-o', 'jsonpath={range .items[*]}{.involvedObject.kind} {.message}{"\\n"}{end}']);
    expect(await told()).toBe('');
    await jane('annotate', 'pv', 'd-new', 'zonespread.io/override=web-2-bcdfg');
    expect(await jane('label', 'pv', 'd-new', 'zonespread.io/role-')).toContain('unlabeled');
    const message = 'jane overrode the guard of migration web-2-bcdfg (rule volume-update): UPDATE of PersistentVolume d-new';
    await expect.poll(async () => (await told()).trim().split('\n').toSorted(), WAIT).toEqual([`OrdinalMigration ${message}`, `StatefulSet ${message}`]);
    await daemon.mergePatch(volumes, { name: 'd-new' }, { metadata: { labels: { 'zonespread.io/role': 'target' }, annotations: { 'zonespread.io/override': null } } });
  });

  test('where the daemon shares its name with people, only a delete under the recorded UID passes', async () => {
    const shared = apiOf('shared');
    await webhook.close();
    await daemon.create(leases, { metadata: { name: 'zonespread', namespace: OWN, annotations: { 'zonespread.io/controller-user': 'shared' } }, spec: {} });
    webhook = await runAs();
    const live = (await daemon.get(claims, { namespace: SHOP, name: 'data-web-2' }))!;
    await daemon.mergePatch(ordinalMigrations, { namespace: SHOP, name: 'web-2-bcdfg' }, { status: { step: 'ready', claims: [{ ...recorded({ claimUID: live.metadata.uid! }), target: { pv: 'd-new', pvUID: targetUID } }] } }, { subresource: 'status' });
    const deleteAs = async (uid: string | undefined): Promise<string> =>
      shared.delete(claims, { namespace: SHOP, name: 'data-web-2' }, uid === undefined ? {} : { uid }).then(
        () => 'deleted',
        (error: Error) => error.message,
      );
    await expect.poll(() => deleteAs(undefined), WAIT).toContain('deleting this claim in the middle of the move');
    // Its status and labels are ours to write, under whatever name.
    await shared.mergePatch(ordinalMigrations, { namespace: SHOP, name: 'web-2-bcdfg' }, { status: { progress: 90 } }, { subresource: 'status' });
    await shared.mergePatch(claims, { namespace: SHOP, name: 'data-web-2' }, { metadata: { annotations: { 'zonespread.io/touched': 'now' } } });
    await expect.poll(() => deleteAs(live.metadata.uid), WAIT).toBe('deleted');

    async function runAs(): Promise<RunningWebhook> {
      const started = await runWebhook({ ...webhookOptions(connect(DAEMON), log), ...onLoopback(port), ownNamespace: OWN });
      await started.ready;
      return started;
    }
  });

  test('when the webhook is dead, pods and claims are made all the same, and what is in flight is not touched by people', async () => {
    await webhook.close();
    const uid = (await podTwo())?.metadata.uid;
    await daemon.delete(pods, { namespace: SHOP, name: 'web-2' }, {}, { gracePeriodSeconds: 0 });
    await expect.poll(async () => (await podTwo())?.metadata.uid ?? uid, WAIT).not.toBe(uid);
    expect(await jane('delete', 'pv', 'd-new', '--wait=false')).toContain('failed calling webhook');
    expect(await jane('scale', 'sts', 'web', '-n', SHOP, '--replicas=1')).toContain('failed calling webhook');
    // Metadata of a set is nobody's business here; a wrong policy is reported by the daemon.
    expect(await jane('annotate', 'sts', 'web', '-n', SHOP, 'zonespread.io/max-skew=none', '--overwrite')).toContain('annotated');
    expect(await jane('create', 'configmap', 'x', '-n', SHOP)).toContain('created');
    expect(await jane('annotate', 'ns', 'default', 'zonespread.io/max-skew=2')).toContain('annotated');
  });

  test('a namespace goes, whatever is in flight in it', async () => {
    webhook = await start();
    await plane.kubectl(['delete', 'namespace', SHOP, '--wait=false']);
    // No daemon is here to take its finalizer off, as it does at once when the namespace terminates.
    await expect.poll(async () => (await daemon.get(ordinalMigrations, { namespace: SHOP, name: 'web-2-bcdfg' }))?.metadata.deletionTimestamp, WAIT).toBeDefined();
    await daemon.mergePatch(ordinalMigrations, { namespace: SHOP, name: 'web-2-bcdfg' }, { metadata: { finalizers: null } });
    await expect.poll(() => plane.kubectl(['get', 'namespace', SHOP, '--ignore-not-found', '-o', 'name']), { ...WAIT, timeout: 90_000 }).toBe('');
  });
});
