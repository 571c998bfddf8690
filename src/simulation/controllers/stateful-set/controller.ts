// The StatefulSet controller: one ordinal after the other (OrderedReady) or all at once (Parallel), scale-down from the top, rolling
// updates behind the partition, and claims made again for a pod that waits for them. It has no handler for claims.

import { claims, pods, statefulSets, type KubernetesObject, type Pod, type Resource, type StatefulSet } from '../../../kubernetes/objects.ts';
import { isTerminating, uidOf } from '../../../kubernetes/reading.ts';
import { matchesSelector } from '../../../kubernetes/selector.ts';
import { EventWriter } from '../events.ts';
import { keyOf, namespacedRefOf } from '../informer.ts';
import { controllerRevisions, type ControllerRevision } from '../kinds.ts';
import { ifThere, unless } from '../refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from '../setting.ts';
import { availableInMs, controllerOf, hasEnded, isCreated, isHealthy, isInRange, isPending, matchesIdentity, ordinalOf, ownerReferenceTo, POD_INDEX_LABEL, POD_NAME_LABEL, podOf, replicasOf, revisionOf, startOf } from './identity.ts';
import { PodControl } from './pods.ts';
import { isOwnRevision, revisionsOf, surplus, templateOf, type Revisions } from './revisions.ts';
import { completed, isNews, statusOf, type SetStatus } from './status.ts';

const STATUS_ATTEMPTS = 5;
const DONE = 'done';

/** Everything that one sync goes by. */
interface Sync {
  set: StatefulSet;
  revisions: Revisions;
  /** One for each ordinal in range; those that are not created have no status. */
  replicas: Pod[];
  /** Out of range, the highest first. */
  condemned: Pod[];
  ordered: boolean;
}

export class StatefulSetController extends Controller {
  readonly #sets = this.informer(statefulSets);
  readonly #pods = this.informer(pods);
  readonly #revisions = this.informer(controllerRevisions);
  readonly #control: PodControl;
  readonly #queue = this.worker({ reconcile: (key) => this.#sync(key) });

  constructor(setting: Setting) {
    super(setting, kubeSystemAccount('statefulset-controller'));
    this.#control = new PodControl({ client: this.client, claims: this.informer(claims), events: new EventWriter(setting, this.client, 'statefulset-controller') });
    this.#sets.onChange(({ object }) => this.#queue.add(keyOf(object)));
    this.#pods.onChange(({ object, previous }) => {
      for (const set of [...this.#setsOf(object), ...(previous === undefined ? [] : this.#setsOf(previous))]) this.#queue.add(set);
    });
  }

  #setsOf(pod: Pod): string[] {
    const owner = controllerOf(pod);
    const namespace = pod.metadata.namespace ?? '';
    if (owner !== undefined) return owner.kind === 'StatefulSet' && owner.apiVersion.startsWith('apps/') ? [`${namespace}/${owner.name}`] : [];
    return this.#sets
      .list(namespace)
      .filter((set) => matchesSelector(set.spec.selector, pod.metadata.labels))
      .map(keyOf);
  }

  async #sync(key: string): Promise<number | void> {
    const set = this.#sets.get(namespacedRefOf(key));
    if (set === undefined) return;
    const members = await this.#members(set);
    const known = await this.#ownRevisions(set);
    const revisions = await revisionsOf({ set, known, client: this.client });
    const sync = this.#plan(set, members, revisions);
    const statusNow = (): SetStatus => statusOf(set, { members, revisions: { current: revisions.current.metadata.name, update: revisions.update.metadata.name }, isAvailable: (pod) => this.#isAvailable(set, pod) });
    try {
      if (!isTerminating(set)) await this.#act(sync);
    } finally {
      await this.#writeStatus(set, completed(set, statusNow()));
    }
    const live = new Set([...members.map(revisionOf), revisions.current.metadata.name, revisions.update.metadata.name]);
    for (const revision of surplus(set, known, live)) await this.client.delete(controllerRevisions, { namespace: set.metadata.namespace ?? '', name: revision.metadata.name });
    return this.#nextAvailableMs(set, members);
  }

  #isAvailable(set: StatefulSet, pod: Pod): boolean {
    return availableInMs(set, pod, this.setting.tasks.now()) === 0;
  }

  /** When the next Ready pod will have been so for long enough. */
  #nextAvailableMs(set: StatefulSet, members: readonly Pod[]): number | undefined {
    const times = members.map((pod) => availableInMs(set, pod, this.setting.tasks.now())).filter((ms) => ms > 0 && ms < Infinity);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Pods that the set controls; one that nobody controls and that looks like its own is adopted, after a live look at the set. */
  async #members(set: StatefulSet): Promise<Pod[]> {
    const fitting = this.#pods.list(set.metadata.namespace).filter((pod) => ordinalOf(set, pod.metadata.name) >= 0 && matchesSelector(set.spec.selector, pod.metadata.labels));
    const members: Pod[] = [];
    for (const pod of fitting) {
      const owner = controllerOf(pod);
      if (owner?.uid === uidOf(set)) members.push(pod);
      else if (owner === undefined && !isTerminating(pod) && !isTerminating(set)) members.push(...(await this.#adopt(set, pods, pod)));
    }
    return members;
  }

  /** Those of the set, and those that nobody controls since a set of its name was deleted without them. */
  async #ownRevisions(set: StatefulSet): Promise<ControllerRevision[]> {
    const fitting = this.#revisions.list(set.metadata.namespace).filter(({ metadata }) => matchesSelector(set.spec.selector, metadata.labels));
    const own: ControllerRevision[] = [];
    for (const revision of fitting) {
      if (isOwnRevision(set, revision)) own.push(revision);
      else if (controllerOf(revision) === undefined && !isTerminating(revision) && !isTerminating(set)) own.push(...(await this.#adopt(set, controllerRevisions, revision)));
    }
    return own;
  }

  async #adopt<T extends KubernetesObject>(set: StatefulSet, resource: Resource<T>, orphan: T): Promise<T[]> {
    const { namespace = '', name } = set.metadata;
    const live = await this.client.get(statefulSets, { namespace, name });
    if (live === undefined || uidOf(live) !== uidOf(set) || isTerminating(live)) return [];
    const patch = { metadata: { uid: uidOf(orphan), ownerReferences: [...(orphan.metadata.ownerReferences ?? []), ownerReferenceTo(set)] } };
    return [await this.client.mergePatch(resource, { namespace, name: orphan.metadata.name }, patch)];
  }

  #plan(set: StatefulSet, members: Pod[], revisions: Revisions): Sync {
    const byOrdinal = new Map(members.map((pod) => [ordinalOf(set, pod.metadata.name), pod]));
    const ordinals = Array.from({ length: replicasOf(set) }, (_, index) => startOf(set) + index);
    const condemned = members.filter((pod) => !isInRange(set, ordinalOf(set, pod.metadata.name)));
    return {
      set,
      revisions,
      replicas: ordinals.map((ordinal) => byOrdinal.get(ordinal) ?? this.#newPod(set, ordinal, revisions)),
      condemned: condemned.toSorted((a, b) => ordinalOf(set, b.metadata.name) - ordinalOf(set, a.metadata.name)),
      ordered: set.spec.podManagementPolicy !== 'Parallel',
    };
  }

  /** At the revision that the ordinal is due: below the partition the current one, else the update. */
  #newPod(set: StatefulSet, ordinal: number, { current, update }: Revisions): Pod {
    const strategy = set.spec.updateStrategy;
    const currentReplicas = typeof set.status?.currentReplicas === 'number' ? set.status.currentReplicas : 0;
    const below = startOf(set) + (strategy?.rollingUpdate === undefined ? currentReplicas : (strategy.rollingUpdate.partition ?? 0));
    const revision = strategy?.type === 'RollingUpdate' && ordinal < below ? current : update;
    return podOf(set, ordinal, { template: templateOf(set, revision), revision: revision.metadata.name });
  }

  async #act(sync: Sync): Promise<void> {
    if (await this.#processAll(sync, sync.replicas, (pod) => this.#processReplica(sync, pod))) return;
    for (const pod of sync.condemned) {
      if (!this.#control.retentionMatches(sync.set, pod)) await this.#control.applyRetention(sync.set, pod);
    }
    if (await this.#processAll(sync, sync.condemned, (pod) => this.#processCondemned(sync, pod))) return;
    await this.#roll(sync);
  }

  /** In order, ended by the first that says so; all of them under Parallel, until one fails. @returns whether it ended early. */
  async #processAll({ ordered }: Sync, members: Pod[], process: (pod: Pod) => Promise<boolean>): Promise<boolean> {
    if (ordered) {
      for (const pod of members) if (await process(pod)) return true;
      return false;
    }
    // In batches of 1, 2, 4 …: when one of a batch fails, those after it are not begun.
    for (let from = 0, size = 1; from < members.length; from += size, size *= 2) {
      const results = await Promise.allSettled(members.slice(from, from + size).map((pod) => process(pod)));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    }
    return false;
  }

  /** @returns whether the sync ends here. */
  async #processReplica({ set, revisions, ordered }: Sync, pod: Pod): Promise<boolean> {
    if (hasEnded(pod)) {
      if (!isTerminating(pod)) await this.#control.delete(set, pod);
      return true;
    }
    if (!isCreated(pod)) {
      if (this.#control.hasStaleClaim(set, pod)) return true;
      await this.#control.create(set, pod);
      return ordered;
    }
    if (isPending(pod)) await this.#control.createMissingClaims(set, pod);
    if (ordered && !(isHealthy(pod) && this.#isAvailable(set, pod))) return true;
    await this.#mend(set, pod, revisions);
    return false;
  }

  async #mend(set: StatefulSet, pod: Pod, { update }: Revisions): Promise<void> {
    if (matchesIdentity(set, pod) && this.#control.retentionMatches(set, pod)) return;
    const labels = { [POD_NAME_LABEL]: pod.metadata.name, [POD_INDEX_LABEL]: String(ordinalOf(set, pod.metadata.name)) };
    await this.#control.mend({ ...set, spec: { ...set.spec, template: templateOf(set, update) } }, pod, labels);
  }

  async #processCondemned({ set, replicas, condemned, ordered }: Sync, pod: Pod): Promise<boolean> {
    if (isTerminating(pod)) return ordered;
    if (ordered && !this.#isAvailable(set, pod) && pod !== firstUnhealthy(set, [...replicas, ...condemned])) return true;
    await this.#control.delete(set, pod);
    return ordered;
  }

  /** From the top down to the partition: the first pod that is not at the update goes, if all above it are well. */
  async #roll({ set, replicas, revisions }: Sync): Promise<void> {
    if (set.spec.updateStrategy?.type === 'OnDelete') return;
    const update = revisions.update.metadata.name;
    const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
    const isOld = (pod: Pod): boolean => revisionOf(pod) !== update && isCreated(pod) && !isTerminating(pod);
    const first = replicas.slice(partition).findLast((pod) => isOld(pod) || !isHealthy(pod) || !this.#isAvailable(set, pod));
    if (first !== undefined && isOld(first)) await this.#control.delete(set, first);
  }

  /** Against whatever version is there: five times, as the real one. */
  async #writeStatus(set: StatefulSet, status: SetStatus): Promise<void> {
    if (!isNews(set, status)) return;
    const { namespace = '', name } = set.metadata;
    let latest: StatefulSet | undefined = set;
    for (let attempt = 1; latest !== undefined && uidOf(latest) === uidOf(set); attempt += 1) {
      const write = ifThere(this.client.updateStatus(statefulSets, { ...latest, status: { ...latest.status, ...status } }));
      if (attempt === STATUS_ATTEMPTS) await write;
      if ((await unless('Conflict', write.then(() => DONE))) === DONE) return;
      latest = await this.client.get(statefulSets, { namespace, name });
    }
  }
}

/** Of the lowest ordinal: what an ordered scale-down may delete although it is not Ready. */
function firstUnhealthy(set: StatefulSet, members: readonly Pod[]): Pod | undefined {
  return members.filter((pod) => isCreated(pod) && !isHealthy(pod)).toSorted((a, b) => ordinalOf(set, a.metadata.name) - ordinalOf(set, b.metadata.name))[0];
}
