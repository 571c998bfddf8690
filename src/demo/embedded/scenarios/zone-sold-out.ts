// The target zone sells out while a move is under way: its pod comes back on its old disk; when there are disks again, the move is done.

import { phaseOf, podNameOf, statusOf, type OrdinalMigration } from '../../../migration/record.ts';
import { everythingOnSale } from '../../../simulation/ecs/categories.ts';
import type { Check } from '../../closing-lines.ts';
import { several } from '../../../standing/amounts.ts';
import { EMPTY, line, piece, seconds } from '../../../cli/rendering/text.ts';
import { NAMESPACE } from '../../workload.ts';
import { FIRST_ZONE, ZONES } from '../../zones.ts';
import { bringUp, declareZones, type Play } from '../play.ts';
import type { EmbeddedWorld } from '../world.ts';
import type { Scenario } from './scenario.ts';

const [, SOLD_OUT = ''] = ZONES;
/** The move that it happens to; one has been there before. */
const AFTER_MOVES = 2;

export const zoneSoldOut: Scenario = {
  name: 'zone-sold-out',
  summary: 'The target zone sells out while a snapshot is made for it: the move is rolled back, and done once there are disks again.',
  title: `${SOLD_OUT} sells out of disks in the middle of a move to it.`,
  bornIn: [FIRST_ZONE],
  speed: 120,
  expected: ['RolledBack'],
  async play(play) {
    const { onlooker, teller, world } = play;
    await bringUp(play, [FIRST_ZONE]);
    const { before, since } = await declareZones(play, ZONES);
    await teller.watch(`a third move, to ${SOLD_OUT}, makes its snapshot`, () => isSnapshotting(play));
    world.books.cloud.sellOut(SOLD_OUT);
    teller.say(piece('sold out', 'bad'), `: ${SOLD_OUT} has no disks any more`);
    await teller.watch('the move is rolled back, and what can be done without the zone is done', () => isQuiet(play));
    const rolledBack = onlooker.moves().find((record) => phaseOf(record) === 'RolledBack');
    tellHold(play);
    world.books.cloud.setOnSale(SOLD_OUT, everythingOnSale());
    teller.say(piece('on sale again', 'good'), `: ${SOLD_OUT} has disks; the daemon finds out by itself`);
    await teller.watch('the set is spread as declared', () => onlooker.isSettled(ZONES));
    return { before, since, anyOrder: true, checks: [rollbackCheck(play, rolledBack)] };
  },
};

function isSnapshotting({ onlooker }: Play): boolean {
  const { moved, move } = onlooker.picture();
  return moved >= AFTER_MOVES && move?.step === 'snapshot' && move.to === SOLD_OUT;
}

function isQuiet({ onlooker }: Play): boolean {
  const { move, ordinals } = onlooker.picture();
  const status = onlooker.report()?.status;
  const ended = onlooker.moves().some((record) => phaseOf(record) === 'RolledBack');
  return ended && move === undefined && ordinals.every(({ ready }) => ready) && status?.satisfied === false && status.plan?.total === 0;
}

function tellHold({ onlooker, screen }: Play): void {
  const condition = onlooker.report()?.status?.conditions?.find(({ type }) => type === 'Satisfied');
  screen.say(EMPTY, line(piece('The report says: ', 'faint'), `${condition?.reason ?? ''}: ${condition?.message ?? ''}`), EMPTY);
}

function rollbackCheck({ world }: Play, record: OrdinalMigration | undefined): Check {
  if (record === undefined) return { title: 'Rollback', good: '', against: ['no move was rolled back'] };
  const { claims = [] } = statusOf(record);
  const left = claims.flatMap(({ target }) => (target?.diskId === undefined ? [] : [target.diskId])).filter((id) => world.books.cloud.disk(id)?.status !== 'Deleted');
  return {
    title: 'Rollback',
    good: `${podNameOf(record)} came back on its old disk, down for ${seconds(downtimeOf(record, world))}; nothing of the try is left in the cloud`,
    against: left.map((id) => `disk ${id} of the move that was rolled back is still there (${several(left.length, 'disk')})`),
  };
}

/** By the kubelets' clocks: from the deletion of the pod that went until its successor was Ready; ms. */
function downtimeOf(record: OrdinalMigration, { books }: EmbeddedWorld): number {
  const timelines = books.records.timelines(`${NAMESPACE}/${podNameOf(record)}`);
  const at = timelines.findIndex(({ uid }) => uid === statusOf(record).podUID);
  const back = timelines.slice(at + 1).find(({ readyAt }) => readyAt !== undefined);
  return (back?.readyAt ?? Number.POSITIVE_INFINITY) - (timelines[at]?.killedAt ?? 0);
}
