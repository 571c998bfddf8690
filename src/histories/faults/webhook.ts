// The webhook: down, up and down, slow, or alive with a picture of the world that is old.

import type { HistoryWorld } from '../world.ts';
import type { FaultKind } from '../faults.ts';
import { lasting, striking } from './striking.ts';

const ALWAYS = [1, 1] as const;
const SOMETIMES = [0.2, 0.8] as const;
const FLAP_MS = 6_000;
/** As registered; a review that takes longer has failed. */
const REVIEW_TIMEOUT_MS = 2_000;

export const WEBHOOK_FAULTS: Record<string, FaultKind> = {
  /** kill -9, and nobody starts another one for a while. */
  'webhook down': {
    chance: ALWAYS,
    begin: lasting((world) => {
      if (world.embedded.webhook?.alive !== true) return undefined;
      world.embedded.webhook.kill();
      return () => startAgain(world);
    }),
  },
  'webhook flapping': {
    chance: SOMETIMES,
    begin: striking({ everyMs: FLAP_MS }, async (world, _fault, dice) => {
      world.embedded.webhook?.kill();
      await world.simulated.clock.sleep(dice.scale(100, FLAP_MS));
      startAgain(world);
      return true;
    }),
  },
  /** SIGTERM, as in an upgrade, and SIGKILL when it has not ended by then: one that hangs does not. */
  'webhook restarted': {
    chance: SOMETIMES,
    begin: striking({ everyMs: FLAP_MS * 5 }, async (world) => {
      const { webhook } = world.embedded;
      if (webhook?.alive !== true) return false;
      await Promise.race([webhook.stop(), world.simulated.clock.sleep(FLAP_MS)]);
      webhook.kill();
      startAgain(world);
      return true;
    }),
  },
  /** Some of its answers come too late to count. */
  'webhook slow': {
    chance: ALWAYS,
    begin: lasting(({ switches }, dice) => {
      const mostMs = dice.scale(50, 2 * REVIEW_TIMEOUT_MS);
      switches.reviewDelayMs = () => Math.floor(dice.next() * mostMs);
      return () => {
        switches.reviewDelayMs = () => 0;
      };
    }),
  },
  /** Its watches tell it nothing: it answers from what it knew. */
  'webhook behind': {
    chance: SOMETIMES,
    begin: striking({ everyMs: FLAP_MS }, async (world, _fault, dice) => {
      const { webhook } = world.embedded;
      if (webhook?.alive !== true) return false;
      const goOn = webhook.pause();
      await world.simulated.clock.sleep(dice.scale(500, 30_000));
      goOn();
      return true;
    }),
  },
};

/** Unless somebody else has. */
function startAgain(world: HistoryWorld): void {
  if (world.embedded.webhook?.alive !== true) world.startWebhook();
}
