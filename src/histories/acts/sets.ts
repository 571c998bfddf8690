// What people and autoscalers do to StatefulSets: scale, roll out, delete, create again.

import { statefulSets, type StatefulSet } from '../../kubernetes/objects.ts';
import { ordinalsOf } from '../../migration/owner.ts';
import { Refusal } from '../../simulation/apiserver/contract.ts';
import type { Act } from '../acts.ts';
import { Dice } from '../dice.ts';
import { annotationsOf, statefulSetOf } from '../manifests.ts';
import { NAMESPACE, type HistoryWorld } from '../world.ts';
import { EXCUSES } from './excuses.ts';
import { aSet, claimsThere, later, liveSets, NothingToDo, person, untilDone } from './scene.ts';

type Propagation = 'Orphan' | 'Background' | 'Foreground';
type How = 'update' | 'scale';

export const SET_ACTS: Record<string, Act> = {
  'scale up': scaling('update', (dice) => dice.between(1, 2)),
  'scale up by the scale subresource': scaling('scale', (dice) => dice.between(1, 2)),
  'scale down': scaling('update', (dice) => -dice.between(1, 2)),
  'scale down by the scale subresource': scaling('scale', (dice) => -dice.between(1, 2)),
  'scale to zero': scaling('scale', () => -Infinity),
  /** An image, as a deployment does it. */
  'roll out': { perform: (world, lot) => rollOut(world, Dice.ofLot(lot)) },
  'roll out in part': { perform: (world, lot) => rollOutInPart(world, Dice.ofLot(lot)) },
  'change the claim retention': { perform: (world, lot) => changeRetention(world, Dice.ofLot(lot)) },
  'change the first ordinal': { perform: (world, lot) => changeStart(world, Dice.ofLot(lot)) },
  'delete the set': { perform: (world, lot) => replace(world, Dice.ofLot(lot), { propagation: 'Background', absentMs: 30_000 }) },
  'delete the set in the foreground': { perform: (world, lot) => replace(world, Dice.ofLot(lot), { propagation: 'Foreground', absentMs: 30_000 }) },
  'orphan the pods': { perform: (world, lot) => replace(world, Dice.ofLot(lot), { propagation: 'Orphan', absentMs: 30_000 }) },
  /** Deleted and created in one go, as `kubectl replace --force` does. */
  'replace the set': { perform: (world, lot) => replace(world, Dice.ofLot(lot), { propagation: 'Orphan', absentMs: 0 }) },
};

function scaling(how: How, change: (dice: Dice) => number): Act {
  return {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      const set = aSet(world, dice);
      const was = set.spec.replicas ?? 1;
      const replicas = Math.max(0, Math.min(MOST_REPLICAS, was + change(dice)));
      if (replicas === was) throw new NothingToDo(`no other number of replicas for ${set.metadata.name}`);
      await scale(world, set, { replicas, how });
      // As often as not it was only for a while.
      if (replicas === 0 || dice.chance(0.5)) later(world, dice.scale(1_000, 60_000), () => scale(world, set, { replicas: was, how }));
    },
  };
}

/** The world stays small. */
const MOST_REPLICAS = 5;

async function scale(world: HistoryWorld, set: StatefulSet, { replicas, how }: { replicas: number; how: How }): Promise<void> {
  const ref = { namespace: NAMESPACE, name: set.metadata.name };
  await person(world).mergePatch(statefulSets, ref, { spec: { replicas } }, how === 'scale' ? { subresource: 'scale' } : {});
  if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete') giveUpClaims(world, set, ordinalsOf(set).first + replicas);
}

function giveUpClaims(world: HistoryWorld, { metadata, spec }: StatefulSet, from: number): void {
  const templates = (spec.volumeClaimTemplates ?? []).map((template) => `${template.metadata.name}-${metadata.name}-`);
  for (const { metadata: claim } of claimsThere(world)) {
    const prefix = templates.find((candidate) => claim.name.startsWith(candidate));
    if (prefix !== undefined && Number(claim.name.slice(prefix.length)) >= from) world.excuses.add(EXCUSES.claimGivenUp(claim.name));
  }
}

async function rollOut(world: HistoryWorld, dice: Dice): Promise<void> {
  const { metadata } = aSet(world, dice);
  const annotations = { 'example.com/release': String(dice.between(1, 1_000_000)) };
  await person(world).mergePatch(statefulSets, { namespace: NAMESPACE, name: metadata.name }, { spec: { template: { metadata: { annotations } } } });
}

/** A canary: only ordinals from the partition on get the new revision, until it is rolled out to all, or taken back. */
async function rollOutInPart(world: HistoryWorld, dice: Dice): Promise<void> {
  const { metadata, spec } = aSet(world, dice);
  if (spec.updateStrategy?.type === 'OnDelete') throw new NothingToDo(`no partition in ${metadata.name}, which updates on delete`);
  const ref = { namespace: NAMESPACE, name: metadata.name };
  const partition = (spec.ordinals?.start ?? 0) + dice.between(1, Math.max(1, spec.replicas ?? 1));
  const annotations = { 'example.com/release': String(dice.between(1, 1_000_000)) };
  await person(world).mergePatch(statefulSets, ref, { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } }, template: { metadata: { annotations } } } });
  later(world, dice.scale(5_000, 60_000), () => person(world).mergePatch(statefulSets, ref, { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } }));
}

async function changeRetention(world: HistoryWorld, dice: Dice): Promise<void> {
  const { metadata, spec } = aSet(world, dice);
  const before = spec.persistentVolumeClaimRetentionPolicy;
  const whenScaled = before?.whenScaled === 'Delete' ? 'Retain' : 'Delete';
  await person(world).mergePatch(statefulSets, { namespace: NAMESPACE, name: metadata.name }, { spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: before?.whenDeleted ?? 'Retain', whenScaled } } });
}

/** Renames pods: the first ones go, others come after the last. */
async function changeStart(world: HistoryWorld, dice: Dice): Promise<void> {
  const set = aSet(world, dice);
  const start = (set.spec.ordinals?.start ?? 0) + 1;
  await person(world).mergePatch(statefulSets, { namespace: NAMESPACE, name: set.metadata.name }, { spec: { ordinals: { start } } });
  if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete') giveUpClaims(world, set, 0);
}

async function replace(world: HistoryWorld, dice: Dice, { propagation, absentMs }: { propagation: Propagation; absentMs: number }): Promise<void> {
  const set = aSet(world, dice);
  const name = set.metadata.name;
  await person(world).delete(statefulSets, { namespace: NAMESPACE, name }, { propagationPolicy: propagation });
  world.excuses.add(EXCUSES.setDeleted(name));
  if (set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete' && propagation !== 'Orphan') giveUpClaims(world, set, 0);
  untilDone(world, absentMs === 0 ? 0 : dice.scale(200, absentMs), () => createAgain(world, set));
}

/** As it was when it went, annotations and all, or with its zones alone where they were wrong. Refused while the old one is still there. */
async function createAgain(world: HistoryWorld, { metadata, spec }: StatefulSet): Promise<void> {
  const plan = world.setPlan(metadata.name);
  if (plan === undefined || liveSets(world).some((set) => set.metadata.name === metadata.name)) return;
  const again = statefulSetOf(plan);
  const zones = annotationsOf({ zones: plan.policy['zones'] ?? '*' });
  const create = (annotations: Record<string, string>): Promise<StatefulSet> =>
    person(world).create(statefulSets, { ...again, metadata: { ...again.metadata, annotations }, spec: { ...again.spec, replicas: spec.replicas ?? plan.replicas } });
  try {
    await create({ ...again.metadata.annotations, ...zones, ...metadata.annotations });
  } catch (error) {
    if (!(error instanceof Refusal && error.message.includes('policy.zonespread.io'))) throw error;
    await create({ ...again.metadata.annotations, ...zones });
  }
}
