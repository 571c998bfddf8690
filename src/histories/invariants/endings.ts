// I7, at the moment when a record ends: Succeeded is on its new disk, and has been Ready there; RolledBack is exactly as before; Failed has
// changed nothing. Nothing that has ended begins again, and what is Frozen says why.

import { isDeepStrictEqual } from 'node:util';
import { MIGRATION_LABEL, ROLE_LABEL, SUPERSEDED_TAG } from '../../kubernetes/names.ts';
import { claims, volumes, type PersistentVolume, type PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { isTerminating, labelOf } from '../../kubernetes/reading.ts';
import { claimsOf, ended, ordinalMigrations, phaseOf, podNameOf, type ClaimRecord, type OrdinalMigration } from '../../migration/record.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { ByHand } from './by-hand.ts';
import { chronicleOf, isHandwritten, type Chronicle, type Part } from './chronicle.ts';
import { pictureOf } from './claim-picture.ts';
import { atLeastAcross } from './clocks.ts';
import { stateOf, told } from './record-state.ts';

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
      const record = object as OrdinalMigration;
      const wrong = endings.changed(record, previous as OrdinalMigration | undefined, version);
      return wrong === undefined ? undefined : `${told(record)}: ${wrong}`;
    },
  };
};

/** Claim and volume of one part of a record as they were when it began. */
interface Before {
  version: number;
  claim: PersistentVolumeClaim | undefined;
  volume: PersistentVolume | undefined;
}

/** Each private method says what is wrong with one part. */
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
    const [phase, was] = [phaseOf(record), before === undefined ? 'Pending' : phaseOf(before)];
    if (before !== undefined && ended(before)) return phase === was ? undefined : `it had ended as ${was}`;
    if (phase === 'Running' && was === 'Pending') this.#remember(record, version);
    return phase === 'Frozen' ? saysWhy(record) : this.#ends(record);
  }

  #ends(record: OrdinalMigration): string | undefined {
    return ended(record) && !isHandwritten(record) ? (saysWhy(record) ?? this.#wrongEnding(record)) : undefined;
  }

  #remember(record: OrdinalMigration, version: number): void {
    for (const claim of claimsOf(record)) {
      const part = { record, claim };
      this.#before.set(keyOf(part), { version, claim: this.#claimOf(part), volume: this.#volumeOf(claim.source.pv) });
    }
  }

  #claimOf({ record, claim }: Part): PersistentVolumeClaim | undefined {
    return this.#world.simulated.server.read(claims, { namespace: record.metadata.namespace ?? '', name: claim.claimName });
  }

  #volumeOf(name: string | undefined): PersistentVolume | undefined {
    return name === undefined ? undefined : this.#world.simulated.server.read(volumes, { name });
  }

  #wrongEnding(record: OrdinalMigration): string | undefined {
    const { phase, reason } = stateOf(record);
    const parts = this.#chronicle.parts([record]);
    if (phase === 'Succeeded') return firstOf(parts, (part) => this.#notOnTarget(part) ?? this.#neverReady(part));
    if (['Reversed', 'OwnerGone', 'Released'].includes(reason)) return undefined;
    if (phase === 'Failed') return firstOf(parts, (part) => this.#marked(part)) ?? this.#leftBehind(record);
    return firstOf(parts, (part) => this.#notAsBefore(part)) ?? (reason === 'SourceRestored' ? undefined : this.#leftBehind(record));
  }

  #notOnTarget(part: Part): string | undefined {
    const { target, claimName, source } = part.claim;
    const [claim, volume] = [this.#judged(part), this.#volumeOf(target?.pv)];
    if (claim === undefined) return undefined;
    const { volumeName = 'none' } = claim.spec;
    if (volume?.metadata.name !== volumeName) return `claim ${claimName} is on PV ${volumeName}, not on its new one`;
    const { persistentVolumeReclaimPolicy: policy = 'none' } = volume.spec;
    return policy === source.reclaimPolicy || isTerminating(volume) ? this.#marked(part) : `the reclaim policy of PV ${volumeName} is ${policy}, and that of the old one was ${source.reclaimPolicy}`;
  }

  #neverReady({ record, claim: { target, claimName } }: Part): string | undefined {
    const { records, clock } = this.#world.simulated;
    const pod = `${record.metadata.namespace ?? ''}/${podNameOf(record)}`;
    const onTarget = new Set(records.starts.filter((start) => start.diskId === target?.diskId && start.pod === pod).map(({ uid }) => uid));
    const since = Math.min(...records.timelines(pod).flatMap(({ uid, readyAt }) => (onTarget.has(uid) ? (readyAt ?? []) : [])));
    const healthMs = record.status?.terms?.healthDurationMs ?? 0;
    if (clock.now() - since >= atLeastAcross(this.#world, healthMs, clock.now() - this.#began)) return undefined;
    return `pod ${pod} was ${Number.isFinite(since) ? `first Ready ${clock.now() - since} ms ago` : 'never Ready'} on disk ${target?.diskId ?? 'none'} of claim ${claimName}; the health duration is ${healthMs} ms`;
  }

  #notAsBefore(part: Part): string | undefined {
    const { source, claimName } = part.claim;
    const [claim, volume] = [this.#judged(part), this.#volumeOf(source.pv)];
    // Deleted by a controller in between, it comes back by itself: the old volume waits for it.
    if (claim?.status?.phase !== 'Bound') return undefined;
    const { volumeName = 'none' } = claim.spec;
    if (volume?.metadata.name !== volumeName) return `claim ${claimName} is on PV ${volumeName}, and was on ${source.pv}`;
    return this.#superseded(source.diskId) ?? this.#marked(part) ?? this.#changedSince(part, claim, volume);
  }

  /** Nobody else has had a hand in it. */
  #judged(part: Part): PersistentVolumeClaim | undefined {
    const claim = this.#claimOf(part);
    return claim === undefined || isTerminating(claim) || this.#isTouched(part) ? undefined : claim;
  }

  #superseded(diskId: string): string | undefined {
    const successor = this.#world.simulated.ecs.disk(diskId)?.tags[SUPERSEDED_TAG];
    return successor === undefined ? undefined : `disk ${diskId} still carries the tag that disk ${successor} took its place`;
  }

  #changedSince(part: Part, claim: PersistentVolumeClaim, volume: PersistentVolume): string | undefined {
    const before = this.#before.get(keyOf(part));
    if (before?.claim === undefined || before.volume === undefined) return undefined;
    // What another move had left Retain when it was let go of gets back the policy from before that one.
    const asItWas = { reclaimPolicy: labelOf(before.volume, MIGRATION_LABEL) === undefined };
    const [was, is] = [pictureOf(before.claim, before.volume, asItWas), pictureOf(claim, volume, asItWas)];
    return isDeepStrictEqual(was, is) ? undefined : `claim ${claim.metadata.name} and PV ${volume.metadata.name} are not as before: ${JSON.stringify(is)} instead of ${JSON.stringify(was)}`;
  }

  #isTouched(part: Part): boolean {
    const version = this.#before.get(keyOf(part))?.version ?? 0;
    const { claimName, source, target } = part.claim;
    const volumeNames = [source.pv, target?.pv ?? source.pv];
    return (
      this.byHand.changedSince(version, { resource: 'persistentvolumeclaims', namespace: part.record.metadata.namespace ?? '', name: claimName }) ||
      volumeNames.some((name) => this.byHand.changedSince(version, { resource: 'persistentvolumes', name }))
    );
  }

  #marked(part: Part): string | undefined {
    const { source, target } = part.claim;
    const kept = phaseOf(part.record) === 'Succeeded' ? this.#volumeOf(target?.pv) : this.#volumeOf(source.pv);
    const marked = [this.#claimOf(part), kept].find((object) => object !== undefined && labelOf(object, MIGRATION_LABEL) === part.record.metadata.uid);
    return marked === undefined ? undefined : `${marked.kind ?? ''} ${marked.metadata.name} still carries its label`;
  }

  /**
   * Disks that were made for it go in its undo; snapshots may still have to be finished by the cloud, and are in the record then. Of two
   * that the cloud made for one token, one not shown yet, the sweep finds the other.
   */
  #leftBehind(record: OrdinalMigration): string | undefined {
    const { ecs, server } = this.#world.simulated;
    const discarded = new Set(claimsOf(record).flatMap(({ discardedSnapshots = [] }) => discardedSnapshots));
    const made = [...this.#chronicle.made].filter(([id, uid]) => uid === record.metadata.uid && !discarded.has(id) && !this.#chronicle.isFoundByTag(record, id)).map(([id]) => ecs.disk(id) ?? ecs.snapshot(id));
    const left = made.find((one) => one !== undefined && one.deletedAt === undefined);
    if (left !== undefined) return `${left.id}, which was made for it, is still there (${left.status}), and the record does not say that it goes`;
    const volume = server.readAll(volumes).find((one) => labelOf(one, MIGRATION_LABEL) === record.metadata.uid && labelOf(one, ROLE_LABEL) === 'target');
    return volume === undefined ? undefined : `PV ${volume.metadata.name}, which was made for it, is still there`;
  }
}

function keyOf({ record, claim }: { record: OrdinalMigration; claim: ClaimRecord }): string {
  return `${record.metadata.uid ?? ''} ${claim.claimName}`;
}

function firstOf<T>(list: readonly T[], wrong: (one: T) => string | undefined): string | undefined {
  for (const one of list) {
    const found = wrong(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function saysWhy(record: OrdinalMigration): string | undefined {
  const { reason, message } = stateOf(record);
  return reason === '' || message === '' ? 'it does not say why' : undefined;
}
