// The way back: the claim is bound to the old volume again, whoever makes it, in the safe order and in the other one.

import { volumePhase } from '../../../src/kubernetes/reading.ts';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { MODES, POLICIES } from './axes.ts';
import { makeClaim, MAKERS, SWAPPED, SWAPPED_CLAIM, upToTheSwap } from './swaps.ts';

async function swapped(stage: Stage, which: { mode: (typeof MODES)[number]; policy: (typeof POLICIES)[number] }): Promise<string> {
  const old = await upToTheSwap(stage, which);
  await stage.deleteClaim(SWAPPED_CLAIM);
  await makeClaim(stage, { ...which, maker: 'us', way: 'named' });
  await stage.untilBound(SWAPPED_CLAIM);
  await stage.untilPhase(stage.volumeNamed(old), 'Released');
  stage.rules.steered.clear();
  return old;
}

function noteEnd(stage: Stage, old: string): void {
  stage.note('the claim is bound to the old volume', stage.claimOf(SWAPPED)?.spec.volumeName === old && stage.bindingOf(stage.claimOf(SWAPPED)).startsWith('bound'));
  stage.note('the pod runs', stage.placeOf(stage.pod(SWAPPED)));
  stage.note('the new volume', volumePhase(stage.volume('new')!));
  stage.note('volumes', stage.volumes().length);
}

const SAFE: Scenario[] = MODES.flatMap((mode) =>
  POLICIES.flatMap((policy) =>
    MAKERS.flatMap((maker) =>
      (['named', 'found'] as const).map((way): Scenario => ({
        name: `an undo (${mode}, ${policy}): the old volume is freed, then the new claim goes; ${maker} makes the next one, the volume is ${way}`,
        facts: ['trap-11a', 'trap-5a', 'tried-undo-1', 'tried-undo-2'],
        async play(stage) {
          const old = await swapped(stage, { mode, policy });
          await stage.free(stage.volumeNamed(old));
          await stage.deleteClaim(SWAPPED_CLAIM);
          await makeClaim(stage, { mode, maker, way }, old);
          await stage.untilBound(SWAPPED_CLAIM);
          await stage.ungateInCalm(SWAPPED);
          await stage.untilReady(0, SWAPPED);
          await stage.untilPhase(stage.volume('new'), 'Released');
          await stage.calm();
          noteEnd(stage, old);
        },
        order: [
          ['claim data-web-1#2: gone', 'volume new: Released by data-web-1#2'],
          ['volume disk of data-web-1#1: Available for data-web-1', 'claim data-web-1#2: gone'],
          ['claim data-web-1#3: Bound of disk of data-web-1#1', 'pod web-1#2: scheduled'],
        ],
      })),
    ),
  ),
);

const UNSAFE: Scenario[] = MODES.map((mode) => ({
  name: `an undo the other way round (${mode}): the new claim goes and is made again before the old volume is free`,
  facts: ['trap-11b', 'claims-5'],
  async play(stage) {
    const old = await swapped(stage, { mode, policy: 'OrderedReady' });
    await stage.deleteClaim(SWAPPED_CLAIM);
    await makeClaim(stage, { mode, maker: 'the controller', way: 'found' });
    await stage.untilPhase(stage.volume('new'), 'Released');
    if (mode === 'at-once') await stage.untilBound(SWAPPED_CLAIM);
    await stage.calm();
    stage.note('the claim is', stage.bindingOf(stage.claimOf(SWAPPED)));
    await stage.free(stage.volumeNamed(old));
    await stage.touchClaim(SWAPPED_CLAIM);
    await stage.untilBound(SWAPPED_CLAIM);
    await stage.calm();
    stage.note('the claim is bound to the old volume', stage.claimOf(SWAPPED)?.spec.volumeName === old);
  },
}));

export const UNDO: readonly Scenario[] = [...SAFE, ...UNSAFE];
