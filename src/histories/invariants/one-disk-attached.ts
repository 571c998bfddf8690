// I3: of all the disks that ever stood for a claim at most one is attached. Of a move's two disks one must even have let go entirely
// before the other is attached.

import { EXCUSES } from '../acts/excuses.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';

interface Hold {
  /** When it was asked to be attached, ms since the epoch. */
  since: number;
  lettingGo: boolean;
}

export const oneDiskAttached: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  const { ecs, clock } = world.simulated;
  const held = new Map<string, Hold>(ecs.disks().filter(({ attachments }) => attachments.length > 0).map(({ id, status }) => [id, { since: clock.now(), lettingGo: status === 'Detaching' }]));

  const isByHand = (id: string): boolean => world.excuses.has(EXCUSES.diskAttachedByHand(id));
  const areOfOneMove = (one: string, other: string): boolean => chronicle.partsWith(one).some(({ claim }) => claim.source.diskId === other || claim.target?.diskId === other);

  const counts = (other: string, { since }: Hold, claim: string): boolean => chronicle.claimOfDisk(other) === claim && since > chronicle.givenUpAt(claim) && !isByHand(other) && !chronicle.isOfDeletedClaim(other);

  const attachedBeside = (diskId: string): string | undefined => {
    const claim = chronicle.claimOfDisk(diskId);
    if (claim === undefined || isByHand(diskId) || chronicle.isOfDeletedClaim(diskId)) return undefined;
    const [other, hold] = [...held].find(([id, one]) => id !== diskId && counts(id, one, claim) && (!one.lettingGo || areOfOneMove(diskId, id))) ?? [];
    return other === undefined ? undefined : `disk ${diskId} of claim ${claim} is attached while its disk ${other} is still ${hold?.lettingGo === true ? 'being detached' : 'attached'}`;
  };

  const note = (id: string, event: string): void => {
    const hold = held.get(id);
    if (event === 'Available' || event === 'deleted') held.delete(id);
    if (event === 'Detaching' && hold !== undefined) hold.lettingGo = true;
    if (event === 'Attaching') held.set(id, { since: clock.now(), lettingGo: false });
  };

  return {
    name: 'I3 one disk attached',
    onCloud({ subject, id, event }) {
      if (subject !== 'disk') return undefined;
      note(id, event);
      return event === 'Attaching' ? attachedBeside(id) : undefined;
    },
  };
};
