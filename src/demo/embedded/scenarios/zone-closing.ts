// A zone is to be left: it is taken out of the annotation, and its disks move out.

import type { Check } from '../../closing-lines.ts';
import { several } from '../../../standing/amounts.ts';
import { ZONES } from '../../zones.ts';
import { bringUp, declareZones } from '../play.ts';
import type { Scenario } from './scenario.ts';

const [, , CLOSING = ''] = ZONES;
const STAYING = ZONES.filter((zone) => zone !== CLOSING);

export const zoneClosing: Scenario = {
  name: 'zone-closing',
  summary: 'A zone is taken out of the declaration: its disks move to the others, the rest stays where it is.',
  title: `A StatefulSet that is spread over three zones has to leave ${CLOSING}.`,
  bornIn: ZONES,
  speed: 30,
  async play(play) {
    const { onlooker, teller } = play;
    await bringUp(play, ZONES);
    await declareZones(play, ZONES);
    await teller.watch('the report says that nothing has to move', () => onlooker.isSettled(ZONES));
    teller.say('spread as declared: nothing to move');
    const { before, since } = await declareZones(play, STAYING, `${CLOSING} is to be closed: take it out of the declaration.`);
    await teller.watch(`no disk is left in ${CLOSING}`, () => onlooker.isSettled(STAYING));
    const leaving = before.ordinals.filter(({ zone }) => zone === CLOSING).map(({ ordinal }) => ordinal);
    return { before, since, declared: STAYING, checks: [onlyTheseMoved(leaving, onlooker.moves().map(({ spec }) => spec.ordinal))] };
  },
};

function onlyTheseMoved(leaving: readonly number[], moved: readonly number[]): Check {
  const needless = moved.filter((ordinal) => !leaving.includes(ordinal));
  return { title: 'Others', good: `${several(leaving.length, 'ordinal')} had to leave ${CLOSING}, and no other was touched`, against: needless.map((ordinal) => `ordinal ${ordinal} was moved although it was not in ${CLOSING}`) };
}
