// I7, at the moment when a record ends: Succeeded is on its new disk, and has been Ready there; RolledBack is exactly as before; Failed has
// changed nothing. Nothing that has ended begins again, and what is Frozen says why.

import { isDeepStrictEqual } from 'node:util';
import { MIGRATION_LABEL, ROLE_LABEL, SUPERSEDED_TAG, TOUCH_ANNOTATION } from '../../kubernetes/names.ts';
import { claims, volumes, type PersistentVolume, type PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { isTerminating, labelOf } from '../../kubernetes/reading.ts';
import { ended, ordinalMigrations, phaseOf, podNameOf, type ClaimRecord, type OrdinalMigration } from '../../migration/record.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { ByHand } from './by-hand.ts';
import { chronicleOf, isHandwritten, type Chronicle } from './chronicle.ts';
import { atLeastAcross } from './clocks.ts';

export const endingsAreTrue: InvariantOf = (world) => {
  const endings = new Endings(world);
  return {
    name: 'I7 endings are true',
    onRequest(request) {
      endings.byHand.note(request);
      return undefined;
    },
    onStore({ type, resource, object, previous, version }) {
      if (type === 'DELETED' || resource.plural !== ordinalMigrations.plural) return undefined;
      const [record, before] = [object as OrdinalMigration, previous as OrdinalMigration | undefined];
      const wrong = endings.changed(record, before, version);
      return wrong === undefined ? undefined : `record ${record.metadata.name} is ${phaseOf(record)} (${record.status?.reason ?? 'no reason'}): ${wrong}`;
    },
  };
};

/** Claim and volume of one part of a record as they were when it began. */
interface Before {
  version: number;
  claim: PersistentVolumeClaim | undefined;
  volume: PersistentVolume | undefined;
}

class Endings {
  readonly byHand = new ByHand();
  readonly #world: HistoryWorld;
  readonly #chronicle: Chronicle;
  readonly #began: number;
  /** By UID of the record and name of the claim. */
  readonly #before = new Map<string, Before>();

  constructor(world: HistoryWorld) {
    this.#world = world;
    this.#chronicle = chronicleOf(world);
    this.#began = world.simulated.clock.now();
  }

  changed(record: OrdinalMigration, before: OrdinalMigration | undefined, version: number): string | undefined {
    const [phase, was] = [phaseOf(record), before === undefined ? undefined : phaseOf(before)];
    if (before !== undefined && ended(before)) return phase === was ? undefined : `it had ended as ${was ?? ''}`;
    if (phase === 'Frozen') return saysWhy(record);
    if (phase === 'Running' && (was ?? 'Pending') === 'Pending') this.#remember(record, version);
    if (!ended(record) || isHandwritten(record)) return undefined;
    return saysWhy(record) ?? this.#wrongEnding(record);
  }

  #remember(record: OrdinalMigration, version: number): void {
    for (const claim of record.status?.claims ?? []) this.#before.set(keyOf(record, claim), { version, ...this.#live(record, claim.claimName, claim.source.pv) });
  }

  #live({ metadata }: OrdinalMigration, claimName: string, volumeName: string | undefined): { claim: PersistentVolumeClaim | undefined; volume: PersistentVolume | undefined } {
    const { server } = this.#world.simulated;
    return { claim: server.read(claims, { namespace: metadata.namespace ?? '', name: claimName }), volume: volumeName === undefined ? undefined : server.read(volumes, { name: volumeName }) };
  }

  #wrongEnding(record: OrdinalMigration): string | undefined {
    const { phase, reason } = record.status ?? {};
    const parts = record.status?.claims ?? [];
    if (phase === 'Succeeded') return firstOf(parts, (claim) => this.#notOnTarget(record, claim) ?? this.#neverReady(record, claim));
    if (phase === 'RolledBack') return reason === 'Reversed' ? undefined : (firstOf(parts, (claim) => this.#notAsBefore(record, claim)) ?? (reason === 'SourceRestored' ? undefined : this.#leftBehind(record)));
    return reason === 'OwnerGone' || reason === 'Released' ? undefined : (firstOf(parts, (claim) => this.#marked(record, claim)) ?? this.#leftBehind(record));
  }

  #notOnTarget(record: OrdinalMigration, part: ClaimRecord): string | undefined {
    const { target, claimName, source } = part;
    const { claim, volume } = this.#live(record, claimName, target?.pv);
    if (this.#isTouched(record, part) || claim === undefined || isTerminating(claim) || (volume !== undefined && isTerminating(volume))) return undefined;
    if (volume === undefined || claim.spec.volumeName !== target?.pv) return `claim ${claimName} is on PV ${claim.spec.volumeName ?? 'none'}, not on its new one, ${target?.pv ?? 'none'}`;
    if (volume.spec.persistentVolumeReclaimPolicy !== source.reclaimPolicy) return `PV ${volume.metadata.name} is ${volume.spec.persistentVolumeReclaimPolicy ?? '?'}, and the old one was ${source.reclaimPolicy}`;
    return markOn(volume, record) ?? markOn(claim, record);
  }

  #neverReady(record: OrdinalMigration, { target, claimName }: ClaimRecord): string | undefined {
    const { records, clock } = this.#world.simulated;
    const pod = `${record.metadata.namespace ?? ''}/${podNameOf(record)}`;
    const onTarget = new Set(records.starts.filter((start) => start.diskId === target?.diskId && start.pod === pod).map(({ uid }) => uid));
    const since = Math.min(...records.timelines(pod).filter(({ uid, readyAt }) => onTarget.has(uid) && readyAt !== undefined).map(({ readyAt = 0 }) => readyAt));
    const healthMs = record.status?.terms?.healthDurationMs ?? 0;
    if (clock.now() - since >= atLeastAcross(this.#world, healthMs, clock.now() - this.#began)) return undefined;
    return `pod ${pod} was ${since === Number.POSITIVE_INFINITY ? 'never Ready' : `first Ready ${clock.now() - since} ms ago`} on disk ${target?.diskId ?? '?'} of claim ${claimName}; the health duration is ${healthMs} ms`;
  }

  #notAsBefore(record: OrdinalMigration, part: ClaimRecord): string | undefined {
    const before = this.#before.get(keyOf(record, part));
    const { claim, volume } = this.#live(record, part.claimName, part.source.pv);
    if (before?.claim === undefined || before.volume === undefined || this.#isTouched(record, part)) return undefined;
    // Deleted by a controller in between, it comes back by itself: the old volume waits for it.
    if (claim === undefined || isTerminating(claim) || claim.status?.phase !== 'Bound') return undefined;
    if (volume === undefined || claim.spec.volumeName !== part.source.pv) return `claim ${part.claimName} is on PV ${claim.spec.volumeName ?? 'none'}, and was on ${part.source.pv}`;
    const marked = markOn(volume, record) ?? markOn(claim, record);
    if (marked !== undefined) return marked;
    const [was, is] = [pictureOf(before.claim, before.volume), pictureOf(claim, volume)];
    if (!isDeepStrictEqual(was, is)) return `claim ${part.claimName} and PV ${part.source.pv} are not as before: ${JSON.stringify(is)} instead of ${JSON.stringify(was)}`;
    const superseded = this.#world.simulated.ecs.disk(part.source.diskId)?.tags[SUPERSEDED_TAG];
    return superseded === undefined ? undefined : `disk ${part.source.diskId} still carries the tag that disk ${superseded} took its place`;
  }

  #isTouched(record: OrdinalMigration, { claimName, source, target }: ClaimRecord): boolean {
    const version = this.#before.get(`${record.metadata.uid ?? ''} ${claimName}`)?.version ?? 0;
    const { namespace = '' } = record.metadata;
    return (
      this.byHand.changedSince(version, { resource: 'persistentvolumeclaims', namespace, name: claimName }) ||
      [source.pv, target?.pv].some((name) => name !== undefined && this.byHand.changedSince(version, { resource: 'persistentvolumes', name }))
    );
  }

  #marked(record: OrdinalMigration, { claimName, source }: ClaimRecord): string | undefined {
    const { claim, volume } = this.#live(record, claimName, source.pv);
    return (claim === undefined ? undefined : markOn(claim, record)) ?? (volume === undefined ? undefined : markOn(volume, record));
  }

  /** Disks that were made for it go in its undo; snapshots may still have to be finished by the cloud, and are in the record then. */
  #leftBehind(record: OrdinalMigration): string | undefined {
    const { ecs, server } = this.#world.simulated;
    const discarded = new Set((record.status?.claims ?? []).flatMap(({ discardedSnapshots = [] }) => discardedSnapshots));
    for (const [id, uid] of this.#chronicle.made) {
      if (uid !== record.metadata.uid) continue;
      const disk = ecs.disk(id);
      if (disk !== undefined && disk.status !== 'Deleted') return `disk ${id}, which was made for it, is still there (${disk.status})`;
      if (disk === undefined && ecs.snapshot(id)?.status !== 'deleted' && !discarded.has(id)) return `snapshot ${id}, which was made for it, is still there, and the record does not say that it goes`;
    }
    const volume = server.readAll(volumes).find((one) => labelOf(one, MIGRATION_LABEL) === record.metadata.uid && labelOf(one, ROLE_LABEL) === 'target');
    return volume === undefined ? undefined : `PV ${volume.metadata.name}, which was made for it, is still there`;
  }
}

function keyOf({ metadata }: OrdinalMigration, { claimName }: ClaimRecord): string {
  return `${metadata.uid ?? ''} ${claimName}`;
}

function firstOf<T>(list: readonly T[], wrong: (one: T) => string | undefined): string | undefined {
  for (const one of list) {
    const found = wrong(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function saysWhy({ status }: OrdinalMigration): string | undefined {
  return (status?.reason ?? '') === '' || (status?.message ?? '') === '' ? 'it does not say why' : undefined;
}

function markOn(object: PersistentVolume | PersistentVolumeClaim, { metadata }: OrdinalMigration): string | undefined {
  return labelOf(object, MIGRATION_LABEL) === metadata.uid ? `${object.kind ?? ''} ${object.metadata.name} still carries its label` : undefined;
}

/** Written by Kubernetes itself, as it binds. */
const BOOKKEEPING = new Set(['pv.kubernetes.io/bind-completed', 'pv.kubernetes.io/bound-by-controller', 'volume.kubernetes.io/selected-node', 'volume.kubernetes.io/storage-provisioner', 'volume.beta.kubernetes.io/storage-provisioner', TOUCH_ANNOTATION]);

/** What people see of the two. The claim is another object by now, so what names it is left out. */
function pictureOf(claim: PersistentVolumeClaim, volume: PersistentVolume): Record<string, unknown> {
  const { claimRef, ...spec } = volume.spec;
  const own = (values: Record<string, string> = {}): Record<string, string> => Object.fromEntries(Object.entries(values).filter(([key]) => !BOOKKEEPING.has(key)).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return {
    claim: { labels: own(claim.metadata.labels), annotations: own(claim.metadata.annotations), spec: claim.spec },
    volume: { labels: own(volume.metadata.labels), annotations: own(volume.metadata.annotations), spec, claim: `${claimRef?.namespace ?? ''}/${claimRef?.name ?? ''}` },
  };
}
