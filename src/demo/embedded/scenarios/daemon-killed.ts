// The daemon is killed in the middle of a move, at a step that the seed picks; another one goes on where it was.

import { statusOf, STEPS, type OrdinalMigration } from '../../../migration/record.ts';
import { SeededRandom } from '../../../simulation/seeded-random.ts';
import type { Check } from '../../closing-lines.ts';
import { piece, seconds } from '../../../cli/rendering/text.ts';
import { FIRST_ZONE, ZONES } from '../../zones.ts';
import { bringUp, declareZones, type Play } from '../play.ts';
import type { Scenario } from './scenario.ts';

/** Until Kubernetes starts the container again. */
const RESTART_MS = 10_000;
/** Every other time at once, else the step may have got so far. */
const LATEST_MS = 4_000;
/** So many moves there are; the last one has none after it to show that life goes on. */
const MOVES_TO_HIT = 3;

interface Death {
  record: string;
  pod: string;
  step: string;
  epoch: number;
}

export const daemonKilled: Scenario = {
  name: 'daemon-killed',
  summary: 'The daemon is killed (kill -9) in the middle of a move, at a step that the seed picks; the next one goes on where it was.',
  title: 'The daemon is killed in the middle of a move, and the next one goes on where it was.',
  bornIn: [FIRST_ZONE],
  speed: 60,
  async play(play) {
    const { onlooker, teller, world } = play;
    await bringUp(play, [FIRST_ZONE]);
    const { before, since } = await declareZones(play, ZONES);
    const death = await killMidway(play);
    const killedAt = world.clock.monotonic();
    await teller.watch('the container is started again', () => world.clock.monotonic() - killedAt >= RESTART_MS);
    world.startDaemon();
    teller.say('a new daemon runs; it waits until the lease of the dead one has run out');
    await teller.watch('the new daemon goes on', () => epochOf(onlooker.moves().find(({ metadata }) => metadata.name === death.record)) > death.epoch);
    const pausedMs = world.clock.monotonic() - killedAt;
    teller.say(piece('✓', 'good'), ` it goes on with ${death.pod}, ${seconds(pausedMs)} after the death of the other`);
    await teller.watch('the set is spread as declared', () => onlooker.isSettled(ZONES));
    return { before, since, checks: [deathCheck(play, death, pausedMs)] };
  },
};

async function killMidway({ onlooker, teller, world, seed }: Play): Promise<Death> {
  const chance = new SeededRandom(seed);
  const [move, step] = [Math.floor(chance.next() * MOVES_TO_HIT), Math.floor(chance.next() * STEPS.length)];
  const isThere = (): boolean => {
    const { moved, move: sight } = onlooker.picture();
    return moved === move && sight?.stepNumber !== undefined && sight.stepNumber > step;
  };
  await teller.watch(`move ${move + 1} has come to ${STEPS[step] ?? ''}`, isThere);
  const reachedAt = world.clock.monotonic();
  const lateMs = Math.max(0, 2 * chance.next() - 1) * LATEST_MS;
  await teller.watch('it has got a little further', () => world.clock.monotonic() - reachedAt >= lateMs);
  world.killDaemon();
  const sight = onlooker.picture().move;
  const record = onlooker.moves().find(({ metadata }) => metadata.name === sight?.record);
  const death = { record: sight?.record ?? '', pod: sight?.pod ?? '', step: sight?.step ?? '', epoch: epochOf(record) };
  teller.say(piece('kill -9', 'bad'), ` of the daemon, in the middle of ${death.pod}: ${death.step}`);
  return death;
}

function epochOf(record: OrdinalMigration | undefined): number {
  return record === undefined ? 0 : (statusOf(record).epoch ?? 0);
}

/** Nobody may have begun anything twice: what the cloud has made is what the records name. */
function deathCheck({ onlooker, world }: Play, { pod, step }: Death, pausedMs: number): Check {
  const claims = onlooker.moves().flatMap((record) => statusOf(record).claims ?? []);
  const named = new Set(claims.flatMap(({ source, target }) => [source.diskId, target?.diskId ?? '']));
  const inUse = new Set(onlooker.disks().values());
  const strays = world.books.cloud.disks().filter(({ id }) => !named.has(id) && !inUse.has(id));
  return {
    title: 'Daemon',
    good: `killed in ${pod}’s ${step}; the next one went on ${seconds(pausedMs)} later; no disk was made twice`,
    against: strays.map(({ id }) => `disk ${id} belongs to nobody`),
  };
}
