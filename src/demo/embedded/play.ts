// What a scenario has in its hands, and the acts that several of them share.

import { statefulSets, type StatefulSet } from '../../kubernetes/objects.ts';
import type { Since } from '../balance.ts';
import { createSet } from '../birth.ts';
import type { Ending } from '../closing-lines.ts';
import type { Announcer } from '../announcer.ts';
import type { Onlooker } from '../onlooker.ts';
import type { Picture } from '../picture.ts';
import type { Screen } from '../../cli/rendering/screen.ts';
import type { Teller } from '../teller.ts';
import { several } from '../../standing/amounts.ts';
import { EMPTY, line, piece } from '../../cli/rendering/text.ts';
import { ANNOTATOR, NAMESPACE, REPLICAS, SET } from '../workload.ts';
import { ZONES } from '../zones.ts';
import type { EmbeddedWorld } from './world.ts';

export interface Play {
  world: EmbeddedWorld;
  onlooker: Onlooker;
  teller: Teller;
  screen: Screen;
  announce: Announcer;
  seed: number;
}

export type Told = Omit<Ending, 'balance' | 'after' | 'elapsedMs'> & { since: Since };

/** The set is born in these zones; in the end every zone has nodes. */
export async function bringUp({ world, onlooker, announce }: Play, zones: readonly string[]): Promise<void> {
  announce.coming(`${NAMESPACE}/${SET}`);
  await createSet(world, onlooker, zones);
  const others = ZONES.filter((zone) => !zones.includes(zone));
  const where = zones.length === 1 ? `every disk in ${zones.join('')}` : `two disks in each of ${several(zones.length, 'zone')}`;
  announce.up(`${NAMESPACE}/${SET}`, `a StatefulSet, ${several(REPLICAS, 'pod')} Ready, ${where}`);
  if (others.length === 0) return;
  announce.coming('more nodes');
  await world.addNodes(others);
  announce.up('more nodes', `in ${others.join(' and ')}`);
}

/** Says what a user would type, and does it. Time counts from here. @returns what was so before, and from when on things count. */
export async function declareZones({ world, onlooker, teller, screen }: Play, declared: readonly string[], words = 'Declare the zones; everything else follows from it:'): Promise<{ before: Picture; since: Since }> {
  const settledAt = onlooker.podRevision();
  const before = onlooker.picture();
  screen.say(
    EMPTY,
    line(words),
    EMPTY,
    line(piece(`  $ kubectl annotate statefulset ${SET} --namespace ${NAMESPACE} --overwrite \\`, 'strong')),
    line(piece(`      zonespread.io/zones=${declared.join(',')}`, 'strong')),
    EMPTY,
  );
  const annotated = await annotate(world, declared);
  teller.begin();
  return { before, since: { annotated, settledAt } };
}

export function annotate({ api }: EmbeddedWorld, declared: readonly string[]): Promise<StatefulSet> {
  return api.mergePatch(statefulSets, { namespace: NAMESPACE, name: SET }, { metadata: { annotations: { 'zonespread.io/zones': declared.join(',') } } }, { fieldManager: ANNOTATOR });
}
