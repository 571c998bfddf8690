// I1: what a pod was told to be on its disk is on the disk that it starts with. Only `restore-source`, which has to be declared, gives
// writes up, and then the newer disk and a snapshot that holds them are kept.

import type { LostWrite } from '../../simulation/kubelet/records.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf, type Chronicle } from './chronicle.ts';
import { sinceLastLook } from './new-entries.ts';

export const noWriteIsLost: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  const { records, ecs } = world.simulated;
  const look = sinceLastLook(records.lost, (lost) => {
    const { write, start } = lost;
    if (write.at <= chronicle.givenUpAt(claimOf(lost))) return undefined;
    const told = `pod ${start.pod} started on disk ${start.diskId} at ${iso(start.at)} without write ${write.sequence}, "${write.text}", that was acknowledged at ${iso(write.at)} on disk ${write.diskId}`;
    if (!chronicle.wasRestored(write.diskId, start.diskId)) return told;
    return isKept(lost, { chronicle, ecs }) ? undefined : `${told}; restore-source allows that, but disk ${write.diskId} with a snapshot of that write is not kept`;
  });
  return { name: 'I1 no write is lost', onStore: look, onCloud: look, atRest: look };
};

function isKept({ write }: LostWrite, { chronicle, ecs }: { chronicle: Chronicle; ecs: { disk(id: string): { status: string } | undefined; snapshot(id: string): { status: string; contents: { sequence: number; writer: string }[] } | undefined } }): boolean {
  const part = chronicle.parts(chronicle.records.values()).find(({ claim }) => claim.target?.diskId === write.diskId && claim.rescue?.id !== undefined);
  const rescue = ecs.snapshot(part?.claim.rescue?.id ?? '');
  const holds = rescue?.contents.some(({ sequence, writer }) => sequence === write.sequence && writer === write.pod) === true;
  return holds && rescue.status !== 'deleted' && ecs.disk(write.diskId)?.status !== 'Deleted';
}

function claimOf({ write }: LostWrite): string {
  return `${write.pod.slice(0, write.pod.indexOf('/'))}/${write.claim}`;
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}
