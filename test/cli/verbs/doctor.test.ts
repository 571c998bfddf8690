// `zonespread doctor`: a healthy patient, and every illness with its cure.

import { beforeEach, describe, expect, it } from 'vitest';
import { csiNodes, disruptionBudgets, leases, mutatingPolicies, mutatingWebhooks, namespaces, nodes, statefulSets, storageClasses, validatingWebhooks, volumes, type Resource } from '../../../src/kubernetes/objects.ts';
import { ApiError } from '../../../src/kubernetes/api.ts';
import { EcsModel } from '../../../src/simulation/ecs/model.ts';
import { csiNode, DISK_DRIVER, disruptionBudget, NAMESPACE, node, statefulSet, storageClass, volume } from '../../builders/kubernetes.ts';
import { SeededRandom } from '../../fakes/random.ts';
import { Desk, NOW, screenful, type Said } from '../command-line-of.ts';

const ZONES = ['cn-test-a', 'cn-test-b'];
const csiDrivers: Resource = { group: 'storage.k8s.io', version: 'v1', plural: 'csidrivers', kind: 'CSIDriver', namespaced: false };
const accessReviews: Resource = { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews', kind: 'SubjectAccessReview', namespaced: false };
const deployments: Resource = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true };
const USER = 'system:serviceaccount:zonespread-system:zonespread-controller';

let desk: Desk;
let ecs: EcsModel;
/** What the API server says of itself. */
let server: { version: Record<string, string>; date: string };
/** What the controller's user may not do. */
let forbidden: string[];

/** All is well. */
beforeEach(() => {
  desk = new Desk({ more: [csiDrivers, accessReviews, deployments] });
  ecs = new EcsModel({ clock: desk.clock, random: new SeededRandom(1), region: 'cn-test', zones: ZONES.map((id) => ({ id, onSale: [{ category: 'cloud_essd' }] })) });
  desk.cloud = ecs;
  server = { version: { major: '1', minor: '36', gitVersion: 'v1.36.3' }, date: NOW };
  forbidden = [];
  desk.http.intercept = ({ path }) => Promise.resolve(path === '/version' ? { status: 200, headers: { date: new Date(server.date).toUTCString() }, body: bytes(server.version) } : undefined);
  const { api } = desk;
  api.put(leases, { metadata: { namespace: 'zonespread-system', name: 'zonespread', annotations: { 'zonespread.io/controller-user': USER } }, spec: { holderIdentity: 'controller-1', renewTime: '2026-11-20T09:59:55.000000Z', leaseDurationSeconds: 15 } });
  for (const resource of [mutatingWebhooks, validatingWebhooks]) api.put(resource, { metadata: { name: 'zonespread' }, webhooks: [{ name: 'x', clientConfig: { service: { namespace: 'zonespread-system', name: 'zonespread-webhook' } } }] });
  api.on('create', statefulSets, () => Promise.reject(refused('denied: StatefulSet annotation zonespread.io/max-skew is refused')));
  api.on('create', accessReviews, (call) => {
    const { resource, verb } = (call.body as { spec: { resourceAttributes: { resource: string; verb: string } } }).spec.resourceAttributes;
    return Promise.resolve({ status: { allowed: !forbidden.includes(`${verb} ${resource}`) } });
  });
  api.put(csiDrivers, { metadata: { name: DISK_DRIVER }, spec: { attachRequired: true } });
  for (const zone of ZONES) {
    api.put(nodes, node({ zone, labels: { 'topology.kubernetes.io/region': 'cn-test' } }));
    api.put(csiNodes, csiNode(`node-${zone}`));
  }
  api.put(storageClasses, storageClass());
  api.put(namespaces, { metadata: { name: NAMESPACE } });
  api.put(statefulSets, statefulSet({ annotations: { 'zonespread.io/zones': ZONES.join(',') } }));
  api.put(volumes, volume({ zone: 'cn-test-a' }));
  api.put(disruptionBudgets, disruptionBudget());
});

const ask = (flags = ''): Promise<Said> => desk.type(`doctor ${flags}`);

describe('a healthy cluster', () => {
  it('has nothing but good findings', async () => {
    expect(await ask()).toEqual({
      code: 0,
      error: '',
      out: screenful`
        Kubernetes
          ✓ Kubernetes v1.36.3
          ✓ the clocks of the API server and of this machine agree

        Installation
          ✓ the custom resources are installed
          ✓ a controller leads: controller-1
          ✓ the webhook's certificate is signed by an authority that the API server trusts anyway
          ✓ the webhook answers the API server

        Rights of the controller
          ✓ system:serviceaccount:zonespread-system:zonespread-controller has every right that moves take

        Disk driver and nodes
          ✓ CSIDriver diskplugin.csi.alibabacloud.com is installed
          ✓ nodes are in cn-test-a, cn-test-b
          ✓ the disk driver runs on every node

        StorageClasses
          ✓ new disks are made where their pods go (alicloud-disk-essd)

        Cloud
          ✓ the credentials of this machine may do all that moves take in cn-test
          ✓ cloud_essd.PL1 is on sale in cn-test-a, cn-test-b

        Sets
          ✓ the one set that declares zones can be moved, as far as policies and budgets go

        14 fine, no problem
      `,
    });
  });

  it('is not changed: nothing is stored, no disk and no snapshot is made or lost', async () => {
    const before = { disks: ecs.disks(), snapshots: ecs.snapshots() };
    await ask();
    expect(desk.api.writes.filter(({ resource }) => resource.kind !== 'SubjectAccessReview')).toEqual([]);
    expect(desk.api.calls.filter(({ verb, resource, options }) => verb === 'create' && resource.kind === 'StatefulSet' && options.dryRun !== true)).toEqual([]);
    expect({ disks: ecs.disks(), snapshots: ecs.snapshots() }).toEqual(before);
  });

  it('may do without the webhook where policies inside the API server do its work', async () => {
    for (const resource of [mutatingWebhooks, validatingWebhooks]) desk.api.remove(resource, { name: 'zonespread' });
    for (const name of ['zonespread-gate', 'zonespread-steer']) desk.api.put(mutatingPolicies, { metadata: { name } });
    const said = await ask();
    expect(said.out).toContain('✓ policies inside the API server gate pods and steer claims; there is no webhook\n');
    expect(said).toMatchObject({ code: 0, error: '' });
  });

  it('is a document for a program, and the cloud is left alone when that is asked for', async () => {
    desk.cloud = { call: () => Promise.reject(new Error('must not be asked')) };
    const { findings } = JSON.parse((await ask('--no-cloud -o json')).out) as { findings: { area: string; level: string }[] };
    expect(findings).toContainEqual({ area: 'Kubernetes', level: 'ok', message: 'Kubernetes v1.36.3' });
    expect(findings.map(({ area }) => area)).not.toContain('Cloud');
  });
});

/** What makes it ill, what is said, whether it is a problem (exit code 1), and its cure. */
const ILLNESSES: [string, () => unknown, { code: 0 | 1; says: string; fix: string }][] = [
  ['an old Kubernetes', () => (server.version = { major: '1', minor: '28+', gitVersion: 'v1.28.9' }), { code: 1, says: '✗ Kubernetes v1.28.9 is too old', fix: 'upgrade the cluster to 1.30 or newer' }],
  ['a clock that is off', () => (server.date = '2026-11-20T09:58:30.000Z'), { code: 0, says: "! this machine's clock is 1 min ahead of the API server's", fix: 'set it by NTP' }],
  ['custom resources that are missing', () => desk.api.groupVersions.set('zonespread.io/v1alpha1', ['spreadreports']), { code: 1, says: '✗ the API server does not serve ordinalmigrations.zonespread.io, zoneevacuations.zonespread.io', fix: 'kubectl apply --server-side -f charts/zonespread/crds/' }],
  ['no controller', () => desk.api.remove(leases, { namespace: 'zonespread-system', name: 'zonespread' }), { code: 1, says: '✗ no controller has ever led: there is no Lease zonespread-system/zonespread', fix: 'kubectl logs -n zonespread-system deploy/zonespread-controller' }],
  ['a controller that is gone', () => desk.api.change(leases, { namespace: 'zonespread-system', name: 'zonespread' }, (lease) => void (lease.spec.renewTime = '2026-11-20T09:50:00.000000Z')), { code: 1, says: '✗ no controller leads: controller-1 has not renewed the lease for 10 min', fix: 'kubectl get pods -n zonespread-system' }],
  ['a webhook that is not registered', () => desk.api.remove(mutatingWebhooks, { name: 'zonespread' }), { code: 1, says: '✗ the webhook is not registered: there is no MutatingWebhookConfiguration zonespread', fix: 'it registers itself (zonespread webhook)' }],
  ['a webhook that does not answer', () => desk.api.on('create', statefulSets, ({ body }) => Promise.resolve(body)), { code: 1, says: '✗ the API server gets no answer from the webhook', fix: 'that the API server reaches Service zonespread-system/zonespread-webhook' }],
  ['a caBundle that is none', () => desk.api.change(validatingWebhooks, { name: 'zonespread' }, (one) => void (one['webhooks'] = [{ name: 'x', clientConfig: { url: 'https://x', caBundle: 'bm9uZQ==' } }])), { code: 1, says: "✗ the webhook's caBundle is no certificate", fix: 'restart the webhook' }],
  ['rights that are missing', () => forbidden.push('patch persistentvolumes', 'create pods'), { code: 1, says: `✗ ${USER} lacks rights in the namespaces of all sets: create pods, create pods/eviction, patch persistentvolumes`, fix: 'helm upgrade' }],
  ['no disk driver', () => desk.api.remove(csiDrivers, { name: DISK_DRIVER }), { code: 1, says: `✗ there is no CSIDriver ${DISK_DRIVER}`, fix: 'install the disk CSI plugin' }],
  ['a driver without attachments', () => desk.api.change(csiDrivers, { name: DISK_DRIVER }, (one) => void (one['spec'] = { attachRequired: false })), { code: 1, says: `✗ CSIDriver ${DISK_DRIVER} has attachRequired: false`, fix: 'set it to true' }],
  ['a provisioner without zones', () => desk.api.put(deployments, { metadata: { namespace: 'kube-system', name: 'csi-provisioner' }, spec: { template: { spec: { containers: [{ name: 'p', args: ['--feature-gates=Topology=false'] }] } } } }), { code: 1, says: '✗ csi-provisioner runs with --feature-gates=Topology=false', fix: 'set --feature-gates=Topology=true' }],
  ['a node without the driver', () => desk.api.remove(csiNodes, { name: 'node-cn-test-b' }), { code: 0, says: '! the disk driver does not run on node-cn-test-b', fix: 'kubectl get pods -n kube-system -l app=csi-plugin' }],
  ['a driver that tells no zone', () => desk.api.change(csiNodes, { name: 'node-cn-test-b' }, (one) => void (one.spec.drivers[0]!.topologyKeys = ['kubernetes.io/hostname'])), { code: 1, says: '✗ the disk driver tells no zone on node-cn-test-b', fix: 'restart csi-plugin there' }],
  ['a node without a zone', () => desk.api.put(nodes, { ...node({ name: 'stray' }), metadata: { name: 'stray' } }), { code: 1, says: '✗ nodes without a zone: stray', fix: 'label them with topology.kubernetes.io/zone' }],
  ['nodes in one zone only', () => desk.api.remove(nodes, { name: 'node-cn-test-b' }), { code: 0, says: '! nodes are in one zone only (cn-test-a): there is nowhere to spread to', fix: 'add nodes in other zones' }],
  ['a class that binds at once', () => desk.api.put(storageClasses, storageClass({ name: 'hasty', volumeBindingMode: 'Immediate' })), { code: 0, says: '! StorageClass hasty has volumeBindingMode Immediate', fix: 'volumeBindingMode: WaitForFirstConsumer' }],
  ['a class that is bound to a zone', () => desk.api.put(storageClasses, storageClass({ parameters: { zoneId: 'cn-test-a' } })), { code: 0, says: `! StorageClass alicloud-disk-essd makes disks in cn-test-a only, and set ${NAMESPACE}/web declares cn-test-b, too: new ordinals are born in the wrong zone`, fix: 'nothing has to be done: they are moved once they run' }],
  ['a policy that is wrong', () => desk.api.change(statefulSets, { namespace: NAMESPACE, name: 'web' }, (set) => void (set.metadata.annotations!['zonespread.io/max-skew'] = '0')), { code: 1, says: `✗ set ${NAMESPACE}/web: StatefulSet annotation zonespread.io/max-skew: "0" is refused`, fix: 'until then nothing of it moves' }],
  ['a budget that never allows', () => desk.api.put(disruptionBudgets, disruptionBudget({ disruptionsAllowed: 0 })), { code: 0, says: `! PodDisruptionBudget ${NAMESPACE}/web never lets a pod of set ${NAMESPACE}/web go`, fix: 'maxUnavailable: 1' }],
  ['several budgets', () => desk.api.put(disruptionBudgets, disruptionBudget({ name: 'other' })), { code: 1, says: `✗ pods of set ${NAMESPACE}/web are under several PodDisruptionBudgets (other, web)`, fix: 'leave one of them' }],
  ['a zone that is sold out', () => ecs.sellOut('cn-test-b'), { code: 0, says: '! cloud_essd.PL1, which volumes of this cluster are, is not on sale in cn-test-b', fix: 'leave cn-test-b out of zonespread.io/zones' }],
  ['a RAM role that lacks actions', () => (['CreateDisk', 'DeleteSnapshot'] as const).map((action) => ecs.faults.add({ kind: 'error', action, code: 'Forbidden.RAM', status: 403, message: 'User not authorized to operate on the specified resource', times: 0 })), { code: 1, says: "✗ the RAM user or role of this machine's credentials lacks ecs:DeleteSnapshot, ecs:CreateDisk", fix: 'attach the RAM policy' }],
  ['credentials that nobody knows', () => ecs.faults.add({ kind: 'error', code: 'InvalidAccessKeyId.NotFound', status: 404, times: 0 }), { code: 1, says: '✗ the cloud does not accept the credentials of this machine', fix: 'ALIBABA_CLOUD_ACCESS_KEY_ID' }],
  ['a cloud that throttles', () => ecs.faults.add({ kind: 'throttled', action: 'TagResources', times: 0 }), { code: 0, says: '? whether ecs:TagResources is allowed is not clear', fix: 'try again in a minute' }],
  ['a cloud that is out of reach', () => (desk.cloud = { call: () => Promise.reject(new Error('connect ECONNREFUSED')) }), { code: 0, says: '? the ECS API of cn-test does not answer: connect ECONNREFUSED', fix: '--ecs-endpoint' }],
];

describe('an ill one', () => {
  it.each(ILLNESSES)('with %s is told, and what to do', async (_what, fallIll, { code, says, fix }) => {
    fallIll();
    const said = await ask();
    expect(said.out).toContain(`  ${says}`);
    const [, after = ''] = said.out.split(says);
    expect(after.split('→ ', 2)[1]?.split('\n')[0]).toContain(fix);
    expect(said).toMatchObject({ code, error: '' });
  });

  it('of which one thing may not be seen is looked at all the same', async () => {
    desk.api.on('get', leases, () => Promise.reject(refused('leases.coordination.k8s.io "zonespread" is forbidden: User "jane" cannot get resource "leases"')));
    const said = await ask('-n nowhere');
    expect(said.out).toMatch(/Installation\n {2}✓ the custom resources are installed\n {2}\? it could not be looked at: .* cannot get resource "leases"[\s\S]*\n {2}✓ the webhook answers the API server\n/);
  });

  it('of which parts may not be read says so, and looks at the rest', async () => {
    desk.api.on('list', storageClasses, () => Promise.reject(refused('storageclasses is forbidden: User "jane" cannot list resource "storageclasses"')));
    for (const zone of ZONES) desk.api.put(nodes, node({ zone }));
    const said = await ask();
    expect(said.code).toBe(0);
    expect(said.out).toMatch(/StorageClasses\n {2}\? it could not be looked at: .* cannot list resource "storageclasses"/);
    expect(said.out).toContain('? the cloud was not asked: no node says in which region it is (topology.kubernetes.io/region)');
  });
});

function refused(message: string): ApiError {
  return new ApiError(message, { status: 403, reason: 'Forbidden', body: { kind: 'Status', code: 403, reason: 'Forbidden', message } });
}

function bytes(value: object): AsyncIterable<Uint8Array> {
  return (async function* body() {
    yield Buffer.from(JSON.stringify(value));
  })();
}
