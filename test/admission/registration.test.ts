// What the API server is told to ask us, and how rarely we write it.

import { describe, expect, test } from 'vitest';
import { mutatingConfiguration, register, validatingConfiguration, type Configuration, type Registration } from '../../src/admission/registration.ts';
import { mutatingWebhooks, validatingWebhooks } from '../../src/kubernetes/objects.ts';
import { FakeApi } from '../fakes/api.ts';
import { evaluate } from '../../src/simulation/apiserver/cel/evaluator.ts';
import { parseCel } from '../../src/simulation/apiserver/cel/parser.ts';
import { claim, DAEMON, migration, statefulSet, volume } from './builders.ts';

const REGISTRATION: Registration = {
  target: { service: { name: 'zonespread-webhook', namespace: 'zonespread-system' } },
  bundle: 'PEM',
  ownNamespace: 'zonespread-system',
  namespaces: [],
  controller: { username: DAEMON, dedicated: true },
};

type Entry = Configuration['webhooks'][number];

const entries = (registration: Registration = REGISTRATION): Entry[] => [...mutatingConfiguration(registration).webhooks, ...validatingConfiguration(registration).webhooks];
const named = (name: string, registration: Registration = REGISTRATION): Entry => {
  const found = entries(registration).find((entry) => entry.name === `${name}.zonespread.io`);
  if (found === undefined) throw new Error(`there is no entry ${name}`);
  return found;
};
const text = (value: unknown): string => JSON.stringify(value);
const IN_FLIGHT = { 'zonespread.io/in-flight': 'true' };
const inFlightNamespace = (labels: Record<string, string>): object => ({ metadata: { name: 'shop', labels: { ...IN_FLIGHT, ...labels } } });

describe('every entry', () => {
  test.each(entries().map((entry) => [entry.name, entry] as const))('%s answers in two seconds, without side effects, for equivalent versions too', (_name, entry) => {
    expect(entry).toMatchObject({ timeoutSeconds: 2, sideEffects: 'None', matchPolicy: 'Equivalent', admissionReviewVersions: ['v1'] });
  });

  test.each(entries().filter(({ name }) => !name.startsWith('volumes')).map((entry) => [entry.name, entry] as const))('%s leaves kube-system and our own namespace alone', (_name, entry) => {
    expect(entry.namespaceSelector).toMatchObject({ matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'zonespread-system'] }] });
  });

  test('asks about no more than interface.md says', () => {
    const asked = entries().flatMap(({ name, rules }) => rules.flatMap((rule) => rule.resources.map((resource) => `${name.split('.')[0]}: ${rule.operations.join('+')} ${rule.apiGroups[0]}/${resource}`)));
    expect(asked).toEqual([
      'gate: CREATE /pods',
      'steer: CREATE /persistentvolumeclaims',
      'sets: UPDATE+DELETE apps/statefulsets',
      'sets: UPDATE+DELETE apps.kruise.io/statefulsets',
      'scale: UPDATE apps/statefulsets/scale',
      'scale: UPDATE apps.kruise.io/statefulsets/scale',
      'claims: UPDATE+DELETE /persistentvolumeclaims',
      'volumes: UPDATE+DELETE /persistentvolumes',
      'migrations: UPDATE+DELETE zonespread.io/ordinalmigrations',
      'migrations: UPDATE+DELETE zonespread.io/ordinalmigrations/status',
      'namespaces: UPDATE /namespaces',
      'records: CREATE+DELETE zonespread.io/ordinalmigrations',
      'records: CREATE zonespread.io/zoneevacuations',
      'records: UPDATE zonespread.io/ordinalmigrations/status',
      'records: UPDATE zonespread.io/spreadreports/status',
      'records: UPDATE zonespread.io/zoneevacuations/status',
      'policy: CREATE+UPDATE apps/statefulsets',
      'policy: CREATE+UPDATE apps.kruise.io/statefulsets',
      'policy: CREATE+UPDATE /namespaces',
    ]);
  });
});

describe('creates', () => {
  test.each(['gate', 'steer'])('%s: only in namespaces with something in flight, never in the way when we are down, asked again after other webhooks', (name) => {
    expect(named(name)).toMatchObject({ failurePolicy: 'Ignore', reinvocationPolicy: 'IfNeeded', namespaceSelector: { matchLabels: IN_FLIGHT }, clientConfig: { service: { path: '/mutate' } } });
    // Probes are made by our daemon, and claims by Kubernetes' controllers: nobody is kept out.
    expect(named(name).matchConditions).toEqual([]);
  });
});

describe('updates and deletes of what is in flight', () => {
  test.each(['sets', 'scale', 'claims', 'migrations'])('%s: fail closed, only in namespaces with something in flight', (name) => {
    expect(named(name)).toMatchObject({ failurePolicy: 'Fail', namespaceSelector: { matchLabels: IN_FLIGHT }, objectSelector: {}, clientConfig: { service: { path: '/validate' } } });
  });

  test('volumes: fail closed, only with our label, for no namespaceSelector filters them', () => {
    expect(named('volumes')).toMatchObject({ failurePolicy: 'Fail', namespaceSelector: {}, objectSelector: { matchExpressions: [{ key: 'zonespread.io/migration', operator: 'Exists' }] }, rules: [{ scope: 'Cluster' }] });
  });

  test.each(['sets', 'claims', 'volumes', 'migrations'])('%s: Kubernetes and our daemon are kept out before any call', (name) => {
    const conditions = text(named(name).matchConditions);
    for (const user of ['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver', 'system:serviceaccount:kube-system:persistent-volume-binder', 'system:nodes', DAEMON]) expect(conditions).toContain(user);
    // Whoever else runs in kube-system is known by what it does.
    expect(conditions).not.toContain('startsWith');
  });

  test('scale: an autoscaler of Kubernetes is asked about, our daemon is not', () => {
    expect(named('scale').matchConditions).toEqual([{ name: 'not-ourselves', expression: `request.userInfo.?username.orValue('') != "${DAEMON}"` }]);
  });

  test('a name that the daemon shares with people lets nobody past, and its status writes do not depend on us', () => {
    const shared: Registration = { ...REGISTRATION, controller: { username: 'kubernetes-admin', dedicated: false } };
    expect(text(entries(shared))).not.toContain('kubernetes-admin');
    expect(named('migrations', shared).rules[0]!.resources).toEqual(['ordinalmigrations']);
    expect(text(entries({ ...REGISTRATION, controller: undefined }))).not.toContain('not-ourselves');
  });

  test('a name cannot break out of its condition', () => {
    const odd: Registration = { ...REGISTRATION, controller: { username: 'a" || true || "\\', dedicated: true } };
    expect(named('claims', odd).matchConditions.find(({ name }) => name === 'not-ourselves')?.expression).toBe(String.raw`request.userInfo.?username.orValue('') != "a\" || true || \"\\"`);
  });
});

describe('only what holds a move together is asked about:', () => {
  const asks = (entry: string, before: object, after: object | null): boolean =>
    named(entry).matchConditions.every(({ expression }) => evaluate(parseCel(expression), { request: { operation: after === null ? 'DELETE' : 'UPDATE', userInfo: { username: 'jane' } }, oldObject: before, object: after }) === true);

  test.each<[string, string, object, boolean]>([
    ['an attacher puts its finalizer on a volume', 'volumes', volume({ metadata: { finalizers: ['kubernetes.io/pv-protection', 'external-attacher/x'] } }), false],
    ['somebody annotates a volume', 'volumes', volume({ metadata: { annotations: { ...volume().metadata.annotations, note: 'x' } } }), false],
    ['somebody sets a volume to Delete', 'volumes', volume({ spec: { persistentVolumeReclaimPolicy: 'Delete' } }), true],
    ['somebody takes our label off a volume', 'volumes', volume({ metadata: { labels: {} } }), true],
    ['somebody has a volume bound anew', 'volumes', volume({ metadata: { annotations: {} } }), true],
  ])('%s', (_what, entry, after, expected) => {
    expect(asks(entry, volume(), after)).toBe(expected);
    expect(asks(entry, volume(), null)).toBe(true);
  });

  test.each<[string, string, [object, object], boolean]>([
    ['a claim gets an owner', 'claims', [claim(), claim({ metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u' }] } })], false],
    ['a claim grows', 'claims', [claim(), claim({ spec: { resources: { requests: { storage: '40Gi' } } } })], true],
    ['a set is annotated', 'sets', [statefulSet(), statefulSet({ metadata: { annotations: { a: 'b' } } })], false],
    ['a set is scaled', 'sets', [statefulSet(), statefulSet({ spec: { replicas: 1 } })], true],
    ['a namespace in flight is labelled', 'namespaces', [inFlightNamespace({}), inFlightNamespace({ team: 'a' })], false],
    ['a namespace in flight loses its label', 'namespaces', [inFlightNamespace({}), { metadata: { name: 'shop' } }], true],
    ['the status of a report is written', 'records', [{ metadata: { name: 'web' } }, { metadata: { name: 'web' }, status: {} }], true],
    ['the status of a record in flight is written, which another entry asks about', 'records', [migration(), migration()], false],
  ])('%s', (_what, entry, [before, after], expected) => {
    expect(asks(entry, before, after)).toBe(expected);
  });
});

describe('policy', () => {
  test('is asked about everywhere, never in the way when we are down, and only for our annotations', () => {
    const policy = named('policy');
    expect(policy).toMatchObject({ failurePolicy: 'Ignore' });
    expect(policy.namespaceSelector).not.toHaveProperty('matchLabels');
    expect(policy.matchConditions.map(({ name }) => name)).toEqual(['has-our-annotations', 'changes-annotations']);
  });
});

describe('we are called', () => {
  test('by Service', () => {
    expect(named('gate').clientConfig).toEqual({ service: { name: 'zonespread-webhook', namespace: 'zonespread-system', port: 443, path: '/mutate' }, caBundle: Buffer.from('PEM').toString('base64') });
  });

  test.each(['https://127.0.0.1:9443', 'https://127.0.0.1:9443/'])('by URL %s', (url) => {
    expect(named('claims', { ...REGISTRATION, target: { url } }).clientConfig).toEqual({ url: 'https://127.0.0.1:9443/validate', caBundle: Buffer.from('PEM').toString('base64') });
  });

  test('without a bundle where the certificate is trusted anyway', () => {
    expect(named('gate', { ...REGISTRATION, bundle: '' }).clientConfig).not.toHaveProperty('caBundle');
  });

  test('only for some namespaces when told so', () => {
    expect(named('gate', { ...REGISTRATION, namespaces: ['shop', 'bank'] }).namespaceSelector).toMatchObject({
      matchLabels: IN_FLIGHT,
      matchExpressions: [{ operator: 'NotIn' }, { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['shop', 'bank'] }],
    });
  });
});

describe('registering', () => {
  test('creates both configurations, then writes no more', async () => {
    const api = new FakeApi();
    expect(await register(api, REGISTRATION)).toEqual(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']);
    api.forgetCalls();
    expect(await register(api, REGISTRATION)).toEqual([]);
    expect(api.writes).toEqual([]);
  });

  test('takes what the API server fills in for no difference', async () => {
    const api = new FakeApi();
    await register(api, REGISTRATION);
    api.change(validatingWebhooks, { name: 'zonespread' }, (object) => {
      for (const entry of object.webhooks as Record<string, unknown>[]) {
        if (Array.isArray(entry.matchConditions) && entry.matchConditions.length === 0) delete entry.matchConditions;
        entry.aFieldOfTomorrow = 'default';
      }
    });
    expect(await register(api, REGISTRATION)).toEqual([]);
  });

  test.each([
    ['a bundle that somebody reset', (entry: Record<string, unknown>) => Object.assign(entry, { clientConfig: { ...(entry.clientConfig as object), caBundle: 'b3RoZXI=' } })],
    ['a failure policy that somebody changed', (entry: Record<string, unknown>) => Object.assign(entry, { failurePolicy: 'Ignore' })],
    ['a selector that somebody narrowed', (entry: Record<string, unknown>) => Object.assign(entry, { objectSelector: { matchLabels: { only: 'these' } } })],
  ])('puts %s right, in one of the two', async (_what, spoil) => {
    const api = new FakeApi();
    await register(api, REGISTRATION);
    api.change(validatingWebhooks, { name: 'zonespread' }, (object) => (object.webhooks as Record<string, unknown>[]).forEach(spoil));
    expect(await register(api, REGISTRATION)).toEqual(['ValidatingWebhookConfiguration']);
    expect(await register(api, REGISTRATION)).toEqual([]);
  });

  test('takes an entry out that is no longer ours', async () => {
    const api = new FakeApi();
    await register(api, REGISTRATION);
    api.change(mutatingWebhooks, { name: 'zonespread' }, (object) => void (object.webhooks as object[]).push({ name: 'extra.zonespread.io' }));
    expect(await register(api, REGISTRATION)).toEqual(['MutatingWebhookConfiguration']);
    expect(api.read(mutatingWebhooks, { name: 'zonespread' })!.webhooks).toHaveLength(2);
  });

  test('follows a new bundle and a new name of the daemon', async () => {
    const api = new FakeApi();
    await register(api, { ...REGISTRATION, controller: undefined });
    expect(await register(api, REGISTRATION)).toEqual(['ValidatingWebhookConfiguration']);
    expect(await register(api, { ...REGISTRATION, bundle: 'NEXT' })).toHaveLength(2);
  });

  test('gives both to their owner, another one when it was made anew, and leaves an owner that somebody else has named', async () => {
    const api = new FakeApi();
    const owner = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'zonespread-webhook', uid: 'one' };
    await register(api, REGISTRATION);
    expect(await register(api, { ...REGISTRATION, owner })).toHaveLength(2);
    expect(await register(api, { ...REGISTRATION, owner: { ...owner, uid: 'two' } })).toHaveLength(2);
    expect(await register(api, REGISTRATION)).toEqual([]);
    for (const resource of [mutatingWebhooks, validatingWebhooks]) expect(api.read(resource, { name: 'zonespread' })!.metadata.ownerReferences).toEqual([{ ...owner, uid: 'two' }]);
  });

  test('by several replicas at once ends well', async () => {
    const api = new FakeApi();
    await Promise.all([register(api, REGISTRATION), register(api, REGISTRATION), register(api, REGISTRATION)]);
    expect(await register(api, REGISTRATION)).toEqual([]);
  });
});
