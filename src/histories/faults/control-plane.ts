// A control plane that is slow: its controllers, the CSI sidecars, and what the API server itself knows by watching.

import type { PaceSettings } from '../../simulation/controllers/pace.ts';
import type { Controllers } from '../../simulation/cluster.ts';
import type { FaultKind } from '../faults.ts';
import { lasting, striking } from './striking.ts';

const ALWAYS = [1, 1] as const;
const LEADER_CHANGE_MS = 4_000;

export const CONTROL_PLANE_FAULTS: Record<string, FaultKind> = {
  'controllers sluggish': {
    chance: ALWAYS,
    begin: lasting((world, dice) => {
      const before = world.simulated.pace.settings;
      const slow: PaceSettings = { watch: [0, dice.scale(500, 8_000)], reconcile: [0, dice.scale(50, 1_500)], request: [0, dice.scale(20, 300)] };
      world.simulated.pace.settings = slow;
      return () => {
        world.simulated.pace.settings = before;
      };
    }),
  },
  /** A label that was set a moment ago is not seen yet by admission. */
  'admission behind': {
    chance: ALWAYS,
    begin: lasting(({ switches }, dice) => {
      const mostMs = dice.scale(200, 10_000);
      switches.informerLagMs = () => Math.floor(dice.next() * mostMs);
      return () => {
        switches.informerLagMs = () => 0;
      };
    }),
  },
  'provisioner slow': standingStill('provisioner'),
  'attacher slow': standingStill('attacher'),
  'attach-detach controller slow': standingStill('attachDetach'),
  'StatefulSet controller slow': standingStill('statefulSet'),
  'scheduler slow': standingStill('scheduler'),
  'binder slow': standingStill('binder'),
};

/** Its process hangs for up to a minute, or another one takes the lead. */
function standingStill(name: keyof Controllers): FaultKind {
  return {
    chance: [0.1, 0.5],
    begin: striking({ everyMs: LEADER_CHANGE_MS }, async (world, _fault, dice) => {
      const controller = world.simulated.controllers[name];
      controller.pause();
      await world.simulated.clock.sleep(dice.scale(500, 60_000));
      controller.resume();
      return true;
    }),
  };
}
