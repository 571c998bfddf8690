// What the demo shows, in order: a set in one zone, the annotation, the moves on a live map.

import { dirname } from 'node:path';
import { namespaces, statefulSets, storageClasses, type StatefulSet } from '../kubernetes/objects.ts';
import { ended, phaseOf, type OrdinalMigration } from '../migration/record.ts';
import { systemClock } from '../ports/clock.ts';
import { growOverZones, FIRST_ZONE, ZONES, type Announcer, type Stage } from './boot.ts';
import { changeLine, mapLines, spreadInOneLine } from './map.ts';
import type { Onlooker } from './onlooker.ts';
import type { MoveSight, Picture } from './picture.ts';
import type { Screen } from './screen.ts';
import { EMPTY, line, minutes, piece, seconds, several } from './text.ts';
import { demoClass, demoNamespace, demoSet, NAMESPACE, REPLICAS, SET } from './workload.ts';

/** A move ended otherwise than well, so the demo has failed. */
export class MoveFailed extends Error {
  constructor(record: OrdinalMigration) {
    const { reason = 'no reason given', message = '' } = record.status ?? {};
    super(`The move of ${SET}-${record.spec.ordinal} to ${record.spec.targetZone} is ${phaseOf(record)}: ${reason}${message === '' ? '' : `: ${message}`}`);
    this.name = 'MoveFailed';
  }
}

export interface StoryTeller {
  stage: Stage;
  onlooker: Onlooker;
  screen: Screen;
  announce: Announcer;
}

export interface Told {
  /** As it was after the annotation; what nobody else may change. */
  annotated: StatefulSet;
  /** Revision of the store from which on every pod has to stay Ready unless it is moved. */
  settledAt: number;
  before: Picture;
  after: Picture;
  elapsedMs: number;
}

/** Short, so that the demo is; everything else is the default. */
const HEALTH_DURATION = '2s';
const ANNOTATIONS = [`zonespread.io/zones=${ZONES.join(',')}`, `zonespread.io/health-duration=${HEALTH_DURATION}`];
const ANNOTATE = ['annotate', 'statefulset', SET, '--namespace', NAMESPACE, ...ANNOTATIONS];
/** The field manager that this gives its fields. */
export const ANNOTATOR = 'kubectl-annotate';

export async function tellStory(teller: StoryTeller): Promise<Told> {
  const { stage, onlooker, screen, announce } = teller;
  announce.coming(`${NAMESPACE}/${SET}`);
  await createSet(teller);
  announce.up(`${NAMESPACE}/${SET}`, `a StatefulSet, ${several(REPLICAS, 'pod')} Ready, every disk in ${FIRST_ZONE}`);
  announce.coming('nodes');
  await growOverZones(stage);
  announce.up('nodes', `more of them, in ${ZONES.filter((zone) => zone !== FIRST_ZONE).join(' and ')}`);
  const settledAt = onlooker.podRevision();
  const before = onlooker.picture();

  invite(teller);
  const started = systemClock.monotonic();
  const answer = await stage.controlPlane.kubectl(ANNOTATE);
  screen.say(line(piece(answer.trim(), 'faint')));
  const annotated = await stage.api.get(statefulSets, { namespace: NAMESPACE, name: SET });
  if (annotated === undefined) throw new Error(`StatefulSet ${NAMESPACE}/${SET} is gone`);

  await watchMoves(teller, () => systemClock.monotonic() - started);
  return { annotated, settledAt, before, after: onlooker.picture(), elapsedMs: systemClock.monotonic() - started };
}

async function createSet({ stage, onlooker }: StoryTeller): Promise<void> {
  const { api } = stage;
  await api.create(namespaces, demoNamespace);
  await api.create(storageClasses, demoClass());
  await onlooker.start();
  await api.create(statefulSets, demoSet());
  await onlooker.until(`all ${REPLICAS} pods of the set are Ready`, () => onlooker.picture().ordinals.every(({ ready, zone }) => ready && zone === FIRST_ZONE));
}

/** The command that a user would type, and where to look on. */
function invite({ stage, screen }: StoryTeller): void {
  const { kubeconfig, binaries } = stage.controlPlane;
  const kubectl = dirname(binaries.kubectl);
  screen.say(
    EMPTY,
    line(piece('To look on from another terminal:', 'faint')),
    line(piece(`  export KUBECONFIG=${kubeconfig}`, 'faint')),
    line(piece(`  export PATH=${kubectl}:$PATH`, 'faint')),
    line(piece(`  kubectl get ordinalmigrations --namespace ${NAMESPACE} --watch`, 'faint')),
    EMPTY,
    line('Declare the zones; everything else follows from it:'),
    EMPTY,
    line(piece(`  $ kubectl ${ANNOTATE.slice(0, -ANNOTATIONS.length).join(' ')} \\`, 'strong')),
    line(piece(`      ${ANNOTATIONS.join(' ')}`, 'strong')),
    EMPTY,
  );
}

async function watchMoves({ onlooker, screen }: StoryTeller, elapsedMs: () => number): Promise<void> {
  const moment = (): { now: number; elapsedMs: number } => ({ now: systemClock.now(), elapsedMs: elapsedMs() });
  const chronicle = new Chronicle();
  const look = (): void => {
    const picture = onlooker.picture();
    for (const record of onlooker.moves()) refuseFailure(record);
    if (chronicle.isNews(picture.move)) screen.note(changeLine(picture.move, moment()));
    for (const record of chronicle.newlyEnded(onlooker.moves())) {
      screen.say(doneLine(record, elapsedMs()));
      screen.note(line(`[${minutes(elapsedMs())}] ${spreadInOneLine(picture)}`));
    }
    screen.show((size) => mapLines(picture, moment(), size));
  };
  const spread = (): boolean => {
    const status = onlooker.report()?.status;
    const records = onlooker.moves();
    const picture = onlooker.picture();
    return status?.satisfied === true && records.length > 0 && records.every(ended) && status.retained?.length === records.length && picture.ordinals.every(({ ready }) => ready);
  };
  await onlooker.until('the set is spread as declared', spread, look);
  screen.clear();
}

function refuseFailure(record: OrdinalMigration): void {
  if (['RolledBack', 'Failed', 'Frozen'].includes(phaseOf(record))) throw new MoveFailed(record);
}

function doneLine({ spec, status }: OrdinalMigration, elapsedMs: number): ReturnType<typeof line> {
  const from = status?.claims?.[0]?.source.zone ?? '';
  const down = status?.downtimeSeconds === undefined ? '' : `, down for ${seconds(status.downtimeSeconds * 1000)}`;
  return line(`[${minutes(elapsedMs)}] `, piece('✓', 'good'), ` ${SET}-${spec.ordinal}  ${from} → ${spec.targetZone}${down}`);
}

/** What has been said already. */
class Chronicle {
  #lastStep = '';
  readonly #ended = new Set<string>();

  isNews(move: MoveSight | undefined): move is MoveSight {
    if (move === undefined || move.step === '') return false;
    const step = `${move.record} ${move.phase} ${move.step}`;
    const news = step !== this.#lastStep;
    this.#lastStep = step;
    return news;
  }

  newlyEnded(records: readonly OrdinalMigration[]): OrdinalMigration[] {
    const news = records.filter((record) => ended(record) && !this.#ended.has(record.metadata.name));
    for (const { metadata } of news) this.#ended.add(metadata.name);
    return news;
  }
}
