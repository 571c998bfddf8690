// What the demo shows on a real control plane, in order: a set in one zone, the annotation by kubectl, the moves on a live map.

import { dirname } from 'node:path';
import type { Announcer } from '../announcer.ts';
import type { Since } from '../balance.ts';
import { createSet, readSet } from '../birth.ts';
import type { Onlooker } from '../onlooker.ts';
import type { Picture } from '../picture.ts';
import type { Screen } from '../../cli/rendering/screen.ts';
import type { Teller } from '../teller.ts';
import { several } from '../../standing/amounts.ts';
import { EMPTY, line, piece } from '../../cli/rendering/text.ts';
import { NAMESPACE, REPLICAS, SET } from '../workload.ts';
import { FIRST_ZONE, ZONES } from '../zones.ts';
import { growOverZones, type Stage } from './boot.ts';

export interface StoryParts {
  stage: Stage;
  onlooker: Onlooker;
  teller: Teller;
  screen: Screen;
  announce: Announcer;
}

/** Short, so that the demo is; everything else is the default. */
const HEALTH_DURATION = '2s';
const ANNOTATIONS = [`zonespread.io/zones=${ZONES.join(',')}`, `zonespread.io/health-duration=${HEALTH_DURATION}`];
const ANNOTATE = ['annotate', 'statefulset', SET, '--namespace', NAMESPACE, ...ANNOTATIONS];

export async function tellStory({ stage, onlooker, teller, screen, announce }: StoryParts): Promise<{ before: Picture; since: Since }> {
  announce.coming(`${NAMESPACE}/${SET}`);
  await createSet(stage, onlooker, [FIRST_ZONE]);
  announce.up(`${NAMESPACE}/${SET}`, `a StatefulSet, ${several(REPLICAS, 'pod')} Ready, every disk in ${FIRST_ZONE}`);
  announce.coming('nodes');
  await growOverZones(stage);
  announce.up('nodes', `more of them, in ${ZONES.filter((zone) => zone !== FIRST_ZONE).join(' and ')}`);
  const settledAt = onlooker.podRevision();
  const before = onlooker.picture();

  invite(stage, screen);
  teller.begin();
  const answer = await stage.controlPlane.kubectl(ANNOTATE);
  screen.say(line(piece(answer.trim(), 'faint')));
  const annotated = await readSet(stage);
  await teller.watch('the set is spread as declared', () => onlooker.isSettled(ZONES));
  return { before, since: { annotated, settledAt } };
}

/** The command that a user would type, and where to look on. */
function invite({ controlPlane }: Stage, screen: Screen): void {
  const { kubeconfig, binaries } = controlPlane;
  screen.say(
    EMPTY,
    line(piece('To look on from another terminal:', 'faint')),
    line(piece(`  export KUBECONFIG=${kubeconfig}`, 'faint')),
    line(piece(`  export PATH=${dirname(binaries.kubectl)}:$PATH`, 'faint')),
    line(piece(`  kubectl get ordinalmigrations --namespace ${NAMESPACE} --watch`, 'faint')),
    EMPTY,
    line('Declare the zones; everything else follows from it:'),
    EMPTY,
    line(piece(`  $ kubectl ${ANNOTATE.slice(0, -ANNOTATIONS.length).join(' ')} \\`, 'strong')),
    line(piece(`      ${ANNOTATIONS.join(' ')}`, 'strong')),
    EMPTY,
  );
}
