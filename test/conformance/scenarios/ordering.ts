// What waits for whom in a StatefulSet while one of its pods is gated, and which revision a pod comes back at.

import { disruptionBudgets, pods, statefulSets } from '../../../src/kubernetes/objects.ts';
import type { Scenario } from '../scenario.ts';
import { claimName, podName, type SetOptions, type Stage } from '../stage.ts';
import { POLICIES } from './axes.ts';

const revisionOf = (stage: Stage, ordinal: number): string => {
  const revision = stage.pod(ordinal)?.metadata.labels?.['controller-revision-hash'];
  const { currentRevision, updateRevision } = stage.set?.status ?? {};
  if (currentRevision === updateRevision) return revision === updateRevision ? 'the only one' : 'an old one';
  return revision === updateRevision ? 'update' : revision === currentRevision ? 'current' : 'an old one';
};

async function untilObserved(stage: Stage): Promise<void> {
  const { generation } = (await stage.world.api.get(statefulSets, stage.ref('web')))?.metadata ?? {};
  await stage.until('the change is observed', () => stage.set?.status?.observedGeneration === generation);
}

/** What is asked while ordinal 1 of three is gated. */
const ASKED = {
  'the pod above it goes': { facts: ['trap-7a'], ask: (stage) => stage.deletePod(2), settled: (stage) => stage.podState(2) === 'ready' },
  'the pod above it ends': { facts: ['trap-7a'], ask: (stage) => end(stage, 2), settled: (stage) => stage.podState(2) === 'ready' },
  'the pod below it goes': { facts: ['trap-7a'], ask: (stage) => stage.deletePod(0), settled: (stage) => stage.podState(0) === 'ready' },
  'the set is scaled up': { facts: ['trap-7b', 'tried-scaling-1'], ask: (stage) => stage.scale(4), settled: (stage) => stage.podState(3) === 'ready' },
  'the set is scaled down above it': { facts: ['trap-7b'], ask: (stage) => stage.scale(2), settled: (stage) => stage.podState(2) === 'none' },
  'the set is scaled down to below it': { facts: ['trap-7b', 'tried-scaling-1'], ask: (stage) => stage.scale(1), settled: (stage) => stage.podState(1) === 'none' && stage.podState(2) === 'none' },
} satisfies Record<string, { facts: Scenario['facts']; ask: (stage: Stage) => Promise<void>; settled: (stage: Stage) => boolean }>;

/** Its containers end by themselves, once. */
async function end(stage: Stage, ordinal: number): Promise<void> {
  const heal = stage.world.behaviour.completes({ namespace: stage.namespace, pod: podName(ordinal) });
  stage.atTheEnd(heal);
  await stage.until('it has ended', () => stage.moments().some(({ subject, state }) => subject === `pod ${podName(ordinal)}#1` && state === 'ended'));
  heal();
}

const MEANWHILE: Scenario[] = POLICIES.flatMap((policy) =>
  Object.entries(ASKED).map(
    ([what, { facts, ask, settled }]): Scenario => ({
      name: `while ordinal 1 is gated (${policy}), ${what}`,
      facts,
      async play(stage) {
        await stage.readySet({ replicas: 3, policy });
        await stage.replaceGated(1);
        await stage.calm();
        await ask(stage);
        await stage.until('what does not wait is done', () => policy === 'OrderedReady' || settled(stage));
        await stage.calm();
        stage.note('meanwhile', [0, 1, 2, 3].map((ordinal) => stage.podState(ordinal)));
        const stays = stage.podState(1) === 'gated';
        if (stays) await stage.ungate(1);
        await stage.until('all is done', () => settled(stage) && (!stays || stage.podState(1) === 'ready'));
        stage.note('the claim of 1', stage.claimOf(1)?.status?.phase);
        stage.note('the claim of 2', stage.claimOf(2)?.status?.phase);
      },
    }),
  ),
);

const BACK: Scenario[] = POLICIES.map((policy) => ({
  name: `a gated pod that is scaled away and back (${policy}), its claim swapped in between`,
  facts: ['tried-scaling-1', 'trap-9'],
  async play(stage) {
    await stage.readySet({ replicas: 3, policy });
    await stage.retain(stage.volumeNamed(stage.claimOf(2)?.spec.volumeName));
    await stage.prepare(2);
    await stage.replaceGated(2);
    await stage.scale(2);
    await stage.untilPod(2, 'none');
    stage.note('its claim', stage.claimOf(2)?.status?.phase);
    await stage.deleteClaim(claimName(2));
    await stage.createClaim(claimName(2), { volumeName: 'new' });
    await stage.untilBound(claimName(2));
    await stage.scale(3);
    await stage.untilPod(2, 'gated');
    await stage.ungateInCalm(2);
    await stage.untilReady(0, 1, 2);
    await stage.until('the old volume is Released', () => stage.volumes().some((volume) => volume.status?.phase === 'Released'));
    stage.note('it runs', stage.placeOf(stage.pod(2)));
  },
}));

const ROLLED: Scenario[] = POLICIES.map((policy) => ({
  name: `the template changes while a pod is gated (${policy})`,
  facts: ['tried-rollout-1', 'trap-7b', 'trap-9', 'trap-10c'],
  async play(stage) {
    await stage.readySet({ replicas: 2, policy });
    await stage.replaceGated(1);
    await stage.calm();
    await stage.roll();
    await untilObserved(stage);
    await stage.until('it is dealt with', () => policy === 'OrderedReady' || revisionOf(stage, 1) === 'update');
    await stage.calm();
    stage.note('meanwhile', [0, 1].map((ordinal) => `${stage.podState(ordinal)} at ${revisionOf(stage, ordinal)}`));
    await stage.ungate(1);
    await stage.until('the rollout is over', () => [0, 1].every((ordinal) => stage.podState(ordinal) === 'ready' && revisionOf(stage, ordinal) === 'the only one') && stage.set?.status?.readyReplicas === 2);
  },
}));

const UNREADY: Scenario[] = POLICIES.map((policy) => ({
  name: `a pod goes while a lower one is not Ready (${policy})`,
  facts: ['trap-7c', 'trap-7a'],
  async play(stage) {
    await stage.readySet({ replicas: 2, policy });
    const heal = stage.world.behaviour.neverReady({ namespace: stage.namespace, pod: podName(0) });
    stage.atTheEnd(heal);
    await stage.untilPod(0, 'running');
    const uid = stage.pod(1)?.metadata.uid;
    await stage.deletePod(1);
    await stage.until('it is gone', () => stage.pod(1)?.metadata.uid !== uid);
    if (policy === 'Parallel') await stage.untilReady(1);
    await stage.calm();
    stage.note('meanwhile', stage.podState(1));
    heal();
    await stage.untilReady(0, 1);
  },
}));

const STRATEGIES: Record<string, SetOptions['spec'] & object> = {
  'OnDelete': { updateStrategy: { type: 'OnDelete' } },
  'a partition of 1': { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
  'a partition of 2': { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
};

const REVISIONS: Scenario[] = POLICIES.flatMap((policy) =>
  Object.entries(STRATEGIES).map(
    ([what, spec]): Scenario => ({
      name: `pods come back at the revision that is due (${what}, ${policy})`,
      facts: ['trap-10a', 'trap-10b', 'trap-10c'],
      async play(stage) {
        await stage.readySet({ replicas: 2, policy, spec });
        await stage.roll();
        await untilObserved(stage);
        await stage.until('what rolls has rolled', () => what !== 'a partition of 1' || (revisionOf(stage, 1) === 'update' && stage.podState(1) === 'ready'));
        await stage.calm();
        stage.note('before', [0, 1].map((ordinal) => revisionOf(stage, ordinal)));
        // The lower one first: whoever counts pods at the current revision would give it that one.
        for (const ordinal of [0, 1]) {
          await stage.replace(ordinal);
          await stage.untilReady(0, 1);
        }
        await stage.calm();
        stage.note('after', [0, 1].map((ordinal) => revisionOf(stage, ordinal)));
        const { currentRevision, updateRevision } = stage.set?.status ?? {};
        stage.note('the revisions of the status differ', currentRevision !== updateRevision);
      },
    }),
  ),
);

const REPLACED: Scenario[] = POLICIES.flatMap((policy) =>
  (['gated again', 'missed'] as const).map((gate): Scenario => ({
    name: `a gated pod is evicted (${policy}), the gate of the next one ${gate}`,
    facts: ['trap-9', 'trap-14'],
    async play(stage) {
      await stage.readySet({ replicas: 1, policy });
      const before = stage.disk(stage.volumeNamed(stage.claimOf(0)?.spec.volumeName));
      await stage.replaceGated(0);
      await stage.until('the disk is free', () => stage.disk(stage.volumeNamed(stage.claimOf(0)?.spec.volumeName))?.status === 'Available');
      const first = stage.pod(0)?.metadata.uid;
      if (gate === 'missed') stage.rules.gated.clear();
      await stage.replace(0);
      stage.note('another pod', stage.pod(0)?.metadata.uid !== first);
      if (gate === 'missed') await stage.untilReady(0);
      await stage.calm();
      const after = stage.disk(stage.volumeNamed(stage.claimOf(0)?.spec.volumeName));
      stage.note('it was attached once more', (after?.attachedAt ?? 0) > (before?.attachedAt ?? 0));
      stage.note('it was detached', (after?.detachedAt ?? 0) > (before?.attachedAt ?? 0));
    },
  })),
);

const DIRECT: Scenario = {
  name: 'a deletion of a pod with another UID, and an eviction',
  facts: ['pods-4a'],
  async play(stage) {
    await stage.readySet();
    const uid = '00000000-0000-0000-0000-000000000000';
    stage.note('evicted', await stage.answer(stage.world.api.evict({ namespace: stage.namespace, name: podName(0), uid })));
    stage.note('deleted', await stage.answer(stage.world.api.delete(pods, stage.ref(podName(0)), { uid })));
    await stage.calm();
    stage.note('the pod', stage.podState(0));
  },
};

const BUDGETS: Scenario[] = POLICIES.flatMap((policy): Scenario[] => [
  {
    name: `a budget of one (${policy}): no eviction while a pod is gated, the next one when it is Ready`,
    facts: ['pods-4b', 'pods-4c'],
    async play(stage) {
      await stage.readySet({ replicas: 2, policy });
      await stage.createBudget('one', { maxUnavailable: 1 });
      await stage.until('it is counted', () => allowed(stage) === 1);
      await stage.replaceGated(1);
      await stage.until('the gated pod counts as unhealthy', () => allowed(stage) === 0);
      await stage.calm();
      stage.note('in calm', allowed(stage));
      stage.note('meanwhile', await stage.answer(stage.evict(0)));
      await stage.ungate(1);
      // A controller that has not seen the old pod go takes the new one for it, for two minutes.
      await stage.until('it counts as healthy again', () => allowed(stage) === 1, 180_000);
      stage.note('then', await stage.answer(stage.evict(0)));
      await stage.until('it is back', () => allowed(stage) === 1 && stage.podState(0) === 'ready', 180_000);
    },
  },
  {
    name: `two budgets over one pod (${policy})`,
    facts: ['pods-4b'],
    async play(stage) {
      await stage.readySet({ replicas: 1, policy });
      for (const name of ['one', 'two']) await stage.createBudget(name, { maxUnavailable: 1 });
      // The API server finds budgets by its own cache.
      await stage.calm();
      stage.note('evicted', await stage.answer(stage.evict(0)));
    },
  },
]);

function allowed(stage: Stage): number | undefined {
  return stage.get(disruptionBudgets, 'one')?.status?.disruptionsAllowed;
}

export const ORDERING: readonly Scenario[] = [...MEANWHILE, ...BACK, ...ROLLED, ...UNREADY, ...REVISIONS, ...REPLACED, DIRECT, ...BUDGETS];
