// I9: a disk that was made from a snapshot is attached only if nobody had touched the disk that it came from since, and from then on
// nobody attaches that one again: what is written there would be on a branch that is lost.

import type { InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';

interface Use {
  /** Number of the entry of the cloud's history that attached it last. */
  attached: number;
  free: boolean;
}

interface Cut {
  /** Number of the entry that took the snapshot. */
  taken: number;
  /** Nothing was attached to its disk at that moment. */
  free: boolean;
}

export const noStaleDiskAttached: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  const { ecs } = world.simulated;
  const uses = new Map<string, Use>(ecs.disks().filter(({ attachments }) => attachments.length > 0).map(({ id }) => [id, { attached: 0, free: false }]));
  const cuts = new Map<string, Cut>();
  /** By source: the disks made from it that were attached. */
  const successors = new Map<string, string[]>();

  /** `use`: as it was before this attach. */
  const wrongWith = (id: string, use: Use | undefined): string | undefined => {
    const superseded = (successors.get(id) ?? []).find((successor) => !chronicle.wasRestored(successor, id));
    if (superseded !== undefined && !isGivenUp(id)) return `disk ${id} is attached again after disk ${superseded}, which was made from it, has been attached`;
    const lineage = ecs.disk(id)?.lineage;
    if (use !== undefined || lineage === undefined) return undefined;
    successors.set(lineage.diskId, [...(successors.get(lineage.diskId) ?? []), id]);
    const [source, cut] = [uses.get(lineage.diskId), cuts.get(lineage.snapshotId)];
    const came = `disk ${id} is attached, and comes from snapshot ${lineage.snapshotId} of disk ${lineage.diskId}`;
    if (cut === undefined || !cut.free) return `${came}, which was in use when that was taken`;
    return source !== undefined && (source.attached > cut.taken || !source.free) ? `${came}, which has been attached since` : undefined;
  };

  /** Whether people let go of the claim in the middle of a move: they decide which disk it is to be. */
  const isGivenUp = (id: string): boolean => chronicle.givenUpAt(chronicle.claimOfDisk(id) ?? '') > Number.NEGATIVE_INFINITY;

  return {
    name: 'I9 no stale disk attached',
    onCloud({ sequence, subject, id, event, details }) {
      if (subject === 'snapshot' && event === 'created') cuts.set(id, { taken: sequence, free: uses.get(String(details['diskId']))?.free ?? true });
      if (subject !== 'disk') return undefined;
      const use = uses.get(id);
      if (event === 'Available' && use !== undefined) uses.set(id, { ...use, free: true });
      if (event !== 'Attaching') return undefined;
      uses.set(id, { attached: sequence, free: false });
      return wrongWith(id, use);
    },
  };
};
