// I1: what a pod was told to be on its disk is on the disk that it starts with. Only `restore-source`, which has to be declared, gives
// writes up, and then the newer disk and a snapshot that holds them are kept for as long as the record promises.

import { ended } from '../../migration/record.ts';
import type { LostWrite } from '../../simulation/kubelet/records.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';
import { snapshotRetention, sourceRetention, whyTooEarly } from './deletions.ts';
import { sinceLastLook } from './new-entries.ts';

export const noWriteIsLost: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  const { records, clock } = world.simulated;
  const began = clock.now();
  const look = sinceLastLook(records.lost, (lost) => {
    const { write, start } = lost;
    if (write.at <= chronicle.givenUpAt(claimOf(lost)) || chronicle.isAbandoned(write.diskId)) return undefined;
    const told = `pod ${start.pod} started on disk ${start.diskId} at ${iso(start.at)} without write ${write.sequence}, "${write.text}", that was acknowledged at ${iso(write.at)} on disk ${write.diskId}`;
    if (!chronicle.wasRestored(write.diskId, start.diskId)) return told;
    return isKept(world, lost, began) ? undefined : `${told}; restore-source allows that, but disk ${write.diskId} with a snapshot of that write is not kept`;
  });
  return { name: 'I1 no write is lost', onStore: look, onCloud: look, atRest: look };
};

function isKept(world: HistoryWorld, { write }: LostWrite, began: number): boolean {
  const { ecs } = world.simulated;
  const chronicle = chronicleOf(world);
  const part = chronicle.parts(chronicle.records.values()).find(({ claim }) => claim.target?.diskId === write.diskId && claim.rescue?.id !== undefined);
  if (part === undefined) return false;
  const { record, claim } = part;
  const rescue = ecs.snapshot(claim.rescue?.id ?? '');
  if (rescue?.contents.some(({ sequence, writer }) => sequence === write.sequence && writer === write.pod) !== true) return false;
  // Each for its own time: a pod that gets to start much later finds neither.
  const keptFor = (retention: number | 'forever'): boolean => ended(record) && whyTooEarly(world, { record, retention, began }) === undefined;
  return (rescue.status !== 'deleted' || keptFor(snapshotRetention(record))) && isDiskKept(ecs.disk(write.diskId), keptFor(sourceRetention(record, claim)));
}

function isDiskKept(disk: { status: string } | undefined, forItsTime: boolean): boolean {
  return disk?.status !== 'Deleted' || forItsTime;
}

function claimOf({ write }: LostWrite): string {
  return `${write.pod.slice(0, write.pod.indexOf('/'))}/${write.claim}`;
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}
