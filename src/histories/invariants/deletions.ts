// I4: we delete a disk or a snapshot only when the record said so before, and it is either what an undo throws away unused, or what has
// been retained for as long as was promised while the claim lives on a disk that came from it.

import { CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL } from '../../kubernetes/names.ts';
import { plannedRetention } from '../../controller/moves.ts';
import { ended, inFlight, type ClaimRecord, type OrdinalMigration } from '../../migration/record.ts';
import type { DiskView, SnapshotView } from '../../simulation/ecs/model.ts';
import type { CloudCall, HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf, type Chronicle, type Part } from './chronicle.ts';
import { atLeastAcross } from './clocks.ts';
import { isBound, liveClaim, volumeOfDisk } from './live-claim.ts';
import { isMovedAway, stateOf, told } from './record-state.ts';

const DAY_MS = 86_400_000;
/** Longer than a slow call takes. */
const ON_ITS_WAY_MS = 30_000;

export const deletionsAreDue: InvariantOf = (world) => {
  const judge = new Judge(world);
  return {
    name: 'I4 deletions are due',
    onCall(call) {
      const why = judge.ofCall(call);
      return why === undefined ? undefined : `${call.action} ${String(call.parameters['DiskId'] ?? call.parameters['SnapshotId'])}: ${why}`;
    },
  };
};

/** Each method says why it must not go. */
class Judge {
  readonly #world: HistoryWorld;
  readonly #chronicle: Chronicle;
  readonly #began: number;

  constructor(world: HistoryWorld) {
    this.#world = world;
    this.#chronicle = chronicleOf(world);
    this.#began = world.simulated.clock.now();
  }

  ofCall({ action, parameters }: CloudCall): string | undefined {
    const { ecs } = this.#world.simulated;
    if (action === 'DeleteDisk') {
      const disk = ecs.disk(String(parameters['DiskId']));
      return disk === undefined ? 'there never was such a disk' : this.#ofDisk(disk);
    }
    const snapshot = action === 'DeleteSnapshot' ? ecs.snapshot(String(parameters['SnapshotId'])) : undefined;
    return snapshot === undefined ? undefined : this.#ofSnapshot(snapshot);
  }

  #ofDisk(disk: DiskView): string | undefined {
    if (disk.status === 'Deleted') return undefined;
    const parts = this.#chronicle.partsWith(disk.id);
    if (parts.length === 0) return this.#whyNoOrphan(disk);
    const reasons = parts.map((part) => this.#whyKept(part, disk));
    const grants = parts.filter((_, index) => reasons[index] === undefined);
    if (grants.length === 0) return reasons.join('; ');
    const other = parts.find(({ record }) => inFlight(record) && !grants.some((grant) => grant.record.metadata.uid === record.metadata.uid));
    return other === undefined ? undefined : `${told(other.record)} has it as its ${other.role}`;
  }

  #ofSnapshot(snapshot: SnapshotView): string | undefined {
    if (snapshot.status === 'deleted') return undefined;
    const part = this.#chronicle.parts(this.#chronicle.live()).find(({ claim }) => snapshotsOf(claim).includes(snapshot.id));
    if (part === undefined) return 'no record has it';
    return this.#whoNeeds(snapshot) ?? (isDiscarded(part.claim, snapshot.id) ? undefined : this.#whySnapshotKept(part.record, snapshot));
  }

  #whySnapshotKept(record: OrdinalMigration, { status }: SnapshotView): string | undefined {
    if (!ended(record)) return `${told(record)} has it`;
    return status === 'progressing' ? 'it is not uploaded yet' : this.#whyTooEarly(record, snapshotRetention(record));
  }

  /** Until it is uploaded a disk that was made from it reads from it. */
  #whoNeeds({ status, madeDisks }: SnapshotView): string | undefined {
    if (status !== 'progressing') return undefined;
    const user = madeDisks.map((id) => this.#world.simulated.ecs.disk(id)).find((disk) => disk?.attachedAt !== undefined && disk.status !== 'Deleted');
    return user === undefined ? undefined : `it is not uploaded yet, and disk ${user.id}, which was made from it, is in use`;
  }

  #whyKept({ record, claim, role }: Part & { role: 'source' | 'target' }, disk: DiskView): string | undefined {
    if (disk.attachments.length > 0) return `it is ${disk.status}`;
    const state = stateOf(record);
    if (role === 'source') return isMovedAway(state) ? this.#whyNotRetired({ record, claim }, disk) : `${told(record)} has it as its source`;
    if (state.phase === 'RollingBack' && state.course === 'Undo') return this.#whyNotThrownAway(claim, disk);
    const restored = state.phase === 'RolledBack' && state.course === 'Restore' && claim.target?.retiringAt !== undefined;
    return restored ? this.#whyTooEarly(record, sourceRetention(record, claim)) : `${told(record)} has it as its target`;
  }

  #whyNotThrownAway({ target }: ClaimRecord, disk: DiskView): string | undefined {
    if (disk.attachedAt !== undefined) return 'it has been attached, and may hold writes';
    return target?.discardingAt === undefined ? 'the record does not say that it is about to be deleted' : this.#whyItHasVolume(disk.id);
  }

  #whyNotRetired({ record, claim }: Part, disk: DiskView): string | undefined {
    if (claim.source.retiringAt === undefined) return `${told(record)} does not say that it is about to be deleted`;
    return this.#whyTooEarly(record, sourceRetention(record, claim)) ?? this.#whyItHasVolume(disk.id) ?? this.#whyNoSuccessor({ record, claim }, disk) ?? this.#whySnapshotNeedsIt(claim);
  }

  #whyNoSuccessor({ record, claim }: Part, { id }: DiskView): string | undefined {
    const live = liveClaim(this.#world, { namespace: record.metadata.namespace ?? '', name: claim.claimName });
    const { disk } = live;
    if (this.#wasJustGivenUp(record, claim)) return undefined;
    if (disk === undefined || !isBound(live)) return `claim ${claim.claimName} is not Bound, so it may be the last copy`;
    if (disk.status === 'Deleted') return `disk ${disk.id} of claim ${claim.claimName} is gone, so it may be the last copy`;
    return disk.id !== id && this.#chronicle.descends(disk.id, id) ? undefined : `claim ${claim.claimName} is on disk ${disk.id}, which does not come from it`;
  }

  /** Between the last live look and the cloud's answer. */
  #wasJustGivenUp({ metadata }: OrdinalMigration, { claimName }: ClaimRecord): boolean {
    return this.#world.simulated.clock.now() - this.#chronicle.givenUpAt(`${metadata.namespace ?? ''}/${claimName}`) < ON_ITS_WAY_MS;
  }

  /** Until its upload is complete a snapshot lives on the disk that it was taken of. */
  #whySnapshotNeedsIt({ snapshot }: ClaimRecord): string | undefined {
    const seen = snapshot?.id === undefined ? undefined : this.#world.simulated.ecs.snapshot(snapshot.id);
    return seen?.status === 'progressing' || seen?.status === 'failed' ? `its snapshot ${seen.id} is ${seen.status}` : undefined;
  }

  #whyTooEarly(record: OrdinalMigration, retention: number | 'forever'): string | undefined {
    return whyTooEarly(this.#world, { record, retention, began: this.#began });
  }

  #whyItHasVolume(id: string): string | undefined {
    const volume = volumeOfDisk(this.#world, id);
    return volume === undefined ? undefined : `PV ${volume.metadata.name} stands for it`;
  }

  /** Of no record any more: a target that was never used, with our tags on it. */
  #whyNoOrphan({ id, tags, attachedAt, attachments }: DiskView): string | undefined {
    const { [CLUSTER_TAG]: cluster, [ROLE_LABEL]: role, [MIGRATION_LABEL]: migration = '' } = tags;
    if (cluster !== this.#world.clusterUID || role !== 'target' || migration === '') return 'no record has it, and its tags do not say that it is ours';
    if (attachedAt !== undefined || attachments.length > 0) return 'no record has it, and it has been attached';
    return this.#whyWanted(migration) ?? this.#whyItHasVolume(id);
  }

  /** By the record that it was made for, though that does not name it. */
  #whyWanted(uid: string): string | undefined {
    const record = this.#chronicle.live().find(({ metadata }) => metadata.uid === uid);
    if (record === undefined) return undefined;
    if (!ended(record)) return 'its record is there, and may be about to learn its id';
    return record.status?.phase === 'Failed' ? `${told(record)} was left to a person with all that was made for it` : undefined;
  }
}

/** Of what a record keeps. `began`: when the history did, for clocks that are off. */
export function whyTooEarly(world: HistoryWorld, { record, retention, began }: { record: OrdinalMigration; retention: number | 'forever'; began: number }): string | undefined {
  if (retention === 'forever') return 'it is to be kept for ever';
  const now = world.simulated.clock.now();
  const keptMs = now - (chronicleOf(world).endedAt.get(record.metadata.uid ?? '') ?? now);
  return keptMs < atLeastAcross(world, retention, now - began) ? `it has been kept for ${keptMs} ms since the end, of ${retention} that were promised` : undefined;
}

function snapshotsOf({ snapshot, rescue, discardedSnapshots = [] }: ClaimRecord): (string | undefined)[] {
  return [snapshot?.id, rescue?.id, ...discardedSnapshots];
}

function isDiscarded({ discardedSnapshots = [] }: ClaimRecord, id: string): boolean {
  return discardedSnapshots.includes(id);
}

/** As it was planned, which nobody can change; what a move by hand leaves open is in its terms. */
export function snapshotRetention({ spec, status }: OrdinalMigration): number | 'forever' {
  return plannedRetention(spec.snapshotRetention) ?? status?.terms?.snapshotRetentionMs ?? DAY_MS;
}

export function sourceRetention({ spec, status }: OrdinalMigration, { source }: ClaimRecord): number | 'forever' {
  return plannedRetention(spec.sourceRetention) ?? status?.terms?.sourceRetentionMs ?? (source.reclaimPolicy === 'Retain' ? 'forever' : DAY_MS);
}
