// Somebody has promised that no pod may be disrupted: the report says so, nothing moves, until the promise is relaxed.

import { disruptionBudgets } from '../../../kubernetes/objects.ts';
import type { Check } from '../../closing-lines.ts';
import { EMPTY, line, minutes, piece } from '../../../cli/rendering/text.ts';
import { NAMESPACE, SET } from '../../workload.ts';
import { FIRST_ZONE, ZONES } from '../../zones.ts';
import { bringUp, declareZones, type Play } from '../play.ts';
import type { Scenario } from './scenario.ts';

const BUDGET = { namespace: NAMESPACE, name: SET };
const REASON = 'DisruptionBudgetExhausted';
/** Long enough to see that it is no hesitation. */
const HELD_MS = 120_000;

export const blockedByBudget: Scenario = {
  name: 'blocked-by-pdb',
  summary: 'A PodDisruptionBudget allows no disruption: the report says so and nothing moves, until it is relaxed.',
  title: 'A PodDisruptionBudget says that no pod of the set may be disrupted.',
  bornIn: [FIRST_ZONE],
  speed: 80,
  async play(play) {
    const { world, onlooker, teller } = play;
    await bringUp(play, [FIRST_ZONE]);
    await world.api.create(disruptionBudgets, { metadata: BUDGET, spec: { maxUnavailable: 0, selector: { matchLabels: { app: SET } } } });
    await untilObserved(play);
    const { before, since } = await declareZones(play, ZONES);
    await teller.watch(`the report says ${REASON}`, () => blockOf(play) !== undefined);
    const { message = '' } = blockOf(play) ?? {};
    teller.say(piece('held ', 'busy'), `${REASON}: ${message}`);
    const heldAt = world.clock.monotonic();
    await teller.watch('it has been held for a while', () => world.clock.monotonic() - heldAt >= HELD_MS);
    const tooEarly = onlooker.moves().filter(({ status }) => status?.podUID !== undefined).length;
    const heldMs = await relax(play, heldAt);
    await teller.watch('the set is spread as declared', () => onlooker.isSettled(ZONES));
    return { before, since, checks: [budgetCheck(tooEarly, heldMs)] };
  },
};

/** The disruption controller has counted for the first time. */
async function untilObserved({ world }: Play): Promise<void> {
  for (;;) {
    const budget = await world.api.get(disruptionBudgets, BUDGET);
    if (budget?.status?.observedGeneration !== undefined) return;
    await world.clock.sleep(100);
  }
}

async function relax({ world, screen, teller }: Play, heldAt: number): Promise<number> {
  const heldMs = world.clock.monotonic() - heldAt;
  screen.say(EMPTY, line(`Nothing has moved for ${minutes(heldMs)} min. Let the budget allow one at a time:`), EMPTY);
  screen.say(line(piece(`  $ kubectl patch poddisruptionbudget ${SET} --namespace ${NAMESPACE} --patch '{"spec":{"maxUnavailable":1}}'`, 'strong')), EMPTY);
  await world.api.mergePatch(disruptionBudgets, BUDGET, { spec: { maxUnavailable: 1 } });
  teller.say('the budget allows one');
  return heldMs;
}

function blockOf({ onlooker }: Play): { message: string } | undefined {
  return onlooker.report()?.status?.blocked?.find(({ reason }) => reason === REASON);
}

function budgetCheck(tooEarly: number, heldMs: number): Check {
  return { title: 'Budget', good: `nothing was evicted for the ${minutes(heldMs)} min in which it allowed nothing, and the report said why`, against: tooEarly === 0 ? [] : [`${tooEarly} moves began although the budget allowed none`] };
}
