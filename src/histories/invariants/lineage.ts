// I2: a pod starts on the disk that its claim was on last, or on one that came from it with everything that was ever written there. A
// blank disk is only for a claim that never had another one.

import type { StartRecord } from '../../simulation/kubelet/records.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';
import { sinceLastLook } from './new-entries.ts';

export const startsHaveLineage: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  /** By claim: the last start. */
  const last = new Map<string, StartRecord>();
  const look = sinceLastLook(world.simulated.records.starts, (start) => {
    const claim = `${start.pod.slice(0, start.pod.indexOf('/'))}/${start.claim}`;
    const before = last.get(claim);
    last.set(claim, start);
    if (before === undefined || before.diskId === start.diskId || before.at <= chronicle.givenUpAt(claim)) return undefined;
    if (chronicle.wasRestored(before.diskId, start.diskId)) return undefined;
    const told = `pod ${start.pod} started on disk ${start.diskId} (${start.contentsLength} writes), and claim ${claim} was on disk ${before.diskId} before`;
    if (!chronicle.descends(start.diskId, before.diskId)) return `${told}, from which it does not come`;
    return holdsAll(world, { of: before.diskId, on: start.diskId }) ? undefined : `${told}, of which it lacks the last writes`;
  });
  return { name: 'I2 starts have lineage', onStore: look, onCloud: look, atRest: look };
};

function holdsAll({ simulated: { ecs } }: HistoryWorld, { of, on }: { of: string; on: string }): boolean {
  const [old, present] = [ecs.contents(of), ecs.contents(on)];
  const [lastOld, same] = [old.at(-1), present[old.length - 1]];
  return lastOld === undefined || (same?.sequence === lastOld.sequence && same.writer === lastOld.writer && same.at === lastOld.at);
}
