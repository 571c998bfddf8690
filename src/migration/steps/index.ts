// The table of steps: a step's name is the persisted state.

import type { RestoreStepName, StepName } from '../record.ts';
import type { Step } from '../step.ts';
import { createDisk } from './create-disk.ts';
import { createVolume } from './create-volume.ts';
import { detach } from './detach.ts';
import { evict } from './evict.ts';
import { keepSource } from './keep-source.ts';
import { ready } from './ready.ts';
import { rehearse } from './rehearse.ts';
import { reserve } from './reserve.ts';
import { restoreDetach, restoreSnapshot } from './restore.ts';
import { settle } from './settle.ts';
import { snapshot } from './snapshot.ts';
import { swapClaim } from './swap-claim.ts';
import { ungate } from './ungate.ts';

export const steps: Record<StepName | RestoreStepName, Step> = {
  rehearse,
  reserve,
  keepSource,
  evict,
  detach,
  snapshot,
  createDisk,
  createVolume,
  swapClaim,
  ungate,
  ready,
  settle,
  restoreDetach,
  restoreSnapshot,
};

export function stepNamed(name: string): Step | undefined {
  return Object.hasOwn(steps, name) ? steps[name as keyof typeof steps] : undefined;
}
