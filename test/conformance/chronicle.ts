// What happened in one play, in words that are the same in every run: of each object the states it went through, and which came before
// which. Names of this run, UIDs and times are gone: "claim data-web-0#2" is the second claim of that name.

import type { KubernetesObject, PersistentVolume, PersistentVolumeClaim, Pod, Resource, VolumeAttachment } from '../../src/kubernetes/objects.ts';
import { isScheduled, isTerminating, isTrue, uidOf, volumePhase } from '../../src/kubernetes/reading.ts';
import type { Change } from './world.ts';

/** One state of one object. */
export interface Moment {
  /** "claim data-web-0#2" */
  subject: string;
  /** "Bound of new" */
  state: string;
  revision: number;
  object: KubernetesObject;
}

/** Kinds whose states are told. */
export const TOLD = { Pod: 'pod', PersistentVolumeClaim: 'claim', PersistentVolume: 'volume', VolumeAttachment: 'attachment' } as const;
export type Told = keyof typeof TOLD;

export class Chronicle {
  readonly #namespace: string;
  readonly #changes: Change[] = [];
  readonly #seen = new Set<string>();
  readonly #present = new Map<string, Map<string, KubernetesObject>>();
  /** Names of volumes that are, or ever were, this play's. */
  readonly #volumes = new Set<string>();

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** @returns whether it is this play's business. */
  take(change: Change): boolean {
    if (!this.#concerns(change)) return false;
    this.#changes.push(change);
    this.#seen.add(uidOf(change.object));
    const ofKind = this.#present.get(change.kind) ?? new Map<string, KubernetesObject>();
    this.#present.set(change.kind, ofKind);
    const { name } = change.object.metadata;
    if (change.type !== 'deleted') ofKind.set(name, change.object);
    else if (uidOf(ofKind.get(name) ?? change.object) === uidOf(change.object)) ofKind.delete(name);
    return true;
  }

  /** That very object, even if it is gone again. */
  hasSeen(object: KubernetesObject): boolean {
    return this.#seen.has(uidOf(object));
  }

  /** As it is now; undefined when there is none. */
  get<T extends KubernetesObject>({ kind }: Resource<T>, name: string): T | undefined {
    return this.#present.get(kind)?.get(name) as T | undefined;
  }

  /** In the order in which they came, all kinds by one count; without the ends. */
  versions<T extends KubernetesObject>({ kind }: Resource<T>, name: string): T[] {
    return this.#changes.filter(({ type, kind: its, object }) => its === kind && type !== 'deleted' && object.metadata.name === name).map(({ object }) => object as T);
  }

  list<T extends KubernetesObject>({ kind }: Resource<T>): T[] {
    return [...(this.#present.get(kind)?.values() ?? [])] as T[];
  }

  /** Every state of every told object, in the order in which they came; one that looks like the one before it is left out. */
  moments(): Moment[] {
    const told = this.#changes.filter((change) => change.kind in TOLD && this.#isOurs(change)).toSorted((a, b) => a.revision - b.revision);
    const names = new Names(told, this.#namespace);
    const last = new Map<string, string>();
    const moments = told.flatMap(({ kind, type, object, revision }) => {
      const subject = names.of(object);
      const state = type === 'deleted' ? 'gone' : stateOf(kind as Told, object, names);
      if (last.get(subject) === state) return [];
      last.set(subject, state);
      return [{ subject, state, revision, object }];
    });
    return withoutHaste(moments);
  }

  /** Attachments are kept in any case: that of a volume may be heard of before the volume. */
  #concerns({ kind, object }: Change): boolean {
    const { namespace, name } = object.metadata;
    if (namespace !== undefined) return namespace === this.#namespace;
    if (kind === 'PersistentVolume') return this.#isOwnVolume(object as PersistentVolume);
    return kind === 'VolumeAttachment' || name === this.#namespace || name.startsWith(`${this.#namespace}-`);
  }

  #isOurs({ kind, object }: Change): boolean {
    return kind !== 'VolumeAttachment' || this.#volumes.has((object as VolumeAttachment).spec.source.persistentVolumeName ?? '');
  }

  #isOwnVolume(volume: PersistentVolume): boolean {
    const { name } = volume.metadata;
    const own = this.#volumes.has(name) || name.startsWith(`${this.#namespace}-`) || volume.spec.claimRef?.namespace === this.#namespace;
    if (own) this.#volumes.add(name);
    return own;
  }
}

/** A kubelet that is busy says at once that a pod runs and is Ready: on the way from its node to Ready, running is left out. */
function withoutHaste(moments: Moment[]): Moment[] {
  const bySubject = Map.groupBy(moments, ({ subject }) => subject);
  const hasty = new Set([...bySubject.values()].flatMap((path) => path.filter(({ state }, at) => state === 'running' && path[at - 1]?.state === 'scheduled' && path[at + 1]?.state === 'ready')));
  return moments.filter((moment) => !hasty.has(moment));
}

/** Names that the provisioner gives: a prefix and the UID of the claim. */
const MADE_FOR = /^(?:pvc|disk)-([0-9a-f]{8}-.*)$/;

export function isMadeByProvisioner(volumeName: string): boolean {
  return MADE_FOR.test(volumeName);
}

/** What everything is called: "claim data-web-0#2", "volume new", "volume disk of data-web-0#1". */
class Names {
  readonly #namespace: string;
  /** By UID. */
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** `sorted`: by revision. */
  constructor(sorted: readonly Change[], namespace: string) {
    this.#namespace = namespace;
    // Claims first: volumes that were made for them are called after them.
    for (const kind of ['Pod', 'PersistentVolumeClaim', 'PersistentVolume', 'VolumeAttachment'] as const) {
      for (const { object } of sorted.filter((change) => change.kind === kind)) this.#name(kind, object);
    }
  }

  of(object: KubernetesObject): string {
    return this.#names.get(uidOf(object)) ?? '?';
  }

  /** "data-web-0#1" */
  ofClaim(uid: string): string {
    const name = this.#names.get(uid);
    return name === undefined ? 'a claim of before' : name.slice(name.indexOf(' ') + 1);
  }

  ofVolume(name: string): string {
    const [, uid] = MADE_FOR.exec(name) ?? [];
    if (uid !== undefined) return `disk of ${this.ofClaim(uid)}`;
    return name.startsWith(`${this.#namespace}-`) ? name.slice(this.#namespace.length + 1) : name;
  }

  #name(kind: Told, object: KubernetesObject): void {
    if (this.#names.has(uidOf(object))) return;
    const called = `${TOLD[kind]} ${this.#called(kind, object)}`;
    const count = (this.#counts.get(called) ?? 0) + 1;
    this.#counts.set(called, count);
    this.#names.set(uidOf(object), kind === 'PersistentVolume' ? called : `${called}#${count}`);
  }

  #called(kind: Told, object: KubernetesObject): string {
    if (kind === 'PersistentVolume') return this.ofVolume(object.metadata.name);
    return kind === 'VolumeAttachment' ? this.ofVolume((object as VolumeAttachment).spec.source.persistentVolumeName ?? '') : object.metadata.name;
  }
}

function stateOf(kind: Told, object: KubernetesObject, names: Names): string {
  if (isTerminating(object)) return 'terminating';
  const states = { Pod: podState, PersistentVolumeClaim: claimState, PersistentVolume: volumeState, VolumeAttachment: attachmentState } as Record<Told, (object: KubernetesObject, names: Names) => string>;
  return states[kind](object, names);
}

export function podState(object: KubernetesObject): string {
  const pod = object as Pod;
  const { phase } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return 'ended';
  if (isTrue(pod, 'Ready')) return 'ready';
  if (phase === 'Running') return 'running';
  if (isScheduled(pod)) return 'scheduled';
  return (pod.spec.schedulingGates ?? []).length > 0 ? 'gated' : 'waiting';
}

function claimState(object: KubernetesObject, names: Names): string {
  const { metadata, spec, status } = object as PersistentVolumeClaim;
  const volume = spec.volumeName ?? '';
  const phase = status?.phase ?? 'new';
  if (volume === '') return phase;
  // From here on the scheduler takes it for bound.
  const binding = phase === 'Pending' && metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined;
  return `${binding ? 'Binding' : phase} of ${names.ofVolume(volume)}`;
}

function volumeState(object: KubernetesObject, names: Names): string {
  const volume = object as PersistentVolume;
  const { claimRef } = volume.spec;
  const phase = volumePhase(volume);
  if (claimRef === undefined) return phase;
  const claim = (claimRef.uid ?? '') === '' ? (claimRef.name ?? '') : names.ofClaim(claimRef.uid ?? '');
  return `${phase} ${phase === 'Bound' ? 'to' : phase === 'Released' ? 'by' : 'for'} ${claim}`;
}

function attachmentState(object: KubernetesObject): string {
  return (object as VolumeAttachment).status?.attached === true ? 'attached' : 'asked for';
}
