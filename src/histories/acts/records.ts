// What people decide about moves: requests on records, records made by hand, deleted, stripped of their finalizer.

import { FINALIZER, REQUEST_ANNOTATION } from '../../kubernetes/names.ts';
import { ended, inFlight, ordinalMigrations, podNameOf, statusOf, STEPS, type MigrationRequest, type OrdinalMigration, type StepName } from '../../migration/record.ts';
import type { Act } from '../acts.ts';
import { Dice } from '../dice.ts';
import { zoneName } from '../manifests.ts';
import { NAMESPACE, type HistoryWorld } from '../world.ts';
import { EXCUSES } from './excuses.ts';
import { aMove, aSet, awaited, person, phaseIs, records } from './scene.ts';

export const RECORD_ACTS: Record<string, Act> = {
  'ask to abort': asking('abort', isAtAnyStep),
  'ask to reverse': asking('reverse', () => isPastNoReturn),
  'ask to restore the source': asking('restore-source', () => isPastNoReturn),
  'ask to release': asking('release', () => phaseIs('Frozen')),
  'ask to resume': asking('resume', () => phaseIs('Frozen')),
  /** Whatever comes to mind, whether it makes sense or not. */
  'ask for anything': {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      await ask(world, await aMove(world, dice), dice.one(['abort', 'reverse', 'restore-source', 'release', 'resume', 'undo-please']));
    },
  },
  'delete a record in flight': { perform: async (world, lot) => deleteRecord(world, await aMove(world, Dice.ofLot(lot))) },
  /** Nothing of it is deleted any more. */
  'delete an ended record': { perform: async (world, lot) => deleteRecord(world, await anEnded(world, Dice.ofLot(lot))) },
  "take a record's finalizer off": {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      const { metadata } = await awaited(world, () => dice.maybeOne(records(world).filter((record) => record.metadata.finalizers?.includes(FINALIZER))), 'no record');
      await person(world).mergePatch(ordinalMigrations, { namespace: NAMESPACE, name: metadata.name }, { metadata: { finalizers: null } });
      world.excuses.add(EXCUSES.recordReleased(metadata.name));
    },
  },
  /** A status is the daemon's: a person who writes one guesses. */
  "write a record's status": {
    async perform(world, lot) {
      const { metadata } = await aMove(world, Dice.ofLot(lot));
      await person(world).mergePatch(ordinalMigrations, { namespace: NAMESPACE, name: metadata.name }, { status: { phase: 'Succeeded' } }, { subresource: 'status' });
      world.excuses.add(EXCUSES.recordReleased(metadata.name));
    },
  },
  'make a record by hand': { perform: (world, lot) => makeRecord(world, Dice.ofLot(lot)) },
};

function asking(request: MigrationRequest, fits: (dice: Dice) => (record: OrdinalMigration) => boolean): Act {
  return {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      await ask(world, await aMove(world, dice, fits(dice)), request);
    },
  };
}

/** Late steps are as likely as early ones, however short they are; once the new disk is in use there is nothing to abort. */
function isAtAnyStep(dice: Dice): (record: OrdinalMigration) => boolean {
  const abortable = STEPS.slice(0, STEPS.indexOf('ready'));
  const earliest = STEPS.indexOf(dice.one(abortable));
  return (record) => inFlight(record) && STEPS.indexOf((statusOf(record).step ?? 'rehearse') as StepName) >= earliest;
}

/** Its new disk is in use, and it has not settled. */
function isPastNoReturn(record: OrdinalMigration): boolean {
  const { step, course = 'Forward' } = statusOf(record);
  return inFlight(record) && course === 'Forward' && step === 'ready';
}

async function ask(world: HistoryWorld, record: OrdinalMigration, request: string): Promise<void> {
  const { name } = record.metadata;
  await person(world).mergePatch(ordinalMigrations, { namespace: NAMESPACE, name }, { metadata: { annotations: { [REQUEST_ANNOTATION]: request } } });
  if (request === 'release') world.excuses.add(EXCUSES.recordReleased(name));
  if (request === 'restore-source') world.excuses.add(EXCUSES.restoreAsked(podNameOf(record)));
}

function anEnded(world: HistoryWorld, dice: Dice): Promise<OrdinalMigration> {
  return awaited(world, () => dice.maybeOne(records(world).filter(ended)), 'no ended record');
}

async function deleteRecord(world: HistoryWorld, { metadata }: OrdinalMigration): Promise<void> {
  await person(world).delete(ordinalMigrations, { namespace: NAMESPACE, name: metadata.name });
  world.excuses.add(EXCUSES.recordReleased(metadata.name));
}

/** Sometimes for an ordinal or a zone that does not exist. */
async function makeRecord(world: HistoryWorld, dice: Dice): Promise<void> {
  const { metadata, spec } = aSet(world, dice);
  const ordinal = (spec.ordinals?.start ?? 0) + dice.between(0, dice.chance(0.9) ? Math.max(0, (spec.replicas ?? 1) - 1) : 9);
  const targetZone = zoneName(dice.between(0, dice.chance(0.9) ? world.plan.cluster.zones - 1 : 7));
  const name = `by-hand-${dice.between(1, 1_000_000)}`;
  await person(world).create(ordinalMigrations, { metadata: { name, namespace: NAMESPACE }, spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: metadata.name }, ordinal, targetZone } });
  world.excuses.add(EXCUSES.recordMadeByHand(name));
}
