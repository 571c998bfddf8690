// Disks as the sweep read them: a sweep over many sets asks the cloud once for every hundred disks, not once for every set. Each reading
// is used once and not when it is old, so that a set that something woke is always looked at afresh.

import type { Clock } from '../ports/clock.ts';
import type { Disk, Disks } from '../ports/disks.ts';
import type { Log } from '../ports/log.ts';
import type { LayoutDisks } from './cluster.ts';

/** The queue works through thousands of sets in that time. */
const FRESH_MS = 60_000;

export interface DiskReadings extends LayoutDisks {
  /** Reads these disks for the looks that follow. A failure is left to those looks, each of which then asks for itself. */
  prefetch(ids: readonly string[]): Promise<void>;
}

export function createDiskReadings({ disks, clock, log }: { disks: Disks; clock: Clock; log: Log }): DiskReadings {
  let readings = new Map<string, Disk>();
  let readAt = Number.NEGATIVE_INFINITY;

  function take(id: string): Disk | undefined {
    const reading = clock.monotonic() - readAt < FRESH_MS ? readings.get(id) : undefined;
    readings.delete(id);
    return reading;
  }

  return {
    maxTags: disks.maxTags,
    instantSnapshots: (disk) => disks.instantSnapshots(disk),
    snapshotsOf: (id) => disks.snapshotsOf(id),
    async disks(ids) {
      const had = ids.flatMap((id) => take(id) ?? []);
      const known = new Map(had.map((disk) => [disk.id, disk]));
      const rest = ids.filter((id) => !known.has(id));
      return rest.length === 0 ? known : new Map([...known, ...(await disks.disks(rest))]);
    },
    async prefetch(ids) {
      try {
        readings = ids.length === 0 ? new Map() : await disks.disks([...ids]);
        readAt = clock.monotonic();
      } catch (error) {
        log.warn('the disks of all sets could not be read together; each set asks for its own', { error });
      }
    },
  };
}
