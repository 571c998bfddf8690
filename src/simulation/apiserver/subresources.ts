// Subresources that are more than a part of their object: eviction, binding, scale, and a namespace's finalizers.

import { disruptionBudgets, type KubernetesObject, type Pod, type PodDisruptionBudget } from '../../kubernetes/objects.ts';
import { isTrue } from '../../kubernetes/reading.ts';
import { matchesSelector } from '../../kubernetes/selector.ts';
import { Refusal, type Preconditions } from './contract.ts';
import { wrong } from './field-errors.ts';
import { at, intern, isObject, listAt, objectAt, textAt, withField, type JsonObject } from './json.ts';
import { wholeSeconds } from './metadata.ts';
import { badRequest, budgetExhausted, conflict, forbidden, invalid, modified, unexplained } from './refusals.ts';
import { refuseUnmet, type Deletion, type Registry, type Written } from './registry.ts';
import type { Target } from './target.ts';

/** The controller did not confirm this many evictions yet: no more. */
const MOST_DISRUPTED = 2000;

/** The Status of an answer that is no failure. */
export function success(code: number): JsonObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code };
}

// ── Eviction ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @throws Refusal 429, or 500 for a pod under several budgets */
export async function evict(registry: Registry, target: Target, eviction: KubernetesObject): Promise<void> {
  if (eviction.metadata.name !== target.name) throw badRequest('name in URL does not match name in Eviction object');
  await admit(registry, target, eviction, { group: 'policy', version: 'v1', kind: 'Eviction' });
  const options = objectAt(eviction, 'deleteOptions');
  const deletion = deletionOf(options);
  const pods = { ...target, subresource: '', dryRun: target.dryRun || listAt(options, 'dryRun').includes('All') };
  const pod = registry.get(pods) as Pod;
  if (disruptsNothing(pod)) await disruptAndDelete(registry, pods, mayBecomeReady(pod) ? withVersion(deletion, pod) : deletion);
  else await evictWithin(registry, { pods, pod, deletion });
}

interface Evicted {
  pods: Target;
  pod: Pod;
  deletion: Deletion;
}

async function evictWithin(registry: Registry, { pods, pod, deletion }: Evicted): Promise<void> {
  const [budget, second] = budgetsOf(registry, pod);
  if (second !== undefined) throw severalBudgets();
  if (budget === undefined) return disruptAndDelete(registry, pods, deletion);
  if (isSpare(pod, budget)) return deleteSpare(registry, { pods, pod, deletion }, budget);
  spend(registry, pods, budget);
  return disruptAndDelete(registry, pods, deletion);
}

/** It costs the budget nothing as long as it is as it was read: when it has changed, the client has to ask again. */
async function deleteSpare(registry: Registry, { pods, pod, deletion }: Evicted, budget: PodDisruptionBudget): Promise<void> {
  try {
    await disruptAndDelete(registry, pods, withVersion(deletion, pod));
  } catch (error) {
    const raced = error instanceof Refusal && error.code === 409 && deletion.preconditions?.resourceVersion === undefined;
    throw raced ? stillProcessed(budget) : error;
  }
}

function deletionOf(options: JsonObject): Deletion {
  const preconditions = isObject(options.preconditions) ? (options.preconditions as Preconditions) : undefined;
  const gracePeriodSeconds = typeof options.gracePeriodSeconds === 'number' ? options.gracePeriodSeconds : undefined;
  const propagationPolicy = typeof options.propagationPolicy === 'string' ? options.propagationPolicy : undefined;
  return { preconditions, gracePeriodSeconds, propagationPolicy };
}

/** It is over, on its way out, or has not begun: no budget counts it. */
function disruptsNothing({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '');
}

function mayBecomeReady({ metadata, status }: Pod): boolean {
  return status?.phase === 'Pending' && metadata.deletionTimestamp === undefined;
}

function withVersion(deletion: Deletion, pod: Pod): Deletion {
  return { ...deletion, preconditions: { resourceVersion: pod.metadata.resourceVersion as string, ...deletion.preconditions } };
}

function budgetsOf(registry: Registry, pod: Pod): PodDisruptionBudget[] {
  const budgets = registry.world.store.list(disruptionBudgets, pod.metadata.namespace) as PodDisruptionBudget[];
  return budgets.filter((budget) => matchesSelector(budget.spec.selector, pod.metadata.labels));
}

function severalBudgets(): Refusal {
  return unexplained('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
}

/** A pod that is not healthy costs its budget nothing, when the policy or the budget's present state says so. */
function isSpare(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (isTrue(pod, 'Ready')) return false;
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const desired = status?.desiredHealthy ?? 0;
  return desired > 0 && (status?.currentHealthy ?? 0) >= desired;
}

/** @throws Refusal 429 when the budget allows none */
function spend(registry: Registry, pods: Target, budget: PodDisruptionBudget): void {
  const { status = {} } = budget;
  const { disruptionsAllowed: allowed = 0 } = status;
  const disrupted = objectAt(status, 'disruptedPods');
  refuseUnspendable(budget, allowed, Object.keys(disrupted).length);
  if (pods.dryRun) return;
  const now = wholeSeconds(registry.world.clock.now());
  const spent = { ...status, disruptionsAllowed: allowed - 1, disruptedPods: { ...disrupted, [pods.name]: now } };
  registry.world.store.put(disruptionBudgets, { ...budget, status: allowed === 1 ? withoutDisruptions(spent, now) : spent });
}

function refuseUnspendable(budget: PodDisruptionBudget, allowed: number, disrupted: number): void {
  const { name, generation = 0 } = budget.metadata;
  const named = { group: 'policy', plural: 'poddisruptionbudget' };
  if ((budget.status?.observedGeneration ?? 0) < generation) throw stillProcessed(budget);
  if (allowed < 0) throw forbidden(named, name, 'pdb disruptions allowed is negative');
  if (disrupted > MOST_DISRUPTED) throw forbidden(named, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (allowed === 0) throw budgetExhausted(whyNone(budget), 0);
}

function withoutDisruptions(status: JsonObject, now: string): JsonObject {
  const others = listAt(status, 'conditions').filter((condition) => textAt(condition, 'type') !== 'DisruptionAllowed');
  const condition = { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '', lastTransitionTime: now, observedGeneration: status.observedGeneration };
  return { ...status, conditions: [...others, condition] };
}

function whyNone({ metadata: { name }, status }: PodDisruptionBudget): string {
  const condition = listAt(status, 'conditions').find((one) => textAt(one, 'type') === 'DisruptionAllowed' && textAt(one, 'status') === 'False');
  const [reason, message] = [textAt(condition, 'reason'), textAt(condition, 'message')];
  const [current, desired] = [status?.currentHealthy ?? 0, status?.desiredHealthy ?? 0];
  if (reason === 'SyncFailed' && message !== '') return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${message}`;
  if (current <= desired) return `The disruption budget ${name} needs ${desired} healthy pods and has ${current} currently`;
  return `The disruption budget ${name} does not allow evicting pods currently${message === '' ? '' : ` (${reason}): ${message}`}`;
}

const RETRY_SECONDS = 10;

function stillProcessed({ metadata: { name } }: PodDisruptionBudget): Refusal {
  return budgetExhausted(`The disruption budget ${name} is still being processed by the server.`, RETRY_SECONDS);
}

/** First the condition that says who ended it, then the deletion. */
async function disruptAndDelete(registry: Registry, target: Target, deletion: Deletion): Promise<void> {
  let { preconditions } = deletion;
  if (!target.dryRun) {
    const { object } = await registry.update(
      { ...target, subresource: 'status' },
      (pod) => {
        refuseUnmet(target, pod, preconditions);
        return withDisruptionTarget(pod, wholeSeconds(registry.world.clock.now()));
      },
      { admitted: false },
    );
    if (preconditions?.resourceVersion !== undefined) preconditions = { ...preconditions, resourceVersion: object.metadata.resourceVersion as string };
  }
  await registry.delete(target, { ...deletion, preconditions }, { admitted: false });
}

function withDisruptionTarget(pod: KubernetesObject, now: string): KubernetesObject {
  const conditions = listAt(pod, 'status', 'conditions');
  const own = conditions.find((condition) => textAt(condition, 'type') === 'DisruptionTarget');
  if (textAt(own, 'status') === 'True' && textAt(own, 'reason') === 'EvictionByEvictionAPI') return pod;
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting', lastProbeTime: null, lastTransitionTime: now };
  return withField(pod, ['status', 'conditions'], [...conditions.filter((one) => one !== own), condition]);
}

// ── Binding ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export async function bind(registry: Registry, target: Target, binding: KubernetesObject): Promise<Written> {
  if (binding.metadata.name !== target.name) throw badRequest('name in URL does not match name in Binding object');
  const admitted = await admit(registry, target, binding, { group: '', version: 'v1', kind: 'Binding' });
  const pods = { ...target, subresource: 'binding' };
  return registry.update(pods, (pod) => bound(pod as Pod, admitted, registry.world.clock.now()), { admitted: false, uid: binding.metadata.uid });
}

function bound(pod: Pod, binding: KubernetesObject, now: number): KubernetesObject {
  const { name } = pod.metadata;
  const node = textAt(binding, 'target', 'name');
  const refuse = (why: string): Refusal => conflict({ group: '', plural: 'pods/binding' }, name, why);
  if (pod.metadata.deletionTimestamp !== undefined) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if ((pod.spec.nodeName ?? '') !== '') throw refuse(`pod ${name} is already assigned to node "${pod.spec.nodeName ?? ''}"`);
  if ((pod.spec.schedulingGates ?? []).length > 0) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  const others = listAt(pod, 'status', 'conditions').filter((condition) => textAt(condition, 'type') !== 'PodScheduled');
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: wholeSeconds(now) };
  const { nominatedNodeName: _nominated, ...status } = pod.status ?? {};
  const { labels } = binding.metadata;
  const metadata = labels === undefined ? pod.metadata : { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } };
  return { ...pod, metadata, spec: { ...pod.spec, nodeName: node }, status: { ...status, conditions: [...others, scheduled] } };
}

// ── Scale ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export function scaleOf({ kind }: Target, object: KubernetesObject): KubernetesObject {
  const { namespace, name, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = kind.scale?.selector(object) ?? '';
  return intern({
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as KubernetesObject['metadata'],
    spec: { replicas: Number(at(object, ...(kind.scale?.replicas ?? [])) ?? 0) },
    status: { replicas: Number(at(object, ...(kind.scale?.statusReplicas ?? [])) ?? 0), ...(selector === '' ? {} : { selector }) },
  });
}

/** The object's replicas become those of the Scale that `change` gives; admission sees Scales. */
export async function rescale(registry: Registry, target: Target, change: (scale: KubernetesObject) => KubernetesObject): Promise<Written> {
  const { admission } = registry.world;
  const written = await registry.update(
    { ...target, subresource: 'scale' },
    async (existing) => {
      const old = scaleOf(target, existing);
      const attributes = scaleAttributes(target, intern(change(old)), old);
      const scale = (await admission.mutate(attributes)) as KubernetesObject;
      refuseWrongScale(target, scale, old);
      await admission.validate({ ...attributes, object: scale });
      // A Scale to zero may leave it out.
      return withField(existing, target.kind.scale?.replicas ?? [], at(scale, 'spec', 'replicas') ?? 0);
    },
    { admitted: false },
  );
  return { ...written, object: scaleOf(target, written.object) };
}

function scaleAttributes(target: Target, object: KubernetesObject, oldObject: KubernetesObject): Parameters<Registry['world']['admission']['mutate']>[0] {
  const { kind, namespace, name, user, dryRun, fieldManager } = target;
  const objectKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
  const options = { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager };
  return { operation: 'UPDATE', kind, subresource: 'scale', objectKind, namespace: namespace ?? '', name, object, oldObject, user, dryRun, options };
}

function refuseWrongScale({ kind, name }: Target, scale: KubernetesObject, old: KubernetesObject): void {
  const { resourceVersion = '', uid = '' } = scale.metadata;
  if (resourceVersion !== '' && resourceVersion !== old.metadata.resourceVersion) throw modified(kind.resource, name);
  if (uid !== '' && uid !== old.metadata.uid) {
    throw conflict(kind.resource, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`);
  }
  const replicas = Number(at(scale, 'spec', 'replicas') ?? 0);
  if (replicas < 0) throw invalid({ ...kind.resource, group: 'autoscaling', kind: 'Scale' }, name, [wrong('spec.replicas', replicas, 'must be greater than or equal to 0')]);
}

// ── A namespace's finalizers ───────────────────────────────────────────────────────────────────────────────────────────────────────

export function finalize(registry: Registry, target: Target, body: KubernetesObject): Promise<Written> {
  return registry.update({ ...target, subresource: 'finalize' }, (existing) => ({ ...existing, spec: { ...objectAt(existing, 'spec'), finalizers: listAt(body, 'spec', 'finalizers') } }), { uid: body.metadata.uid });
}

/** Admission of a create at a subresource: of the thing sent, not of the object. Gives it back as admitted. */
async function admit(registry: Registry, target: Target, object: KubernetesObject, objectKind: { group: string; version: string; kind: string }): Promise<KubernetesObject> {
  const { kind, namespace, name, subresource, user, dryRun, fieldManager } = target;
  const options = { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager };
  const attributes = { operation: 'CREATE' as const, kind, subresource, objectKind, namespace: namespace ?? '', name, object: intern(object), oldObject: undefined, user, dryRun, options };
  const admitted = (await registry.world.admission.mutate(attributes)) as KubernetesObject;
  await registry.world.admission.validate({ ...attributes, object: admitted });
  return admitted;
}
