// Hands on claims and volumes: deleted, expanded, relabelled, stripped of finalizers, bound twice, and a StatefulSet controller that is
// quicker than anybody.

import { MIGRATION_LABEL, OVERRIDE_ANNOTATION, ROLE_LABEL } from '../../kubernetes/names.ts';
import { claims, statefulSets, volumes, type PersistentVolume, type PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import { kubeSystemAccount } from '../../simulation/controllers/setting.ts';
import { Refusal } from '../../simulation/apiserver/contract.ts';
import type { Act } from '../acts.ts';
import { Dice } from '../dice.ts';
import { NAMESPACE, type HistoryWorld } from '../world.ts';
import { EXCUSES } from './excuses.ts';
import { aMove, chosen, claimsThere, partsOf, person, phaseIs, recordsInFlight, untilDone, volumesThere } from './scene.ts';

export const CLAIM_ACTS: Record<string, Act> = {
  'delete a claim': {
    async perform(world, lot) {
      const { name } = aClaim(world, Dice.ofLot(lot)).metadata;
      await person(world).delete(claims, { namespace: NAMESPACE, name });
      world.excuses.add(EXCUSES.claimGivenUp(name));
    },
  },
  'delete a claim over the guard': { perform: (world, lot) => deleteOverGuard(world, Dice.ofLot(lot)) },
  'expand a claim': { perform: (world, lot) => expand(world, Dice.ofLot(lot)) },
  'label a claim and its volume': {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      const claim = aClaim(world, dice);
      const labels = { team: `team-${dice.between(1, 9)}` };
      await person(world).mergePatch(claims, { namespace: NAMESPACE, name: claim.metadata.name }, { metadata: { labels, annotations: { note: labels.team } } });
      await person(world).mergePatch(volumes, { name: claim.spec.volumeName ?? '' }, { metadata: { labels, annotations: { note: labels.team } } });
    },
  },
  /** Somebody tidies up labels that he does not know. */
  'take our labels off': { perform: (world, lot) => takeLabelsOff(world, Dice.ofLot(lot)) },
  'take finalizers off a claim': {
    async perform(world, lot) {
      const { name } = aClaim(world, Dice.ofLot(lot)).metadata;
      await person(world).mergePatch(claims, { namespace: NAMESPACE, name }, { metadata: { finalizers: null } });
      world.excuses.add(EXCUSES.editedByHand(claims.kind, name));
    },
  },
  'take finalizers off a volume': {
    async perform(world, lot) {
      const { name } = aVolume(world, Dice.ofLot(lot)).metadata;
      await person(world).mergePatch(volumes, { name }, { metadata: { finalizers: null } });
      world.excuses.add(EXCUSES.editedByHand(volumes.kind, name));
    },
  },
  /** Of a volume under way this would cost the disk. */
  'change a reclaim policy': {
    async perform(world, lot) {
      const { metadata, spec } = aVolume(world, Dice.ofLot(lot));
      await person(world).mergePatch(volumes, { name: metadata.name }, { spec: { persistentVolumeReclaimPolicy: spec.persistentVolumeReclaimPolicy === 'Retain' ? 'Delete' : 'Retain' } });
      world.excuses.add(EXCUSES.editedByHand(volumes.kind, metadata.name));
    },
  },
  'delete a volume': {
    async perform(world, lot) {
      const { name } = aVolume(world, Dice.ofLot(lot)).metadata;
      await person(world).delete(volumes, { name });
      world.excuses.add(EXCUSES.editedByHand(volumes.kind, name));
    },
  },
  /** The driver could delete the disk under either of two. */
  'make a volume for the same disk': { perform: (world, lot) => makeVolumeForSameDisk(world, Dice.ofLot(lot)) },
  /** For a while every claim that goes is made anew in the very turn, from the template. */
  'hostile StatefulSet controller': { perform: (world, lot) => beHostile(world, Dice.ofLot(lot)) },
};

/** Of an ordinal under way twice as often as another. @throws NothingToDo */
function aClaim(world: HistoryWorld, dice: Dice): PersistentVolumeClaim {
  const moving = new Set(recordsInFlight(world).flatMap(partsOf).map(({ claimName }) => claimName));
  const all = claimsThere(world).filter(({ spec }) => (spec.volumeName ?? '') !== '');
  const held = all.filter(({ metadata }) => moving.has(metadata.name));
  return chosen(dice.chance(0.6) && held.length > 0 ? held : all, dice, 'no bound claim');
}

function aVolume(world: HistoryWorld, dice: Dice): PersistentVolume {
  const all = volumesThere(world);
  const ours = all.filter(({ metadata }) => metadata.labels?.[MIGRATION_LABEL] !== undefined);
  return chosen(dice.chance(0.7) && ours.length > 0 ? ours : all, dice, 'no volume');
}

/** As the guard's own words tell a person to do it. */
async function deleteOverGuard(world: HistoryWorld, dice: Dice): Promise<void> {
  const record = await aMove(world, dice, (candidate) => partsOf(candidate).length > 0);
  const { claimName: name } = chosen(partsOf(record), dice, 'no claim in the record');
  const ref = { namespace: NAMESPACE, name };
  await person(world).mergePatch(claims, ref, { metadata: { annotations: { [OVERRIDE_ANNOTATION]: record.metadata.name } } });
  world.excuses.add(EXCUSES.guardOverridden(record.metadata.name)).add(EXCUSES.claimGivenUp(name));
  await person(world).delete(claims, ref);
}

const GIB = /^(\d+)Gi$/;

async function expand(world: HistoryWorld, dice: Dice): Promise<void> {
  const { metadata, spec } = aClaim(world, dice);
  const size = Number(GIB.exec(spec.resources?.requests?.['storage'] ?? '')?.[1] ?? 20);
  await person(world).mergePatch(claims, { namespace: NAMESPACE, name: metadata.name }, { spec: { resources: { requests: { storage: `${size + 10 * dice.between(1, 3)}Gi` } } } });
}

async function takeLabelsOff(world: HistoryWorld, dice: Dice): Promise<void> {
  const record = await aMove(world, dice, (candidate) => partsOf(candidate).length > 0);
  const { claimName, source, target } = chosen(partsOf(record), dice, 'no claim in the record');
  const labels = { [MIGRATION_LABEL]: null, [ROLE_LABEL]: null };
  const volume = dice.one([source.pv, target?.pv ?? source.pv]);
  if (dice.chance(0.4)) {
    await person(world).mergePatch(claims, { namespace: NAMESPACE, name: claimName }, { metadata: { labels } });
    world.excuses.add(EXCUSES.editedByHand(claims.kind, claimName));
    return;
  }
  await person(world).mergePatch(volumes, { name: volume }, { metadata: { labels } });
  world.excuses.add(EXCUSES.editedByHand(volumes.kind, volume));
}

async function makeVolumeForSameDisk(world: HistoryWorld, dice: Dice): Promise<void> {
  const record = await aMove(world, dice, (candidate) => partsOf(candidate).length > 0);
  const { source, target } = chosen(partsOf(record), dice, 'no claim in the record');
  const original = chosen(volumesThere(world).filter((volume) => [source.diskId, target?.diskId].includes(diskIdOf(volume))), dice, 'no volume of the move');
  const { claimRef: _binding, ...spec } = original.spec;
  const name = `by-hand-${dice.between(1, 1_000_000)}`;
  const client = person(world);
  // Nobody's claim may take it meanwhile.
  await client.create(volumes, { metadata: { name }, spec: { ...structuredClone(spec), storageClassName: 'by-hand', persistentVolumeReclaimPolicy: 'Retain' } });
  world.excuses.add(EXCUSES.volumeMadeByHand(name));
  untilDone(world, dice.scale(2_000, 120_000), () => client.delete(volumes, { name }));
}

async function beHostile(world: HistoryWorld, dice: Dice): Promise<void> {
  await aMove(world, dice, phaseIs('Running', 'RollingBack'));
  const { server, clock } = world.simulated;
  const controller = server.client(kubeSystemAccount('statefulset-controller'));
  const unfollow = server.follow(claims, ({ type, object }) => {
    const made = type === 'DELETED' ? fromTemplate(world, object) : undefined;
    if (made !== undefined) clock.run(() => unlessThere(controller.create(claims, made)));
  });
  await clock.sleep(dice.scale(10_000, 120_000));
  unfollow();
}

/** Undefined for a claim of no set's ordinal. */
function fromTemplate({ simulated }: HistoryWorld, { metadata }: PersistentVolumeClaim): PersistentVolumeClaim | undefined {
  for (const set of simulated.server.readAll(statefulSets, { namespace: NAMESPACE })) {
    const { start = 0 } = set.spec.ordinals ?? {};
    for (const template of set.metadata.deletionTimestamp === undefined ? (set.spec.volumeClaimTemplates ?? []) : []) {
      const ordinals = Array.from({ length: set.spec.replicas ?? 1 }, (_, index) => start + index);
      if (!ordinals.some((ordinal) => metadata.name === `${template.metadata.name}-${set.metadata.name}-${ordinal}`)) continue;
      return { metadata: { name: metadata.name, namespace: NAMESPACE, labels: { ...set.spec.selector.matchLabels } }, spec: structuredClone(template.spec) };
    }
  }
  return undefined;
}

/** Somebody was quicker, or admission said no: the real controller would try again with its next sync. */
async function unlessThere(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}
