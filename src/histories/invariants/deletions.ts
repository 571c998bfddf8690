// I4: we delete a disk or a snapshot only when the record said so before, and it is either what an undo throws away unused, or what has
// been retained for as long as was promised while the claim lives on a disk that came from it.

import { CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL } from '../../kubernetes/names.ts';
import { claims, volumes } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import { ended, inFlight, type ClaimRecord, type OrdinalMigration } from '../../migration/record.ts';
import type { DiskView } from '../../simulation/ecs/model.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf, type Chronicle, type Part } from './chronicle.ts';
import { atLeastAcross } from './clocks.ts';

const DAY_MS = 86_400_000;

export const deletionsAreDue: InvariantOf = (world) => {
  const judge = new Judge(world);
  return {
    name: 'I4 deletions are due',
    onCall({ action, parameters }) {
      const why = action === 'DeleteDisk' ? judge.ofDisk(String(parameters['DiskId'])) : action === 'DeleteSnapshot' ? judge.ofSnapshot(String(parameters['SnapshotId'])) : undefined;
      return why === undefined ? undefined : `${action} ${String(parameters['DiskId'] ?? parameters['SnapshotId'])}: ${why}`;
    },
  };
};

class Judge {
  readonly #world: HistoryWorld;
  readonly #chronicle: Chronicle;
  readonly #began: number;

  constructor(world: HistoryWorld) {
    this.#world = world;
    this.#chronicle = chronicleOf(world);
    this.#began = world.simulated.clock.now();
  }

  /** Why it must not go. */
  ofDisk(id: string): string | undefined {
    const disk = this.#world.simulated.ecs.disk(id);
    if (disk === undefined) return 'there never was such a disk';
    if (disk.status === 'Deleted') return undefined;
    const parts = this.#chronicle.partsWith(id);
    if (parts.length === 0) return this.#whyNoOrphan(disk);
    const reasons = parts.map((part) => this.#whyKept(part, disk));
    const grants = parts.filter((_, index) => reasons[index] === undefined);
    if (grants.length === 0) return reasons.join('; ');
    const other = parts.find(({ record }) => inFlight(record) && !grants.some((grant) => grant.record.metadata.uid === record.metadata.uid));
    return other === undefined ? undefined : `record ${other.record.metadata.name} is in flight and has it as its ${other.role}`;
  }

  ofSnapshot(id: string): string | undefined {
    const { ecs } = this.#world.simulated;
    const snapshot = ecs.snapshot(id);
    if (snapshot === undefined || snapshot.status === 'deleted') return undefined;
    const part = this.#chronicle.parts(this.#chronicle.live()).find(({ claim }) => slotsOf(claim).includes(id));
    if (part === undefined) return 'no record has it';
    const needed = snapshot.status !== 'progressing' ? undefined : snapshot.madeDisks.find((made) => ecs.disk(made)?.attachedAt !== undefined && ecs.disk(made)?.status !== 'Deleted');
    if (needed !== undefined) return `it is not uploaded yet, and disk ${needed}, which was made from it, is in use`;
    if (part.claim.discardedSnapshots?.includes(id) === true) return undefined;
    const { record } = part;
    if (!ended(record)) return `record ${record.metadata.name} is ${record.status?.phase ?? 'Pending'}`;
    if (snapshot.status === 'progressing') return 'it is not uploaded yet';
    return this.#whyTooEarly(record, record.status?.terms?.snapshotRetentionMs ?? DAY_MS);
  }

  #whyKept({ record, claim, role }: Part & { role: 'source' | 'target' }, disk: DiskView): string | undefined {
    const { phase, reason, course } = record.status ?? {};
    const named = `record ${record.metadata.name}, ${phase ?? 'Pending'} ${reason ?? ''} at ${record.status?.step ?? 'nothing'}, has it as its ${role}`;
    if (disk.attachments.length > 0) return `it is ${disk.status}`;
    if (role === 'target' && phase === 'RollingBack' && course === 'Undo') return this.#whyNotThrownAway(claim, disk);
    if (role === 'source' && (phase === 'Succeeded' || (phase === 'RolledBack' && reason === 'Reversed'))) return this.#whyNotRetired({ record, claim }, disk);
    if (role === 'target' && phase === 'RolledBack' && course === 'Restore') return claim.target?.retiringAt === undefined ? `${named}, without the intent to delete it` : this.#whyTooEarly(record, sourceRetention(record, claim));
    return named;
  }

  #whyNotThrownAway(claim: ClaimRecord, disk: DiskView): string | undefined {
    if (disk.attachedAt !== undefined) return 'it has been attached, and may hold writes';
    if (claim.target?.discardingAt === undefined) return 'the record does not say that it is about to be deleted';
    return this.#whyItHasVolume(disk.id);
  }

  #whyNotRetired({ record, claim }: Part, disk: DiskView): string | undefined {
    if (claim.source.retiringAt === undefined) return `record ${record.metadata.name} does not say that it is about to be deleted`;
    return this.#whyTooEarly(record, sourceRetention(record, claim)) ?? this.#whyItHasVolume(disk.id) ?? this.#whyNoSuccessor({ record, claim }, disk) ?? this.#whySnapshotNeedsIt(claim);
  }

  #whyNoSuccessor({ record, claim }: Part, disk: DiskView): string | undefined {
    const { server, ecs } = this.#world.simulated;
    const live = server.read(claims, { namespace: record.metadata.namespace ?? '', name: claim.claimName });
    const volume = server.read(volumes, { name: live?.spec.volumeName ?? '' });
    const diskId = volume === undefined ? undefined : diskIdOf(volume);
    if (diskId === undefined || volume?.spec.claimRef?.uid !== live?.metadata.uid) return `claim ${claim.claimName} is not Bound, so it may be the last copy`;
    if (ecs.disk(diskId)?.status === 'Deleted') return `disk ${diskId} of claim ${claim.claimName} is gone, so it may be the last copy`;
    return diskId !== disk.id && this.#chronicle.descends(diskId, disk.id) ? undefined : `claim ${claim.claimName} is on disk ${diskId}, which does not come from it`;
  }

  /** Until its upload is complete a snapshot lives on the disk that it was taken of. */
  #whySnapshotNeedsIt({ snapshot }: ClaimRecord): string | undefined {
    const seen = snapshot?.id === undefined ? undefined : this.#world.simulated.ecs.snapshot(snapshot.id);
    return seen?.status === 'progressing' || seen?.status === 'failed' ? `its snapshot ${seen.id} is ${seen.status}` : undefined;
  }

  #whyTooEarly(record: OrdinalMigration, retention: number | 'forever'): string | undefined {
    if (retention === 'forever') return 'it is to be kept for ever';
    const { clock } = this.#world.simulated;
    const keptMs = clock.now() - (this.#chronicle.endedAt.get(record.metadata.uid ?? '') ?? clock.now());
    return keptMs < atLeastAcross(this.#world, retention, clock.now() - this.#began) ? `it has been kept for ${keptMs} ms since the end, of ${retention} that were promised` : undefined;
  }

  #whyItHasVolume(id: string): string | undefined {
    const volume = this.#world.simulated.server.readAll(volumes).find((one) => diskIdOf(one) === id);
    return volume === undefined ? undefined : `PV ${volume.metadata.name} stands for it`;
  }

  /** Of no record any more: a target that was never used, with our tags on it. */
  #whyNoOrphan(disk: DiskView): string | undefined {
    const { [CLUSTER_TAG]: cluster, [ROLE_LABEL]: role, [MIGRATION_LABEL]: migration = '' } = disk.tags;
    if (cluster !== this.#world.clusterUID || role !== 'target' || migration === '') return 'no record has it, and its tags do not say that it is ours';
    if (this.#chronicle.isLive(migration)) return 'its record is there, and may be about to learn its id';
    return disk.attachedAt === undefined && disk.attachments.length === 0 ? this.#whyItHasVolume(disk.id) : 'no record has it, and it has been attached';
  }
}

function slotsOf({ snapshot, rescue, discardedSnapshots = [] }: ClaimRecord): string[] {
  return [snapshot?.id, rescue?.id, ...discardedSnapshots].filter((id) => id !== undefined);
}

function sourceRetention(record: OrdinalMigration, claim: ClaimRecord): number | 'forever' {
  return record.status?.terms?.sourceRetentionMs ?? (claim.source.reclaimPolicy === 'Retain' ? 'forever' : DAY_MS);
}
