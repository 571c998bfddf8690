// Faults that strike now and then while their window is open, and those that last from its beginning to its end.

import { Dice } from '../dice.ts';
import type { FaultKind } from '../faults.ts';
import type { FaultPlan } from '../plan.ts';
import type { HistoryWorld } from '../world.ts';

export type Begin = NonNullable<FaultKind['begin']>;

/** @returns whether there was anything to strike. */
export type Strike = (world: HistoryWorld, fault: FaultPlan, dice: Dice) => boolean | Promise<boolean>;

/** Every so often the fault's chance decides whether it strikes. */
export function striking({ everyMs }: { everyMs: number }, strike: Strike): Begin {
  return (world, fault) => {
    const dice = Dice.ofFault(world.plan.seed, fault);
    const { clock } = world.simulated;
    let [open, callOff] = [true, (): void => {}];
    const wait = (): void => {
      callOff = clock.after(everyMs / 2 + Math.floor(dice.next() * everyMs), async () => {
        if (open && dice.chance(fault.chance) && (await strike(world, fault, dice))) struck(world, fault);
        if (open) wait();
      });
    };
    wait();
    return () => {
      open = false;
      callOff();
    };
  };
}

/** What it switches on, its end switches off. Undefined: there was nothing to strike. */
export function lasting(switchOn: (world: HistoryWorld, dice: Dice, fault: FaultPlan) => (() => void | Promise<void>) | undefined): Begin {
  return (world, fault) => {
    const off = switchOn(world, Dice.ofFault(world.plan.seed, fault), fault);
    if (off === undefined) return () => {};
    struck(world, fault);
    return off;
  };
}

export function struck(world: HistoryWorld, { name }: Pick<FaultPlan, 'name'>, times = 1): void {
  if (times > 0) world.coverage.met(`fault: ${name}`, times);
}
