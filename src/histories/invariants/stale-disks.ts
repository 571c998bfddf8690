// I9: a disk that was made from a snapshot is attached only if nobody had touched the disk that it came from since, and from then on
// nobody attaches that one again: what is written there would be on a branch that is lost. Nor does anybody once a move has let its pod go
// to the new disk, whether that has been attached yet or not.

import { EXCUSES } from '../acts/excuses.ts';
import { claimsOf, courseOf, inFlight, ordinalMigrations, statusOf, type OrdinalMigration } from '../../migration/record.ts';
import type { CloudCall, HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf, type Chronicle } from './chronicle.ts';
import { told } from './record-state.ts';

interface Use {
  /** Number of the entry of the cloud's history that attached it last. */
  attached: number;
  /** When that was. */
  at: number;
  /** It has come through once: an instance that goes before that has seen nothing of the disk. */
  came: boolean;
  free: boolean;
}

interface Cut {
  /** Number of the entry that took the snapshot. */
  taken: number;
  /** Nothing was attached to its disk at that moment. */
  free: boolean;
}

export const noStaleDiskAttached: InvariantOf = (world) => {
  const branches = new Branches(world);
  return {
    name: 'I9 no stale disk attached',
    onCall(call) {
      branches.looked(call);
      return undefined;
    },
    onStore({ type, resource, object }) {
      if (type !== 'DELETED' && resource.plural === ordinalMigrations.plural) branches.moved(object as OrdinalMigration);
      return undefined;
    },
    onCloud({ sequence, subject, id, event, details }) {
      if (subject === 'snapshot' && event === 'created') branches.cut(id, { of: String(details['diskId']), sequence });
      if (subject !== 'disk') return undefined;
      if (event === 'In_use') branches.came(id);
      if (event === 'Available') branches.detached(id);
      return event === 'Attaching' ? branches.attached(id, sequence) : undefined;
    },
  };
};

class Branches {
  readonly #world: HistoryWorld;
  readonly #chronicle: Chronicle;
  readonly #uses = new Map<string, Use>();
  readonly #cuts = new Map<string, Cut>();
  /** By source: when it was looked at last while its pod was still held; and the same once the pod was let go. */
  readonly #looks = new Map<string, number>();
  readonly #lastLooks = new Map<string, number>();
  /** By source: the disks made from it that were attached. */
  readonly #successors = new Map<string, string[]>();

  constructor(world: HistoryWorld) {
    this.#world = world;
    this.#chronicle = chronicleOf(world);
    for (const { id, attachments } of world.simulated.ecs.disks()) if (attachments.length > 0) this.#uses.set(id, { attached: 0, at: 0, came: true, free: false });
  }

  /** A move at its last step before its pod is let go asks what became of the disk. */
  looked({ action, parameters }: CloudCall): void {
    if (action !== 'DescribeDisks') return;
    const asked = JSON.stringify(parameters);
    for (const { record, claim } of this.#chronicle.parts(this.#chronicle.live())) {
      const isLastStep = courseOf(record) === 'Forward' && record.status?.step === 'ungate' && !isLettingGo(record);
      if (isLastStep && asked.includes(claim.source.diskId)) this.#looks.set(claim.source.diskId, this.#world.simulated.clock.now());
    }
  }

  moved(record: OrdinalMigration): void {
    for (const { source } of isLettingGo(record) ? claimsOf(record) : []) {
      const lastLook = this.#looks.get(source.diskId);
      if (lastLook !== undefined) this.#lastLooks.set(source.diskId, lastLook);
    }
  }

  cut(snapshotId: string, { of, sequence }: { of: string; sequence: number }): void {
    this.#cuts.set(snapshotId, { taken: sequence, free: this.#uses.get(of)?.free ?? true });
  }

  came(id: string): void {
    const use = this.#uses.get(id);
    if (use !== undefined) this.#uses.set(id, { ...use, came: true });
  }

  detached(id: string): void {
    const use = this.#uses.get(id);
    if (use?.came === true) this.#uses.set(id, { ...use, free: true });
    else this.#forget(id);
  }

  #forget(id: string): void {
    this.#uses.delete(id);
    for (const [source, successors] of this.#successors) this.#successors.set(source, successors.filter((one) => one !== id));
  }

  attached(id: string, sequence: number): string | undefined {
    const isFirst = !this.#uses.has(id);
    this.#uses.set(id, { attached: sequence, at: this.#world.simulated.clock.now(), came: this.#uses.get(id)?.came ?? false, free: false });
    // Whoever attaches a disk at the console answers for it, and no workload writes there; that it was touched counts all the same.
    if (this.#world.excuses.has(EXCUSES.diskAttachedByHand(id))) return undefined;
    const wrong = this.#whyStale(id) ?? this.#whyLeft(id) ?? (isFirst ? this.#whyNoSuccessor(id) : undefined);
    return this.#isGivenUp(id) ? undefined : wrong;
  }

  #whyStale(id: string): string | undefined {
    const newer = this.#successors.get(id)?.find((successor) => !this.#chronicle.wasRestored(successor, id));
    return newer === undefined ? undefined : `disk ${id} is attached again after disk ${newer}, which was made from it, has been attached`;
  }

  #whyLeft(id: string): string | undefined {
    const left = this.#chronicle.parts(this.#chronicle.live().filter(inFlight)).find(({ record, claim }) => claim.source.diskId === id && hasLetGo(record));
    return left === undefined ? undefined : `disk ${id} is attached again, and ${told(left.record)} has let its pod go to disk ${left.claim.target?.diskId ?? 'none'}`;
  }

  #whyNoSuccessor(id: string): string | undefined {
    const lineage = this.#world.simulated.ecs.disk(id)?.lineage;
    if (lineage === undefined) return undefined;
    const { diskId, snapshotId } = lineage;
    this.#successors.set(diskId, [...(this.#successors.get(diskId) ?? []), id]);
    const came = `disk ${id} is attached, and comes from snapshot ${snapshotId} of disk ${diskId}`;
    const cut = this.#cuts.get(snapshotId);
    if (cut === undefined || !cut.free) return `${came}, which was in use when that was taken`;
    return this.#isTouchedSince(diskId, cut) ? `${came}, which has been attached since` : undefined;
  }

  #isTouchedSince(diskId: string, { taken }: Cut): boolean {
    const use = this.#uses.get(diskId);
    if (use === undefined || (use.attached <= taken && use.free)) return false;
    // Between the last look and the gate there is always a moment.
    const couldBeSeen = use.at < (this.#lastLooks.get(diskId) ?? Number.POSITIVE_INFINITY);
    return couldBeSeen || !this.#world.excuses.has(EXCUSES.diskAttachedByHand(diskId));
  }

  /** Whether people let go of the claim in the middle of a move: they decide which disk it is to be. */
  #isGivenUp(id: string): boolean {
    return this.#chronicle.givenUpAt(this.#chronicle.claimOfDisk(id) ?? '') > Number.NEGATIVE_INFINITY;
  }
}

function hasLetGo(record: OrdinalMigration): boolean {
  const { step } = statusOf(record);
  return courseOf(record) === 'Forward' && (step === 'ready' || step === 'settle');
}

/** From when on it takes the gate off. */
function isLettingGo(record: OrdinalMigration): boolean {
  return hasLetGo(record) || (courseOf(record) === 'Forward' && statusOf(record).releasedPodUID !== undefined);
}
