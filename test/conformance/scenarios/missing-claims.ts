// Claims that are gone under a pod that waits, that may not be made, and that name their volume.

import { claims, pods } from '../../../src/kubernetes/objects.ts';
import type { Scenario } from '../scenario.ts';
import { claimName, type Stage } from '../stage.ts';
import { MODES, POLICIES } from './axes.ts';

const NUDGES = {
  'the pod is touched': (stage: Stage) => stage.touchPod(0),
  'the set is touched': (stage: Stage) => stage.touchSet(),
  'another pod of the set goes': (stage: Stage) => (stage.podState(1) === 'ready' ? stage.deletePod(1) : Promise.resolve()),
} as const;

const MADE_AGAIN: Scenario[] = MODES.flatMap((mode) =>
  POLICIES.flatMap((policy) =>
    Object.entries(NUDGES).map(([what, nudge]): Scenario => {
      return {
        name: `a claim that is gone under a gated pod (${mode}, ${policy}) is made again, empty, when ${what}`,
        facts: ['trap-1a', 'trap-1e', 'claims-1a', 'claims-3a', 'pods-6', 'trap-4a', ...(mode === 'at-once' ? (['trap-2c'] as const) : (['tried-binding-4'] as const))],
        async play(stage) {
          await stage.readySet({ replicas: 2, policy, storageClass: mode });
          const first = stage.claimOf(0);
          await stage.replaceGated(0);
          await stage.calm();
          await stage.deleteClaim(claimName(0));
          await stage.calm();
          stage.note('nobody looks', stage.claimOf(0) === undefined ? 'gone' : 'there');
          await stage.nudgeUntil('the claim is made again', () => nudge(stage), () => stage.claimOf(0) !== undefined);
          stage.note('its owners', stage.claimOf(0)?.metadata.ownerReferences ?? 'none');
          if (mode === 'at-once') await stage.untilBound(claimName(0));
          await stage.calm();
          stage.note('behind the gate', stage.bindingOf(stage.claimOf(0)));
          stage.note('a node is selected', stage.claimOf(0)?.metadata.annotations?.['volume.kubernetes.io/selected-node'] !== undefined);
          await stage.ungate(0);
          await stage.untilReady(0, 1);
          stage.note('in the end', stage.bindingOf(stage.claimOf(0)));
          const disk = stage.disk(stage.volumeNamed(stage.claimOf(0)?.spec.volumeName));
          stage.note('the disk is new', disk !== undefined && first?.spec.volumeName !== stage.claimOf(0)?.spec.volumeName);
        },
        order: [['claim data-web-0#1: gone', 'claim data-web-0#2: Pending']],
      };
    }),
  ),
);

/** What else of the set stops meanwhile. */
const OTHERS = {
  'is scaled down': { ask: (stage: Stage) => stage.scale(2), seen: (stage: Stage) => stage.podState(2) },
  'is scaled up': { ask: (stage: Stage) => stage.scale(4), seen: (stage: Stage) => stage.podState(3) },
  'is rolled out': { ask: (stage: Stage) => stage.roll(), seen: (stage: Stage) => String(stage.pod(2)?.metadata.labels?.['controller-revision-hash'] === stage.set?.status?.updateRevision) },
} as const;

const DENIED: Scenario[] = POLICIES.flatMap((policy) =>
  Object.entries(OTHERS).map(
    ([what, { ask, seen }]): Scenario => ({
      name: `a claim that may not be made, while the set ${what} (${policy})`,
      facts: ['trap-1b'],
      async play(stage) {
        await stage.readySet({ replicas: 3, policy });
        stage.rules.denied.add(claimName(1));
        await stage.replaceGated(1);
        await stage.deleteClaim(claimName(1));
        await stage.nudgeUntil('the refusal is told', () => stage.touchSet(), () => refusals(stage).length > 0);
        stage.note('the set says', refusals(stage)[0]);
        await ask(stage);
        await stage.calm();
        stage.note('meanwhile', [stage.podState(0), stage.podState(1), seen(stage)]);
        stage.rules.denied.clear();
        await stage.nudgeUntil('the claim is made again', () => stage.touchSet(), () => stage.claimOf(1) !== undefined);
        await stage.ungate(1);
        await stage.until('the rest goes on', () => stage.podState(1) === 'ready' && isDone(stage, what));
      },
      // A rollout may replace it before it is anywhere.
      byChance: ['pod web-1#2'],
    }),
  ),
);

/** What the webhook's refusal made it say; beside that it may have met claims that were just going. */
function refusals(stage: Stage): string[] {
  return stage.events('web', 'FailedCreate').filter((message) => message.startsWith('Create Claim') && message.includes('denied the request'));
}

function isDone(stage: Stage, what: string): boolean {
  if (what === 'is scaled down') return stage.podState(2) === 'none';
  if (what === 'is scaled up') return stage.podState(3) === 'ready';
  const { updateRevision, updatedReplicas, readyReplicas } = stage.set?.status ?? {};
  return [0, 1, 2].every((ordinal) => stage.podState(ordinal) === 'ready' && stage.pod(ordinal)?.metadata.labels?.['controller-revision-hash'] === updateRevision) && updatedReplicas === 3 && readyReplicas === 3;
}

const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';

const NAMED: Scenario[] = MODES.flatMap((mode) =>
  (['as it is', 'that comes with storage-provisioner'] as const).map((how): Scenario => {
    const annotations = how === 'as it is' ? {} : { [PROVISIONER]: 'diskplugin.csi.alibabacloud.com' };
    return {
      name: `a claim, ${how}, that names a volume which is not there (${mode}) is provisioned by nobody, pod or not`,
      facts: ['trap-1c'],
      async play(stage) {
        await stage.createClaim('data', { storageClass: mode, volumeName: 'absent', annotations });
        await stage.createPod('one', ['data']);
        await stage.until('the pod waits', () => stage.events('one', 'FailedScheduling').length > 0);
        await stage.calm();
        stage.note('volumes', stage.volumes().length);
        stage.note('a provisioner is asked', stage.claim('data')?.metadata.annotations?.[PROVISIONER] !== undefined);
        stage.note('the pod waits for', stage.events('one', 'FailedScheduling').some((message) => message.includes('unbound immediate PersistentVolumeClaims')));
      },
    };
  }),
);

const GIVEN: Scenario[] = [
  {
    name: 'a claim that waits behind a gate may be given its volume once',
    facts: ['trap-1d', 'tried-binding-4', 'trap-2a'],
    async play(stage) {
      await stage.createClaim('data');
      await stage.createPod('one', ['data'], { schedulingGates: [{ name: 'test/gate' }] });
      await stage.calm();
      stage.note('behind the gate', stage.bindingOf(stage.claim('data')));
      await stage.createVolume('new', { claim: 'other' });
      await stage.createVolume('second', { claim: 'data' });
      await stage.until('both volumes are Available', () => ['new', 'second'].every((name) => stage.volume(name)?.status?.phase === 'Available'));
      const give = (volume: string) => stage.answer(stage.world.api.mergePatch(claims, stage.ref('data'), { spec: { volumeName: stage.own(volume) } }));
      stage.note('given', await give('second'));
      stage.note('given another', await give('new'));
      stage.note('taken away', await stage.answer(stage.world.api.mergePatch(claims, stage.ref('data'), { spec: { volumeName: null } })));
      await stage.untilBound('data');
      stage.note('in the end', stage.bindingOf(stage.claim('data')));
    },
    // The resync may find the volume before it is given.
    byChance: ['claim data#1'],
  },
];

const GOING: Scenario[] = POLICIES.map((policy) => ({
  name: `a claim that is being deleted under a pod that waits: no other pod of the set is made (${policy})`,
  facts: ['trap-1b', 'claims-2'],
  async play(stage) {
    await stage.readySet({ replicas: 2, policy });
    // Another pod on the claim holds it, on the only node where it can be.
    await stage.createPod('other', [claimName(0)], { nodeName: stage.pod(0)?.spec.nodeName ?? '' });
    await stage.untilPodNamed('other', 'ready');
    await stage.replaceGated(0);
    await stage.world.api.delete(claims, stage.ref(claimName(0)));
    await stage.until('it is terminating', () => stage.claimOf(0)?.metadata.deletionTimestamp !== undefined);
    await stage.calm();
    await stage.deletePod(1);
    await stage.untilPod(1, 'none');
    await stage.calm();
    stage.note('meanwhile', [stage.podState(0), stage.podState(1)]);
    await stage.world.api.delete(pods, stage.ref('other'));
    await stage.until('the claim is gone', () => stage.claimOf(0) === undefined);
    await stage.nudgeUntil('it is made again', () => stage.touchSet(), () => stage.claimOf(0) !== undefined);
    await stage.ungate(0);
    await stage.untilReady(0, 1);
  },
}));

export const MISSING_CLAIMS: readonly Scenario[] = [...MADE_AGAIN, ...GOING, ...DENIED, ...NAMED, ...GIVEN];
