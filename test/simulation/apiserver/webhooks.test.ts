// Admission webhooks on the simulated API server: who is asked, in which order, and what happens when one does not answer. At the end the
// product's own registration and rules answer.

import { describe, expect, it } from 'vitest';
import { judge, MUTATING, VALIDATING } from '../../../src/admission/judge.ts';
import { register, validatingConfiguration, type Registration } from '../../../src/admission/registration.ts';
import { answerOf, reviewOf } from '../../../src/admission/review.ts';
import { createApi } from '../../../src/kubernetes/client.ts';
import { claims, mutatingWebhooks, namespaces, pods, statefulSets, validatingWebhooks, volumes, type KubernetesObject } from '../../../src/kubernetes/objects.ts';
import { ADMIN, type CallWebhook, type Client, type JsonPatchOperation, type UserInfo } from '../../../src/simulation/apiserver/contract.ts';
import { DAEMON, migration, world } from '../../admission/builders.ts';
import type { Json } from './asker.ts';
import { claimOf, podOf, setOf, volumeOf } from './cases.ts';
import { simulated, withNamespace, withOurKinds, type Simulated } from './simulated.ts';

interface Hook {
  name: string;
  [field: string]: unknown;
}

/** Of pods that are made, unless told otherwise. */
function configuration(name: string, ...hooks: Hook[]): KubernetesObject {
  const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }];
  const standing = { clientConfig: { url: 'https://hook.test' }, rules, sideEffects: 'None', admissionReviewVersions: ['v1'] };
  const webhooks = hooks.map((hook) => Object.assign({}, standing, hook, { name: `${hook.name}.example.com` }));
  return { metadata: { name }, webhooks };
}

type Verdict = { patch?: JsonPatchOperation[]; deny?: Json } | 'unreachable' | 'silent' | 'nonsense';

interface Scene extends Simulated {
  admin: Client;
  asked: string[];
  reviews: Json[];
}

async function aShop(verdicts: Record<string, Verdict | ((object: Json) => Verdict)> = {}, options: Parameters<typeof simulated>[0] = {}): Promise<Scene> {
  const asked: string[] = [];
  const reviews: Json[] = [];
  const callWebhook: CallWebhook = async ({ webhook, review, signal }) => {
    const name = webhook.split('.')[0]!;
    asked.push(name);
    reviews.push(review.request);
    const given = verdicts[name] ?? {};
    const verdict = typeof given === 'function' ? given((review.request as Json).object) : given;
    if (verdict === 'unreachable') throw new Error('connect ECONNREFUSED');
    if (verdict === 'nonsense') return { hello: 'world' };
    if (verdict === 'silent') return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('given up')), { once: true }));
    const patch = verdict.patch === undefined ? {} : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(verdict.patch)).toString('base64') };
    const response = { uid: (review.request as Json).uid, allowed: verdict.deny === undefined, ...(verdict.deny === undefined ? patch : { status: verdict.deny }) };
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
  };
  const scene = simulated({ callWebhook, ...options });
  await withNamespace(scene.server, 'shop');
  return { ...scene, admin: scene.server.client(ADMIN), asked, reviews };
}

function inShop<T extends { metadata: object }>(object: T): T {
  return { ...object, metadata: { ...object.metadata, namespace: 'shop' } };
}

const label = (key: string): JsonPatchOperation[] => [{ op: 'add', path: `/metadata/labels/${key}`, value: 'yes' }];

describe('mutating webhooks', () => {
  it('are asked one after the other, by the name of their configuration, each seeing what the one before made of it', async () => {
    const { admin, asked, reviews } = await aShop({ first: { patch: label('first') }, second: { patch: label('second') } });
    await admin.create(mutatingWebhooks, configuration('b', { name: 'second' }));
    await admin.create(mutatingWebhooks, configuration('a', { name: 'first' }));
    const pod = await admin.create(pods, inShop(podOf('p')));
    expect([asked, pod.metadata.labels]).toEqual([['first', 'second'], { app: 'web', first: 'yes', second: 'yes' }]);
    expect(reviews[1].object.metadata.labels).toEqual({ app: 'web', first: 'yes' });
  });

  it('are asked once more when a later one changed the object and they want it', async () => {
    const { admin, asked } = await aShop({ early: (object) => (object.metadata.labels.late === undefined ? {} : { patch: label('seen') }), late: { patch: label('late') } });
    await admin.create(mutatingWebhooks, configuration('a', { name: 'early', reinvocationPolicy: 'IfNeeded' }, { name: 'stubborn' }, { name: 'late' }));
    expect((await admin.create(pods, inShop(podOf('p')))).metadata.labels).toEqual({ app: 'web', late: 'yes', seen: 'yes' });
    expect(asked).toEqual(['early', 'stubborn', 'late', 'early']);
  });

  it('see an object with its defaults, and without a name that is still to be generated', async () => {
    const { admin, reviews } = await aShop();
    await admin.create(mutatingWebhooks, configuration('a', { name: 'any' }));
    await admin.create(pods, inShop(podOf('', { metadata: { name: '', generateName: 'p-' } })));
    expect(reviews[0]).toMatchObject({ operation: 'CREATE', namespace: 'shop', kind: { kind: 'Pod' }, resource: { resource: 'pods' }, userInfo: { username: 'admin' }, oldObject: null, dryRun: false, object: { spec: { restartPolicy: 'Always' } } });
    expect(reviews[0]).not.toHaveProperty('name');
    expect(reviews[0]).not.toHaveProperty('subResource');
  });

  it('that do not answer are passed over under Ignore, and stop the write under Fail', async () => {
    for (const trouble of ['unreachable', 'nonsense'] as const) {
      const { admin } = await aShop({ any: trouble });
      await admin.create(mutatingWebhooks, configuration('a', { name: 'any', failurePolicy: 'Ignore' }));
      await admin.create(pods, inShop(podOf('p')));
      await admin.create(mutatingWebhooks, configuration('b', { name: 'any', failurePolicy: 'Fail' }));
      await expect(admin.create(pods, inShop(podOf('q')))).rejects.toMatchObject({ code: 500, reason: 'InternalError', message: expect.stringContaining('failed calling webhook "any.example.com"') });
    }
  });

  it('that are silent count as failed after their time-out', async () => {
    const { admin, clock } = await aShop({ any: 'silent' });
    await admin.create(mutatingWebhooks, configuration('a', { name: 'any', timeoutSeconds: 2 }));
    const begun = clock.monotonic();
    expect(await clock.settle(admin.create(pods, inShop(podOf('p'))).catch((error: Error) => error.message))).toContain('context deadline exceeded');
    expect([clock.monotonic() - begun, clock.sleeping]).toEqual([2_000, 0]);
  });

  it('may deny, in their own words', async () => {
    const { admin } = await aShop({ any: { deny: { code: 403, reason: 'Forbidden', message: 'not today' } } });
    await admin.create(mutatingWebhooks, configuration('a', { name: 'any' }));
    await expect(admin.create(pods, inShop(podOf('p')))).rejects.toMatchObject({ code: 403, reason: 'Forbidden', message: 'admission webhook "any.example.com" denied the request: not today' });
  });

  it('come before validation, and validating ones after it', async () => {
    const { admin, asked } = await aShop({ breaks: { patch: [{ op: 'remove', path: '/spec/containers' }] } });
    await admin.create(mutatingWebhooks, configuration('a', { name: 'breaks' }));
    await admin.create(validatingWebhooks, configuration('a', { name: 'validates' }));
    await expect(admin.create(pods, inShop(podOf('p')))).rejects.toMatchObject({ code: 422 });
    expect(asked).toEqual(['breaks']);
  });
});

describe('validating webhooks', () => {
  it('see creates with their generated name, updates with both states, deletes with the old one', async () => {
    const { admin, reviews } = await aShop();
    const rules = [{ operations: ['*'], apiGroups: [''], apiVersions: ['*'], resources: ['pods', 'pods/status'] }];
    await admin.create(validatingWebhooks, configuration('a', { name: 'any', rules }));
    const { metadata } = await admin.create(pods, inShop(podOf('', { metadata: { name: '', generateName: 'p-' } })));
    await admin.mergePatch(pods, { namespace: 'shop', name: metadata.name }, { metadata: { labels: { x: 'y' } } });
    await admin.mergePatch(pods, { namespace: 'shop', name: metadata.name }, { status: { phase: 'Running' } }, { subresource: 'status' });
    await admin.delete(pods, { namespace: 'shop', name: metadata.name }, { preconditions: { uid: metadata.uid as string } });
    const { name } = metadata;
    expect(reviews).toMatchObject([
      { operation: 'CREATE', name, object: { metadata: { uid: metadata.uid } }, oldObject: null },
      { operation: 'UPDATE', name, object: { metadata: { labels: { x: 'y' } } }, oldObject: { metadata: { labels: { app: 'web' } } } },
      { operation: 'UPDATE', name, subResource: 'status', object: { status: { phase: 'Running' } } },
      { operation: 'DELETE', name, object: null, oldObject: { metadata: { name } }, options: { preconditions: { uid: metadata.uid } } },
    ]);
  });

  it('are all asked, and one denial is enough; nothing is stored', async () => {
    const { admin, asked, server } = await aShop({ no: { deny: { message: 'no' } } });
    await admin.create(validatingWebhooks, configuration('a', { name: 'yes' }, { name: 'no' }, { name: 'too' }));
    await expect(admin.create(pods, inShop(podOf('p')))).rejects.toMatchObject({ code: 400 });
    expect([asked, server.read(pods, { namespace: 'shop', name: 'p' })]).toEqual([['yes', 'no', 'too'], undefined]);
  });

  it('are asked about a Scale at the scale subresource, and about dry runs too', async () => {
    const { admin, reviews } = await aShop();
    const rules = [{ operations: ['UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['statefulsets/scale'] }];
    await admin.create(validatingWebhooks, configuration('a', { name: 'any', rules }));
    await admin.create(statefulSets, inShop(setOf('web')));
    await admin.mergePatch(statefulSets, { namespace: 'shop', name: 'web' }, { spec: { replicas: 3 } }, { subresource: 'scale', dryRun: true });
    expect(reviews).toMatchObject([{ kind: { group: 'autoscaling', kind: 'Scale' }, resource: { group: 'apps', resource: 'statefulsets' }, subResource: 'scale', dryRun: true, object: { spec: { replicas: 3 } }, oldObject: { spec: { replicas: 0 } } }]);
  });

  it('let a change that came between judgement and commit be judged anew', async () => {
    const { admin, server, reviews } = await aShop();
    const rules = [{ operations: ['UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['persistentvolumes'] }];
    await admin.create(validatingWebhooks, configuration('a', { name: 'any', rules }));
    await admin.create(volumes, volumeOf('pv'));
    const interfere = (): Promise<unknown> => admin.updateStatus(volumes, { ...server.read(volumes, { name: 'pv' })!, status: { phase: 'Available' } });
    const [patched] = await Promise.all([admin.mergePatch(volumes, { name: 'pv' }, { spec: { persistentVolumeReclaimPolicy: 'Delete' } }), interfere()]);
    expect([patched.status?.phase, patched.spec.persistentVolumeReclaimPolicy]).toEqual(['Available', 'Delete']);
    expect(reviews.map((review) => review.oldObject.status.phase)).toEqual(['Pending', 'Available']);
  });
});

describe('who is asked', () => {
  const asks = async (hook: object, act: (admin: Client) => Promise<unknown>): Promise<boolean> => {
    const { admin, asked } = await aShop();
    await admin.mergePatch(namespaces, { name: 'shop' }, { metadata: { labels: { tier: 'gold' } } });
    await admin.create(validatingWebhooks, configuration('a', { name: 'any', ...hook }));
    await act(admin);
    return asked.length > 0;
  };
  const create = (admin: Client): Promise<unknown> => admin.create(pods, inShop(podOf('p')));

  it('depends on the labels of the namespace and of the object', async () => {
    expect(await asks({ namespaceSelector: { matchLabels: { tier: 'gold' } } }, create)).toBe(true);
    expect(await asks({ namespaceSelector: { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] } }, create)).toBe(false);
    expect(await asks({ objectSelector: { matchLabels: { app: 'web' } } }, create)).toBe(true);
    expect(await asks({ objectSelector: { matchLabels: { app: 'db' } } }, create)).toBe(false);
  });

  it('depends on conditions; an error counts only when none is false, and stops a write under Fail only', async () => {
    const conditions = (...expressions: string[]): object => ({ matchConditions: expressions.map((expression, index) => ({ name: `c${index}`, expression })) });
    expect(await asks(conditions("request.operation == 'CREATE'", "object.metadata.name.startsWith('p')"), create)).toBe(true);
    expect(await asks(conditions("object.metadata.name == 'q'"), create)).toBe(false);
    expect(await asks({ ...conditions('object.spec.nonsense == 1', 'false') }, create)).toBe(false);
    expect(await asks({ ...conditions('object.spec.nonsense == 1'), failurePolicy: 'Ignore' }, create)).toBe(false);
    await expect(asks(conditions('object.spec.nonsense == 1'), create)).rejects.toMatchObject({ code: 403, message: expect.stringContaining('no such key: nonsense') });
  });

  it('goes by what the server itself has seen of namespaces and configurations, which may be late', async () => {
    const { admin, asked, clock } = await aShop({}, { informerLagMs: () => 500 });
    await admin.create(validatingWebhooks, configuration('a', { name: 'any', namespaceSelector: { matchLabels: { 'in-flight': 'true' } } }));
    await clock.advance(1_000);
    await admin.mergePatch(namespaces, { name: 'shop' }, { metadata: { labels: { 'in-flight': 'true' } } });
    await create(admin);
    expect(asked).toEqual([]);
    await clock.advance(500);
    await admin.create(pods, inShop(podOf('q')));
    expect(asked).toEqual(['any']);
  });
});

describe("the product's own webhook", () => {
  const REGISTRATION: Registration = { target: { url: 'https://zonespread.test' }, bundle: '', ownNamespace: 'zonespread-system', namespaces: [], controller: { username: DAEMON, dedicated: true } };
  const daemon: UserInfo = { username: DAEMON, groups: ['system:serviceaccounts'] };
  const controllerManager: UserInfo = { username: 'system:kube-controller-manager', groups: [] };

  /** Its real rules, asked in process; shop/web-2 moves. */
  const ours: CallWebhook = async ({ clientConfig, review }) => {
    const read = reviewOf(structuredClone(review));
    const rules = clientConfig.url?.endsWith('/mutate') === true ? MUTATING : VALIDATING;
    return JSON.parse(JSON.stringify(answerOf(read.uid, judge(rules, read, world({ records: [migration()] })).decision))) as Record<string, unknown>;
  };

  async function inFlight(): Promise<Simulated & { as: (user: UserInfo) => Client }> {
    const scene = simulated({ callWebhook: ours });
    await withOurKinds(scene.server);
    await withNamespace(scene.server, 'shop', { 'zonespread.io/in-flight': 'true' });
    await register(createApi({ http: scene.server.http(daemon) }), REGISTRATION);
    return { ...scene, as: (user) => scene.server.client(user) };
  }

  it('registers once, and finds what it wrote as it wants it', async () => {
    const { server } = simulated();
    const api = createApi({ http: server.http(ADMIN) });
    expect(await register(api, REGISTRATION)).toEqual(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']);
    expect(await register(api, REGISTRATION)).toEqual([]);
    expect(server.read(validatingWebhooks, { name: 'zonespread' })?.webhooks).toHaveLength(validatingConfiguration(REGISTRATION).webhooks.length);
  });

  it("gates the moving ordinal's pod and steers its claim, whoever creates them", async () => {
    const { as } = await inFlight();
    const owner = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'uid-set', controller: true }];
    const pod = await as(controllerManager).create(pods, inShop(podOf('web-2', { metadata: { ownerReferences: owner } })));
    expect(pod.spec.schedulingGates).toEqual([{ name: 'zonespread.io/migrating' }]);
    expect(pod.status?.conditions?.[0]?.reason).toBe('SchedulingGated');
    const claim = await as(controllerManager).create(claims, inShop(claimOf('data-web-2', { spec: { storageClassName: 'essd' } })));
    // Its target is not there yet at this step.
    expect(claim.spec.volumeName).toBe('d-old');
    expect((await as(ADMIN).create(pods, inShop(podOf('web-1', { metadata: { ownerReferences: owner } })))).spec.schedulingGates).toBeUndefined();
  });

  it("keeps strangers' hands off the claim that is under way, and lets Kubernetes and the daemon work", async () => {
    const { as } = await inFlight();
    const labels = { 'zonespread.io/migration': 'uid-migration', 'zonespread.io/role': 'source' };
    await as(ADMIN).create(claims, inShop(claimOf('data-web-2', { metadata: { labels }, spec: { storageClassName: 'essd' } })));
    const claim = { namespace: 'shop', name: 'data-web-2' };
    await expect(as({ username: 'jane', groups: [] }).delete(claims, claim)).rejects.toMatchObject({ message: expect.stringContaining('admission webhook "claims.zonespread.io" denied the request') });
    await as(controllerManager).mergePatch(claims, claim, { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } });
    expect(await as(daemon).delete(claims, claim)).toBe('deleting');
  });
});
