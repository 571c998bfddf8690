// The cloud: throttled, failing with and without effect, slow, forgetful, sold out, stuck.

import type { FaultInput } from '../../simulation/ecs/faults.ts';
import { MIGRATION_LABEL } from '../../kubernetes/names.ts';
import { Dice } from '../dice.ts';
import type { FaultKind } from '../faults.ts';
import { lasting, struck, type Begin } from './striking.ts';
import type { HistoryWorld } from '../world.ts';

const RARE = [0.005, 0.1] as const;
/** Of the few calls that make something. */
const OFTEN = [0.1, 0.7] as const;
const ALWAYS = [1, 1] as const;
const MINUTE_MS = 60_000;
/** Only what our daemon asks for carries this tag: a driver that makes disks twice is not our matter. */
const OURS = { match: { Tag: [{ Key: MIGRATION_LABEL }] } };

type Unplanned = FaultInput extends infer F ? (F extends FaultInput ? Omit<F, 'times' | 'probability' | 'skip'> : never) : never;

export const CLOUD_FAULTS: Record<string, FaultKind> = {
  'cloud throttled': hitting([0.01, 0.3], (dice) => ({ kind: 'throttled', ...(dice.chance(0.5) ? { retryAfterMs: dice.between(200, 5_000) } : {}) })),
  'cloud unavailable': hitting(RARE, () => ({ kind: 'error', code: 'ServiceUnavailable', status: 503 })),
  'cloud internal error': hitting(RARE, () => ({ kind: 'serverError', effect: false })),
  'cloud internal error after the effect': hitting(RARE, () => ({ kind: 'serverError', effect: true })),
  'cloud answer timed out': hitting(RARE, (dice) => ({ kind: 'lost', how: 'timeout', effect: true, afterMs: dice.between(1_000, 10_000) })),
  'cloud call timed out': hitting(RARE, (dice) => ({ kind: 'lost', how: 'timeout', effect: false, afterMs: dice.between(1_000, 10_000) })),
  'cloud answer reset': hitting(RARE, () => ({ kind: 'lost', how: 'reset', effect: true })),
  'cloud call reset': hitting(RARE, () => ({ kind: 'lost', how: 'reset', effect: false })),
  'cloud answer broken': hitting(RARE, (dice) => ({ kind: 'broken', effect: dice.chance(0.5), ...(dice.chance(0.5) ? { status: 502 } : {}) })),
  'cloud slow': hitting([0.05, 0.5], (dice) => ({ kind: 'delay', ms: dice.scale(200, 20_000), when: dice.chance(0.5) ? 'before' : 'after' })),
  'attach slow': hitting([0.2, 1], (dice) => ({ kind: 'delay', action: dice.chance(0.5) ? 'AttachDisk' : 'DetachDisk', ms: dice.scale(500, 30_000), when: 'before' })),
  'tags late': hitting([0.3, 1], (dice) => ({ kind: 'tagLag', ms: dice.scale(500, 10 * MINUTE_MS), ...OURS })),
  'lists late': hitting([0.3, 1], (dice) => ({ kind: 'listLag', ms: dice.scale(500, 10 * MINUTE_MS), ...OURS })),
  'token amnesia': hitting([0.3, 1], () => ({ kind: 'forgetToken', ...OURS })),
  /** An answer that is lost is what makes the token matter. */
  'create lost': hitting(OFTEN, (dice) => ({ kind: 'lost', action: dice.chance(0.5) ? 'CreateDisk' : 'CreateSnapshot', how: dice.chance(0.5) ? 'timeout' : 'reset', effect: true, ...OURS })),
  'snapshot fails': hitting(OFTEN, (dice) => ({ kind: 'snapshotFails', atProgress: dice.between(0, 99) })),
  'snapshot stuck': stuck((dice) => ({ kind: 'snapshotStuck', progress: dice.between(0, 99), available: dice.chance(0.5) })),
  'disk stuck creating': stuck((dice) => ({ kind: 'stuck', action: 'CreateDisk', ...forAWhile(dice) })),
  'disk stuck attaching': stuck((dice) => ({ kind: 'stuck', action: 'AttachDisk', ...forAWhile(dice) })),
  'disk stuck detaching': stuck((dice) => ({ kind: 'stuck', action: 'DetachDisk', ...forAWhile(dice) })),
  'disk quota': hitting(OFTEN, () => ({ kind: 'quota', action: 'CreateDisk', ...OURS })),
  'snapshot quota': hitting(OFTEN, (dice) => ({ kind: 'quota', action: 'CreateSnapshot', code: dice.one(['QuotaExceed.ConcurrentSnapshotQuota', 'QuotaExceed.Snapshot']) })),
  /** A zone, as the market shows it. */
  'zone sold out': { chance: ALWAYS, begin: lasting(({ simulated }, dice) => soldOut(simulated.ecs, dice.one(simulated.ecs.zones()).id)) },
  /** The market still says yes, the call no: between the look and the disk. */
  'zone sold out midway': soldOutMidway(),
};

/** A share of the calls, for as long as the window is open. */
function hitting(chance: FaultKind['chance'], wanted: (dice: Dice) => Unplanned): FaultKind {
  return { chance, begin: inTheCloud(wanted) };
}

/** What is stuck when the window closes goes on. */
function stuck(wanted: (dice: Dice) => Unplanned): FaultKind {
  return { chance: OFTEN, begin: inTheCloud(wanted, ({ simulated }) => simulated.ecs.unstick()) };
}

function forAWhile(dice: Dice): { forMs?: number } {
  return dice.chance(0.5) ? { forMs: dice.scale(5_000, 2 * MINUTE_MS) } : {};
}

function inTheCloud(wanted: (dice: Dice) => Unplanned, after: (world: HistoryWorld) => void = () => {}): Begin {
  return (world, fault) => {
    const { faults } = world.simulated.ecs;
    const id = faults.add({ ...wanted(Dice.ofFault(world.plan.seed, fault)), times: 0, probability: fault.chance });
    return () => {
      struck(world, fault, faults.list().find((one) => one.id === id)?.hits);
      faults.remove(id);
      after(world);
    };
  };
}

/** @returns what puts it back on sale. */
function soldOut(ecs: HistoryWorld['simulated']['ecs'], zone: string): () => void {
  const onSale = ecs.zones().find(({ id }) => id === zone)?.onSale ?? [];
  if (onSale.length > 0) ecs.sellOut(zone);
  return () => {
    if (onSale.length > 0) ecs.setOnSale(zone, onSale);
  };
}

function soldOutMidway(): FaultKind {
  return {
    chance: OFTEN,
    begin: (world, fault) => {
      const { ecs } = world.simulated;
      const before = ecs.zones();
      const heal = inTheCloud(() => ({ kind: 'soldOut', ...OURS }))(world, fault);
      return async () => {
        await heal();
        for (const { id, onSale } of before) if (onSale.length > 0) ecs.setOnSale(id, onSale);
      };
    },
  };
}
