// What the API server is told to ask us, as narrow as it can be: the two webhook configurations, and writing them only when they differ.
//
//   creates of pods and claims, in namespaces with something in flight          /mutate    Ignore: nothing may ever stop a pod or a claim
//   updates and deletes of what is in flight                                     /validate  Fail:   what cannot be judged is not touched
//   the in-flight label of a namespace, records that people write, status        /validate  Ignore: while we are down nothing rests on it
//   policy annotations of sets and namespaces, everywhere                        /validate  Ignore: the daemon checks them again

import { isDeepStrictEqual } from 'node:util';
import type { Api } from '../kubernetes/api.ts';
import { FINALIZER, IN_FLIGHT_LABEL, MIGRATION_LABEL, ROLE_LABEL } from '../kubernetes/names.ts';
import { mutatingWebhooks, validatingWebhooks, type KubernetesObject, type OwnerReference, type Resource } from '../kubernetes/objects.ts';
import { isAlreadyExists, isConflict } from '../kubernetes/refusals.ts';
import { KUBELETS_GROUP, KUBERNETES_USERS, type ControllerIdentity } from './actors.ts';

export const CONFIGURATION_NAME = 'zonespread';

/** Longer than any review of ours takes by three orders of magnitude, and short enough that a dead webhook does not stall writes. */
const TIMEOUT_SECONDS = 2;

export type WebhookTarget = { service: { name: string; namespace: string; port?: number } } | { url: string };

export interface Registration {
  target: WebhookTarget;
  /** PEM; empty where the certificate's signer is trusted anyway. */
  bundle: string;
  /** Never asked about: a webhook that guards its own namespace cannot start when it is down. */
  ownNamespace: string;
  /** `--namespaces`; empty: all. */
  namespaces: readonly string[];
  controller: ControllerIdentity | undefined;
  /** With which the configurations go; without it they stay until somebody deletes them. */
  owner?: OwnerReference | undefined;
}

interface Rule {
  operations: string[];
  apiGroups: string[];
  apiVersions: string[];
  resources: string[];
  scope: 'Namespaced' | 'Cluster';
}

/** Every field that the API server would fill in is there, so that what is stored can be compared with what is wanted. */
interface Webhook {
  name: string;
  clientConfig: object;
  rules: Rule[];
  failurePolicy: 'Fail' | 'Ignore';
  matchPolicy: 'Equivalent';
  namespaceSelector: object;
  objectSelector: object;
  matchConditions: { name: string; expression: string }[];
  sideEffects: 'None';
  timeoutSeconds: number;
  admissionReviewVersions: string[];
  reinvocationPolicy?: 'IfNeeded';
}

export interface Configuration extends KubernetesObject {
  webhooks: Webhook[];
}

function rulesOfSets(operations: string[], resource: string): Rule[] {
  return [
    { operations, apiGroups: ['apps'], apiVersions: ['v1'], resources: [resource], scope: 'Namespaced' },
    { operations, apiGroups: ['apps.kruise.io'], apiVersions: ['v1beta1'], resources: [resource], scope: 'Namespaced' },
  ];
}

export function mutatingConfiguration(registration: Registration): Configuration {
  const creates = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], scope: 'Namespaced' as const };
  const webhook = (name: string, resource: string): Webhook => ({
    ...entry(registration, { name, path: '/mutate', failurePolicy: 'Ignore' }),
    rules: [{ ...creates, resources: [resource] }],
    namespaceSelector: inFlightNamespaces(registration),
    // A later webhook may have put the pod's spec anew; ours is idempotent.
    reinvocationPolicy: 'IfNeeded',
  });
  return configuration(registration, [webhook('gate.zonespread.io', 'pods'), webhook('steer.zonespread.io', 'persistentvolumeclaims')]);
}

export function validatingConfiguration(registration: Registration): Configuration {
  const guard = (name: string, rules: Rule[]): Webhook => ({
    ...entry(registration, { name, path: '/validate', failurePolicy: 'Fail' }),
    rules,
    namespaceSelector: inFlightNamespaces(registration),
    matchConditions: [...notKubernetes(), ...notOurselves(registration)],
  });
  const changes = ['UPDATE', 'DELETE'];
  const core = { operations: changes, apiGroups: [''], apiVersions: ['v1'] };
  return configuration(registration, [
    asked(guard('sets.zonespread.io', rulesOfSets(changes, 'statefulsets')), changesSpec()),
    // An autoscaler of Kubernetes is a client like any other here: only our daemon is kept out.
    {
      ...guard('scale.zonespread.io', rulesOfSets(['UPDATE'], 'statefulsets/scale')),
      matchConditions: notOurselves(registration),
    },
    asked(guard('claims.zonespread.io', [{ ...core, resources: ['persistentvolumeclaims'], scope: 'Namespaced' }]), changesWhatIsHeld()),
    // No namespaceSelector ever filters a cluster-scoped kind; our label does.
    {
      ...asked(guard('volumes.zonespread.io', [{ ...core, resources: ['persistentvolumes'], scope: 'Cluster' }]), changesWhatIsHeld()),
      namespaceSelector: {},
      objectSelector: { matchExpressions: [{ key: MIGRATION_LABEL, operator: 'Exists' }] },
    },
    migrationsWebhook(registration, guard('migrations.zonespread.io', [])),
    namespacesWebhook(registration),
    recordsWebhook(registration),
    policyWebhook(registration),
  ]);
}

function asked(webhook: Webhook, condition: Webhook['matchConditions'][number]): Webhook {
  return { ...webhook, matchConditions: [...webhook.matchConditions, condition] };
}

/**
 * Controllers of any name write finalizers, owners and annotations of what we guard: an attacher that had to wait for us would keep a pod
 * from its disk. None of that is asked about; what holds a move together is.
 */
function changesWhatIsHeld(): Webhook['matchConditions'][number] {
  const marks = [
    ...[MIGRATION_LABEL, ROLE_LABEL].map((label) => `object.metadata.?labels[?${quoted(label)}].orValue('') != oldObject.metadata.?labels[?${quoted(label)}].orValue('')`),
    ...['pv.kubernetes.io/bind-completed', 'pv.kubernetes.io/bound-by-controller'].map((key) => `object.metadata.?annotations[?${quoted(key)}].hasValue() != oldObject.metadata.?annotations[?${quoted(key)}].hasValue()`),
  ];
  return { name: 'changes-what-is-held', expression: `request.operation == 'DELETE' || object.spec != oldObject.spec || ${marks.join(' || ')}` };
}

function changesSpec(): Webhook['matchConditions'][number] {
  return { name: 'changes-spec', expression: "request.operation == 'DELETE' || object.spec != oldObject.spec" };
}

/**
 * Only what could harm a record in flight comes to us. Its status is guarded only where the daemon has a name of its own: otherwise its
 * own writes would come here too, and stop when we are down.
 */
function migrationsWebhook(registration: Registration, guard: Webhook): Webhook {
  const status = registration.controller?.dedicated === true ? ['ordinalmigrations/status'] : [];
  const rule = { operations: ['UPDATE', 'DELETE'], apiGroups: ['zonespread.io'], apiVersions: ['v1alpha1'], resources: ['ordinalmigrations', ...status], scope: 'Namespaced' as const };
  return {
    ...guard,
    rules: [rule],
    matchConditions: [
      ...guard.matchConditions,
      { name: 'in-flight', expression: "has(oldObject.status) && has(oldObject.status.phase) && oldObject.status.phase in ['Running', 'RollingBack', 'Frozen']" },
      {
        name: 'touches-what-is-ours',
        expression: `request.operation == 'DELETE' || request.?subResource.orValue('') == 'status' || !has(object.metadata.finalizers) || !(${quoted(FINALIZER)} in object.metadata.finalizers)`,
      },
    ],
  };
}

/** Asked only when the label goes; a namespaceSelector would look at the labels that are to be. */
function namespacesWebhook(registration: Registration): Webhook {
  return {
    ...entry(registration, { name: 'namespaces.zonespread.io', path: '/validate', failurePolicy: 'Ignore' }),
    rules: [{ operations: ['UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['namespaces'], scope: 'Cluster' }],
    namespaceSelector: { matchExpressions: namespaceScope(registration) },
    objectSelector: { matchLabels: { [IN_FLIGHT_LABEL]: 'true' } },
    matchConditions: [
      ...notKubernetes(),
      ...notOurselves(registration),
      { name: 'takes-the-label-off', expression: `object.metadata.?labels[?${quoted(IN_FLIGHT_LABEL)}].orValue('') != 'true'` },
    ],
  };
}

/**
 * Records that people make, or let go of, and the status of all our kinds, everywhere. What is in flight is the business of the entry for
 * migrations. Status only where the daemon has a name of its own: its writes would come here otherwise.
 */
function recordsWebhook(registration: Registration): Webhook {
  const ours = { apiGroups: ['zonespread.io'], apiVersions: ['v1alpha1'] };
  const statuses: Rule[] = [
    { ...ours, operations: ['UPDATE'], resources: ['ordinalmigrations/status', 'spreadreports/status'], scope: 'Namespaced' },
    { ...ours, operations: ['UPDATE'], resources: ['zoneevacuations/status'], scope: 'Cluster' },
  ];
  return {
    ...entry(registration, { name: 'records.zonespread.io', path: '/validate', failurePolicy: 'Ignore' }),
    rules: [
      { ...ours, operations: ['CREATE', 'DELETE'], resources: ['ordinalmigrations'], scope: 'Namespaced' },
      { ...ours, operations: ['CREATE'], resources: ['zoneevacuations'], scope: 'Cluster' },
      ...(registration.controller?.dedicated === true ? statuses : []),
    ],
    namespaceSelector: { matchExpressions: namespaceScope(registration) },
    matchConditions: [
      ...notKubernetes(),
      ...notOurselves(registration),
      { name: 'not-in-flight', expression: `request.operation == 'CREATE' || !(oldObject.?status.phase.orValue('') in [${IN_FLIGHT_PHASES.map(quoted).join(', ')}])` },
    ],
  };
}

const IN_FLIGHT_PHASES = ['Running', 'RollingBack', 'Frozen'];

function policyWebhook(registration: Registration): Webhook {
  const writes = ['CREATE', 'UPDATE'];
  return {
    ...entry(registration, { name: 'policy.zonespread.io', path: '/validate', failurePolicy: 'Ignore' }),
    rules: [...rulesOfSets(writes, 'statefulsets'), { operations: writes, apiGroups: [''], apiVersions: ['v1'], resources: ['namespaces'], scope: 'Cluster' }],
    namespaceSelector: { matchExpressions: namespaceScope(registration) },
    matchConditions: [
      // Controllers write status and metadata of every set all the time; none of that is our business.
      { name: 'has-our-annotations', expression: "has(object.metadata.annotations) && object.metadata.annotations.exists(key, key.startsWith('zonespread.io/'))" },
      {
        name: 'changes-annotations',
        expression: "oldObject == null || !has(oldObject.metadata.annotations) || object.metadata.annotations != oldObject.metadata.annotations",
      },
    ],
  };
}

/** What is to stand in a configuration in which `registered` stands now, both in PEM. */
export type BundleFor = (registered: string) => Promise<string>;

/**
 * Creates or patches both configurations where they differ from what is wanted. Gives the names of those that it wrote. `bundleFor` is asked
 * after the configuration was read and before it is written, under that version: so no replica that was held up puts an old bundle back.
 */
export async function register(api: Api, registration: Registration, bundleFor: BundleFor = () => Promise.resolve(registration.bundle)): Promise<string[]> {
  const mutating = await bring(api, mutatingWebhooks, async (registered) => mutatingConfiguration({ ...registration, bundle: await bundleFor(registered) }));
  const validating = await bring(api, validatingWebhooks, async (registered) => validatingConfiguration({ ...registration, bundle: await bundleFor(registered) }));
  return [...(mutating ? [mutatingWebhooks.kind] : []), ...(validating ? [validatingWebhooks.kind] : [])];
}

/** Two replicas may write at once; the next round sees that nothing is left to do. */
const ROUNDS = 3;

async function bring(api: Api, resource: Resource, wantedFor: (registered: string) => Promise<Configuration>): Promise<boolean> {
  const ref = { name: CONFIGURATION_NAME };
  for (let round = 1; ; round++) {
    const live = await api.get(resource, ref);
    const wanted = await wantedFor(live === undefined ? '' : [...new Set(bundlesOf(live))].join('\n'));
    if (live !== undefined && isAsWanted(live, wanted)) return false;
    try {
      if (live === undefined) await api.create(resource, wanted);
      else await api.mergePatch(resource, ref, { metadata: { uid: live.metadata.uid, resourceVersion: live.metadata.resourceVersion, ...ownersOf(wanted) }, webhooks: wanted.webhooks });
      return true;
    } catch (error) {
      if (round >= ROUNDS || !(isConflict(error) || isAlreadyExists(error))) throw error;
    }
  }
}

/** Of each entry of a configuration, in PEM; empty where it has none. */
export function bundlesOf({ webhooks }: KubernetesObject): string[] {
  const entries = Array.isArray(webhooks) ? (webhooks as { clientConfig?: { caBundle?: string } }[]) : [];
  return entries.map((webhook) => Buffer.from(webhook.clientConfig?.caBundle ?? '', 'base64').toString());
}

/** A field that a newer API server adds by itself is none of our business; each that we know is as we say. */
function isAsWanted(live: KubernetesObject, wanted: Configuration): boolean {
  if (!isDeepStrictEqual({ ...ownersOf(live), ...ownersOf(wanted) }, ownersOf(live))) return false;
  const entries = Array.isArray(live.webhooks) ? (live.webhooks as Record<string, unknown>[]) : [];
  return entries.length === wanted.webhooks.length && wanted.webhooks.every((webhook, index) => Object.entries(webhook).every(([field, value]) => isDeepStrictEqual(orEmpty(entries[index]?.[field], value), value)));
}

/** Nothing where there is none: an owner that somebody else has put there is left. */
function ownersOf({ metadata: { ownerReferences } }: KubernetesObject): { ownerReferences?: OwnerReference[] } {
  return ownerReferences === undefined ? {} : { ownerReferences };
}

/** The API server leaves empty lists out. */
function orEmpty(live: unknown, wanted: unknown): unknown {
  return live === undefined && Array.isArray(wanted) ? [] : live;
}

function configuration({ owner }: Registration, webhooks: Webhook[]): Configuration {
  const owned = owner === undefined ? {} : { ownerReferences: [owner] };
  return { metadata: { name: CONFIGURATION_NAME, labels: { 'app.kubernetes.io/part-of': 'zonespread' }, ...owned }, webhooks };
}

function entry(registration: Registration, own: Pick<Webhook, 'name' | 'failurePolicy'> & { path: string }): Webhook {
  return {
    name: own.name,
    clientConfig: clientConfig(registration, own.path),
    rules: [],
    failurePolicy: own.failurePolicy,
    // A set written as apps/v1beta2 is a set all the same.
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    matchConditions: [],
    sideEffects: 'None',
    timeoutSeconds: TIMEOUT_SECONDS,
    admissionReviewVersions: ['v1'],
  };
}

function clientConfig({ target, bundle }: Registration, path: string): object {
  const caBundle = bundle === '' ? {} : { caBundle: Buffer.from(bundle).toString('base64') };
  if ('url' in target) return { url: `${target.url.replace(/\/+$/, '')}${path}`, ...caBundle };
  const { name, namespace, port = 443 } = target.service;
  return { service: { name, namespace, port, path }, ...caBundle };
}

function inFlightNamespaces(registration: Registration): object {
  return { matchLabels: { [IN_FLIGHT_LABEL]: 'true' }, matchExpressions: namespaceScope(registration) };
}

/** The label is the API server's own; nobody can take it off a namespace. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

function namespaceScope({ ownNamespace, namespaces }: Registration): object[] {
  const never = [...new Set(['kube-system', ownNamespace])];
  const excluded = { key: NAME_LABEL, operator: 'NotIn', values: never };
  return namespaces.length === 0 ? [excluded] : [excluded, { key: NAME_LABEL, operator: 'In', values: [...namespaces] }];
}

function notKubernetes(): Webhook['matchConditions'] {
  const users = KUBERNETES_USERS.map(quoted).join(', ');
  return [
    {
      name: 'not-kubernetes',
      expression: `!(request.userInfo.?username.orValue('') in [${users}] || ${quoted(KUBELETS_GROUP)} in request.userInfo.?groups.orValue([]))`,
    },
  ];
}

/** A name that the daemon shares with people lets nobody past; the rules tell them apart. */
function notOurselves({ controller }: Registration): Webhook['matchConditions'] {
  if (controller?.dedicated !== true) return [];
  return [{ name: 'not-ourselves', expression: `request.userInfo.?username.orValue('') != ${quoted(controller.username)}` }];
}

/** A string of CEL, whose escapes are those of JSON. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
