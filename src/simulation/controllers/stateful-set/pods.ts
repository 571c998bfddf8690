// What the StatefulSet controller does to single pods and their claims: makes them, mends them, deletes them, and says how it went.

import { claims, pods, statefulSets, type PersistentVolumeClaim, type Pod, type StatefulSet } from '../../../kubernetes/objects.ts';
import { isTerminating, uidOf } from '../../../kubernetes/reading.ts';
import { Refusal, type Client } from '../../apiserver/contract.ts';
import type { EventWriter } from '../events.ts';
import type { Informer } from '../informer.ts';
import { claimsOf, ordinalOf } from './identity.ts';
import { isControlledByOthers, isRetainedWhenScaled, isStale, ownersMatch, withOwners } from './retention.ts';

/** The sync of a set cannot go on: it is tried again after its back-off. Not a refusal of the server, but dealt with like one. */
export function aborted(message: string): Refusal {
  return new Refusal({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code: 500, reason: 'SyncAborted', message });
}

export interface PodControlOptions {
  client: Client;
  /** Cached, like the controller's own: it has no handler for claims and looks only when it needs one. */
  claims: Informer<PersistentVolumeClaim>;
  events: EventWriter;
}

export class PodControl {
  readonly #client: Client;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #events: EventWriter;

  constructor(options: PodControlOptions) {
    this.#client = options.client;
    this.#claims = options.claims;
    this.#events = options.events;
  }

  /** Its claims first; without them no pod. @throws Refusal */
  async create(set: StatefulSet, pod: Pod): Promise<void> {
    await this.#noting('create', set, pod, async () => {
      await this.#createClaims(set, pod);
      const created = await this.#client.create(pods, pod);
      await this.applyRetention(set, created);
    });
  }

  /** For a pod that waits: somebody may have deleted a claim of it. @throws Refusal */
  async createMissingClaims(set: StatefulSet, pod: Pod): Promise<void> {
    await this.#createClaims(set, pod);
    await this.applyRetention(set, pod);
  }

  /** Gives the pod what its ordinal must have. @throws Refusal */
  async mend(set: StatefulSet, pod: Pod, labels: Record<string, string>): Promise<void> {
    await this.applyRetention(set, pod);
    await this.#createClaims(set, pod);
    if (Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value)) return;
    await this.#client.update(pods, { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } } });
  }

  async delete(set: StatefulSet, pod: Pod): Promise<void> {
    const { namespace = '', name } = pod.metadata;
    await this.#noting('delete', set, pod, async () => {
      await this.#client.delete(pods, { namespace, name }, { preconditions: { uid: uidOf(pod) } });
    });
  }

  hasStaleClaim(set: StatefulSet, pod: Pod): boolean {
    return !isRetainedWhenScaled(set) && this.#own(set, pod).some(({ existing }) => existing !== undefined && isStale(pod, existing));
  }

  retentionMatches(set: StatefulSet, pod: Pod): boolean {
    return this.#own(set, pod).every(({ existing }) => existing === undefined || isControlledByOthers(set, pod, existing) || ownersMatch(set, pod, existing));
  }

  async applyRetention(set: StatefulSet, pod: Pod): Promise<void> {
    for (const { existing } of this.#own(set, pod)) {
      if (existing === undefined || isControlledByOthers(set, pod, existing) || ownersMatch(set, pod, existing)) continue;
      await this.#client.update(claims, withOwners(set, pod, existing));
    }
  }

  /** Every claim is tried; then the first trouble ends it. */
  async #createClaims(set: StatefulSet, pod: Pod): Promise<void> {
    const troubles: string[] = [];
    for (const { wanted, existing } of this.#own(set, pod)) {
      const trouble = existing === undefined ? await this.#createClaim(set, pod, wanted) : terminating(existing);
      if (trouble !== undefined) troubles.push(trouble);
    }
    if (troubles.length > 0) throw aborted(troubles.join(', '));
  }

  async #createClaim(set: StatefulSet, pod: Pod, claim: PersistentVolumeClaim): Promise<string | undefined> {
    const { name } = claim.metadata;
    const whose = `Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    try {
      await this.#client.create(claims, claim);
      this.#events.write(statefulSets, set, { type: 'Normal', reason: 'SuccessfulCreate', message: `Create Claim ${name} ${whose} success` });
      return undefined;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.reason !== 'AlreadyExists') {
        this.#events.write(statefulSets, set, { type: 'Warning', reason: 'FailedCreate', message: `Create Claim ${name} for ${whose} failed error: ${error.message}` });
      }
      return `failed to create PVC ${name}: ${error.message}`;
    }
  }

  #own(set: StatefulSet, pod: Pod): { wanted: PersistentVolumeClaim; existing: PersistentVolumeClaim | undefined }[] {
    return claimsOf(set, ordinalOf(set, pod.metadata.name)).map((wanted) => ({ wanted, existing: this.#claims.get(wanted.metadata) }));
  }

  async #noting(verb: 'create' | 'delete', set: StatefulSet, pod: Pod, work: () => Promise<void>): Promise<void> {
    const Verb = verb === 'create' ? 'Create' : 'Delete';
    const what = `${Verb} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    try {
      await work();
      this.#events.write(statefulSets, set, { type: 'Normal', reason: `Successful${Verb}`, message: `${what} successful` });
    } catch (error) {
      if (error instanceof Refusal && error.reason !== 'AlreadyExists') {
        this.#events.write(statefulSets, set, { type: 'Warning', reason: `Failed${Verb}`, message: `${what} failed error: ${error.message}` });
      }
      throw error;
    }
  }
}

function terminating(claim: PersistentVolumeClaim): string | undefined {
  return isTerminating(claim) ? `pvc ${claim.metadata.name} is being deleted` : undefined;
}
