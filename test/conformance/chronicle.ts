// What happened in one play, in words that are the same in every run: of each object the states it went through, and which came before
// which. Names of this run, UIDs and times are gone: "claim data-web-0#2" is the second claim of that name.

import type { KubernetesObject, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../../src/kubernetes/objects.ts';
import { isScheduled, isTerminating, isTrue, uidOf, volumePhase } from '../../src/kubernetes/reading.ts';
import type { Change, Kind } from './world.ts';

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
  readonly #present = new Map<Kind, Map<string, KubernetesObject>>();
  /** UIDs of volumes that are, or ever were, this play's; by their names too, for attachments. */
  readonly #volumes = new Set<string>();

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** @returns whether it is this play's business. */
  take(change: Change): boolean {
    if (!this.#concerns(change)) return false;
    this.#changes.push(change);
    const ofKind = this.#present.get(change.kind) ?? new Map<string, KubernetesObject>();
    this.#present.set(change.kind, ofKind);
    const { name } = change.object.metadata;
    if (change.type !== 'deleted') ofKind.set(name, change.object);
    else if (uidOf(ofKind.get(name) ?? change.object) === uidOf(change.object)) ofKind.delete(name);
    return true;
  }

  /** As it is now; undefined when there is none. */
  get<T extends KubernetesObject>(kind: Kind, name: string): T | undefined {
    return this.#present.get(kind)?.get(name) as T | undefined;
  }

  list<T extends KubernetesObject>(kind: Kind): T[] {
    return [...(this.#present.get(kind)?.values() ?? [])] as T[];
  }

  /** Every state of every told object, in the order in which they came; one that looks like the one before it is left out. */
  moments(): Moment[] {
    const told = this.#changes.filter(({ kind }) => kind in TOLD).toSorted((a, b) => a.revision - b.revision);
    const names = namesOf(told, this.#namespace);
    const last = new Map<string, string>();
    return told.flatMap(({ kind, type, object, revision }) => {
      const subject = names.get(uidOf(object)) ?? '?';
      const state = type === 'deleted' ? 'gone' : stateOf(kind as Told, object, names);
      if (last.get(subject) === state) return [];
      last.set(subject, state);
      return [{ subject, state, revision, object }];
    });
  }

  #concerns({ kind, object }: Change): boolean {
    const { namespace, name } = object.metadata;
    if (namespace !== undefined) return namespace === this.#namespace;
    if (kind === 'PersistentVolume') return this.#isOwnVolume(object as PersistentVolume);
    if (kind === 'VolumeAttachment') return this.#volumes.has((object as VolumeAttachment).spec.source.persistentVolumeName ?? '');
    return name === this.#namespace || name.startsWith(`${this.#namespace}-`);
  }

  #isOwnVolume(volume: PersistentVolume): boolean {
    const { name } = volume.metadata;
    const own = this.#volumes.has(name) || name.startsWith(`${this.#namespace}-`) || volume.spec.claimRef?.namespace === this.#namespace;
    if (own) this.#volumes.add(name);
    return own;
  }
}

/** What each object is called, by UID. `sorted`: by revision. */
function namesOf(sorted: readonly Change[], namespace: string): Map<string, string> {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  const shortNames = new Map<string, string>();
  // Claims first: volumes that were made for them are called after them.
  for (const kind of ['Pod', 'PersistentVolumeClaim', 'PersistentVolume', 'VolumeAttachment'] as const) {
    for (const { object } of sorted.filter((change) => change.kind === kind)) {
      const uid = uidOf(object);
      if (names.has(uid)) continue;
      const called = calledOf(kind, object, { names, shortNames, namespace });
      if (kind === 'PersistentVolume') shortNames.set(object.metadata.name, called);
      const count = (counts.get(`${kind} ${called}`) ?? 0) + 1;
      counts.set(`${kind} ${called}`, count);
      names.set(uid, `${TOLD[kind]} ${called}${kind === 'PersistentVolume' ? '' : `#${count}`}`);
    }
  }
  for (const [name, short] of shortNames) names.set(name, short);
  return names;
}

function calledOf(kind: Told, object: KubernetesObject, { names, shortNames, namespace }: { names: Map<string, string>; shortNames: Map<string, string>; namespace: string }): string {
  const { name } = object.metadata;
  if (kind === 'PersistentVolume') return volumeName(name, namespace, names);
  if (kind !== 'VolumeAttachment') return name;
  return shortNames.get((object as VolumeAttachment).spec.source.persistentVolumeName ?? '') ?? '?';
}

function volumeName(name: string, namespace: string, names: ReadonlyMap<string, string>): string {
  if (name.startsWith('pvc-')) return `disk of ${short(names.get(name.slice('pvc-'.length)))}`;
  return name.startsWith(`${namespace}-`) ? name.slice(namespace.length + 1) : name;
}

/** "claim data-web-0#1" → "data-web-0#1" */
function short(name: string | undefined): string {
  return name === undefined ? 'a claim of before' : name.slice(name.indexOf(' ') + 1);
}

type Names = ReadonlyMap<string, string>;

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
  const { spec, status } = object as PersistentVolumeClaim;
  const volume = spec.volumeName ?? '';
  return volume === '' ? (status?.phase ?? 'new') : `${status?.phase ?? 'new'} of ${names.get(volume) ?? 'a volume that never was'}`;
}

function volumeState(object: KubernetesObject, names: Names): string {
  const volume = object as PersistentVolume;
  const { claimRef } = volume.spec;
  const phase = volumePhase(volume);
  if (claimRef === undefined) return phase;
  const claim = (claimRef.uid ?? '') === '' ? (claimRef.name ?? '') : short(names.get(claimRef.uid ?? ''));
  return `${phase} ${phase === 'Bound' ? 'to' : phase === 'Released' ? 'by' : 'for'} ${claim}`;
}

function attachmentState(object: KubernetesObject): string {
  return (object as VolumeAttachment).status?.attached === true ? 'attached' : 'asked for';
}
