// Owners of claims, what holds a claim, and what becomes of claims whose owners are gone.

import { claims, namespaces, pods } from '../../../src/kubernetes/objects.ts';
import { uidOf, volumePhase } from '../../../src/kubernetes/reading.ts';
import type { Scenario } from '../scenario.ts';
import { claimName, podName, type Stage } from '../stage.ts';
import { POLICIES } from './axes.ts';

const ownersOf = (stage: Stage, ordinal: number): string[] => (stage.claimOf(ordinal)?.metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind} ${name}`);

const KEPT: Scenario[] = POLICIES.flatMap((policy) =>
  (['Retain', 'Delete'] as const).flatMap((whenDeleted) =>
    (['us', 'the controller'] as const).map((maker): Scenario => ({
      name: `a claim that ${maker} makes again without owners (${policy}, whenDeleted ${whenDeleted})`,
      facts: ['claims-3a', 'tried-owners-1'],
      async play(stage) {
        await stage.readySet({ policy, spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled: 'Retain' } } });
        stage.note('before', ownersOf(stage, 0));
        await stage.retain(stage.volumeNamed(stage.claimOf(0)?.spec.volumeName));
        await stage.prepare(0);
        await stage.replaceGated(0);
        await stage.deleteClaim(claimName(0));
        stage.rules.steered.set(claimName(0), stage.own('new'));
        if (maker === 'us') await stage.createClaim(claimName(0));
        await stage.nudgeUntil('it is there', () => stage.touchSet(), () => stage.claimOf(0) !== undefined);
        await stage.touchSet();
        await stage.untilBound(claimName(0));
        await stage.ungateInCalm(0);
        await stage.untilReady(0);
        await stage.calm();
        stage.note('after', ownersOf(stage, 0));
      },
      tells: ['pod', 'claim'],
    })),
  ),
);

const SCALED: Scenario[] = POLICIES.flatMap((policy) =>
  ([1, 0] as const).map((replicas): Scenario => ({
    name: `whenScaled Delete: a set of two is scaled to ${replicas} (${policy})`,
    facts: ['claims-4'],
    async play(stage) {
      await stage.readySet({ replicas: 2, policy, storageClass: 'waits-retaining', spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } } });
      await stage.calm();
      stage.note('owners before', [0, 1].map((ordinal) => ownersOf(stage, ordinal)));
      await stage.scale(replicas);
      await stage.until('the claims are gone', () => Array.from({ length: 2 - replicas }, (_, index) => 1 - index).every((ordinal) => stage.claimOf(ordinal) === undefined));
      await stage.until('the volumes are Released', () => stage.volumes().filter((volume) => volumePhase(volume) === 'Released').length === 2 - replicas);
      stage.note('owners of the rest', [0, 1].map((ordinal) => ownersOf(stage, ordinal)));
    },
  })),
);

const STALE: Scenario = {
  name: 'a claim with a stale owner goes; the next one hangs until the volume forgets it',
  facts: ['claims-3b', 'claims-5'],
  async play(stage) {
    await stage.createVolume('new', { claim: 'data' });
    await stage.until('the volume is Available', () => volumePhase(stage.volume('new')!) === 'Available');
    const stale = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: '00000000-0000-4000-8000-000000000000' };
    await stage.createClaim('data', { volumeName: 'new', ownerReferences: [stale] });
    await stage.until('the garbage collector takes it', () => stage.claim('data') === undefined);
    await stage.until('the volume has lost it, or never had it', () => ['Released', 'Available'].includes(volumePhase(stage.volume('new')!)));
    await stage.calm();
    await stage.createClaim('data', { volumeName: 'new' });
    await stage.calm();
    if (volumePhase(stage.volume('new')!) === 'Released') await stage.free(stage.volume('new'));
    await stage.touchClaim('data');
    await stage.untilBound('data');
    stage.note('in the end', stage.bindingOf(stage.claim('data')));
  },
  // Whether it gets bound before it is taken is a matter of milliseconds.
  byChance: ['claim data#1', 'claim data#2', 'volume new'],
};

const BLOCKED: Scenario[] = POLICIES.map((policy) => ({
  name: `whenScaled Delete: a claim that a dead pod of the name owns blocks the next pod (${policy})`,
  facts: ['claims-3c'],
  async play(stage) {
    await stage.readySet({ replicas: 1, policy, spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } } });
    // One of a living owner too, so that the garbage collector leaves the claim.
    const owners = [
      { apiVersion: 'v1', kind: 'Pod', name: podName(1), uid: '00000000-0000-4000-8000-000000000000' },
      { apiVersion: 'v1', kind: 'Namespace', name: stage.namespace, uid: uidOf((await stage.world.api.get(namespaces, { name: stage.namespace }))!) },
    ];
    await stage.createClaim(claimName(1), { ownerReferences: owners });
    await stage.scale(2);
    // The garbage collector takes the dead owner out, and only then a pod is made.
    await stage.nudgeUntil('the pod is made', () => stage.touchSet(), () => stage.pod(1) !== undefined);
    stage.note('owned by a dead pod when the pod was made', isStaleAt(stage, Number(stage.versions(pods, podName(1))[0]?.metadata.resourceVersion)));
    await stage.untilReady(0, 1);
  },
}));

function isStaleAt(stage: Stage, revision: number): boolean {
  const before = stage.versions(claims, claimName(1)).filter(({ metadata }) => Number(metadata.resourceVersion) < revision);
  return (before.at(-1)?.metadata.ownerReferences ?? []).some(({ kind, name }) => kind === 'Pod' && name === podName(1));
}

/** What names the claim when it is deleted. */
const HOLDERS: Record<string, { make: (stage: Stage) => Promise<void>; holds: boolean }> = {
  'a gated pod': { make: (stage) => stage.createPod('one', ['data'], { schedulingGates: [{ name: 'test/gate' }] }), holds: false },
  'a pod that fits nowhere': { make: (stage) => stage.createPod('one', ['data'], { nodeSelector: { nowhere: 'yes' } }), holds: false },
  'a running pod': {
    make: async (stage) => {
      await stage.createPod('one', ['data']);
      await stage.untilPodNamed('one', 'ready');
    },
    holds: true,
  },
  'a pod that has ended': {
    make: async (stage) => {
      stage.atTheEnd(stage.world.behaviour.completes({ namespace: stage.namespace, pod: 'one' }));
      await stage.createPod('one', ['data'], { restartPolicy: 'Never' });
      await stage.untilPodNamed('one', 'ended');
    },
    holds: true,
  },
};

const HELD: Scenario[] = Object.entries(HOLDERS).map(([what, { make, holds }]): Scenario => {
  return {
    name: `a claim that ${what} names is deleted`,
    facts: [holds ? 'claims-1b' : 'claims-1a', 'trap-13d'],
    async play(stage) {
      await stage.createClaim('data');
      await make(stage);
      await stage.world.api.delete(claims, stage.ref('data'));
      await stage.calm();
      stage.note('then', stage.claim('data') === undefined ? 'gone' : 'terminating');
      if (!holds) return;
      stage.note('taken back', await stage.answer(stage.world.api.mergePatch(claims, stage.ref('data'), { metadata: { deletionTimestamp: null } })));
      stage.note('still', stage.claim('data')?.metadata.deletionTimestamp === undefined ? 'living' : 'terminating');
      await stage.world.api.delete(pods, stage.ref('one'));
      await stage.until('it is gone with the pod', () => stage.claim('data') === undefined);
    },
  };
});

const TERMINATING: Scenario[] = POLICIES.map((policy) => ({
  name: `a pod whose claim is being deleted is not made (${policy})`,
  facts: ['claims-2', 'claims-1b'],
  async play(stage) {
    await stage.readySet({ replicas: 1, policy });
    // Another pod on the claim holds it, on the only node where it can be.
    await stage.createPod('other', [claimName(0)], { nodeName: stage.pod(0)?.spec.nodeName ?? '' });
    await stage.untilPodNamed('other', 'ready');
    await stage.world.api.delete(claims, stage.ref(claimName(0)));
    await stage.until('it is terminating', () => stage.claimOf(0)?.metadata.deletionTimestamp !== undefined);
    await stage.deletePod(0);
    await stage.untilPod(0, 'none');
    const said = (): string[] => stage.events('web', 'FailedCreate').filter((message) => message.includes('is being deleted'));
    await stage.until('the trouble is told', () => said().length > 0);
    stage.note('the set says', said()[0]);
    await stage.calm();
    stage.note('meanwhile', stage.podState(0));
    await stage.world.api.delete(pods, stage.ref('other'));
    await stage.until('the claim is another one', () => stage.claimOf(0) !== undefined && stage.claimOf(0)?.metadata.deletionTimestamp === undefined);
    await stage.untilReady(0);
  },
}));

export const OWNING: readonly Scenario[] = [...KEPT, ...SCALED, STALE, ...BLOCKED, ...HELD, ...TERMINATING];
