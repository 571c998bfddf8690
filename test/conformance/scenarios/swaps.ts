// The heart of a move: the old claim goes, a new one of its name is bound to the prepared volume, and the pod starts on it. Whoever makes
// the claim, and whether it names the volume or has to find it.

import { claims, volumes } from '../../../src/kubernetes/objects.ts';
import type { Scenario } from '../scenario.ts';
import { claimName, type Stage } from '../stage.ts';
import type { Mode } from '../world.ts';
import { MODES, POLICIES, type Policy } from './axes.ts';

const ORDINAL = 1;
const CLAIM = claimName(ORDINAL);
const MAKERS = ['us', 'the controller'] as const;
const WAYS = ['named', 'found'] as const;

interface Swap {
  mode: Mode;
  policy: Policy;
  maker: (typeof MAKERS)[number];
  way: (typeof WAYS)[number];
}

/** Up to the moment in which the new claim is to be made. @returns the name of the old volume. */
export async function upToTheSwap(stage: Stage, { mode, policy }: Pick<Swap, 'mode' | 'policy'>): Promise<string> {
  await stage.readySet({ replicas: 2, policy, storageClass: mode });
  const old = stage.volumeNamed(stage.claimOf(ORDINAL)?.spec.volumeName);
  await stage.retain(old);
  await stage.prepare(ORDINAL, { storageClass: mode });
  await stage.replaceGated(ORDINAL);
  return old?.metadata.name ?? '';
}

export async function makeClaim(stage: Stage, { mode, maker, way }: Pick<Swap, 'mode' | 'maker' | 'way'>, volume = 'new'): Promise<void> {
  // The controller may come before us: then it is the webhook that names the volume.
  if (way === 'named') stage.rules.steered.set(CLAIM, stage.volumeName(volume));
  if (maker === 'us') await stage.createClaim(CLAIM, { storageClass: mode });
  else await stage.nudgeUntil('the claim is made again', () => stage.touchSet(), () => stage.claimOf(ORDINAL) !== undefined);
}

async function swap(stage: Stage, which: Swap): Promise<void> {
  const old = await upToTheSwap(stage, which);
  await stage.deleteClaim(CLAIM);
  await makeClaim(stage, which);
  await stage.untilBound(CLAIM);
  const claim = await stage.world.api.get(claims, stage.ref(CLAIM));
  const volume = await stage.world.api.get(volumes, { name: stage.own('new') });
  stage.note('live', { phase: claim?.status?.phase, named: claim?.spec.volumeName === volume?.metadata.name, held: volume?.spec.claimRef?.uid === claim?.metadata.uid });
  await stage.ungateInCalm(ORDINAL);
  await stage.untilReady(0, ORDINAL);
  stage.note('the pod runs', stage.placeOf(stage.pod(ORDINAL)));
  await stage.untilPhase(stage.volumeNamed(old), 'Released');
  stage.note('volumes', stage.volumes().length);
}

export const SWAPS: Scenario[] = MODES.flatMap((mode) =>
  POLICIES.flatMap((policy) =>
    MAKERS.flatMap((maker) =>
      WAYS.map((way): Scenario => ({
        name: `a swap (${mode}, ${policy}): ${maker} makes the claim, the volume is ${way}`,
        facts: ['trap-2a', 'claims-7', 'claims-1a', 'pods-6', ...(mode === 'at-once' ? (['trap-2b'] as const) : [])],
        play: (stage) => swap(stage, { mode, policy, maker, way }),
        order: [
          ['volume new: Available for data-web-1', 'claim data-web-1#1: gone'],
          ['claim data-web-1#1: gone', `claim data-web-1#2: Pending${way === 'named' ? ' of new' : ''}`],
          ['volume new: Available for data-web-1#2', 'claim data-web-1#2: Bound of new'],
          ['claim data-web-1#2: Bound of new', 'pod web-1#2: scheduled'],
        ],
      })),
    ),
  ),
);

export { ORDINAL as SWAPPED, CLAIM as SWAPPED_CLAIM, MAKERS };
