// One history of the matrix: the scene is set, a record is made, daemons work on it until nothing of it is left to do, and the chosen
// requests meet their troubles. A killed daemon's successor has the next epoch and starts a moment later.

import { ordinalMigrations, ended, phaseOf, type MigrationTerms, type OrdinalMigration } from '../../src/migration/record.ts';
import { claims } from '../../src/kubernetes/objects.ts';
import { FINALIZER } from '../../src/kubernetes/names.ts';
import { timestamp } from '../../src/ports/clock.ts';
import { installedStage, type Installed } from '../simulation/controllers/product.ts';
import { SHOP } from '../simulation/controllers/stage.ts';
import { Daemon } from './daemon.ts';
import { pictureOf, type Picture } from './picture.ts';
import type { Story } from './stories.ts';
import { Life, Wire, type Site, type Strike } from './wire.ts';

export interface History {
  story: Story;
  strikes: readonly Strike[];
  installed: Installed;
  wire: Wire;
  before: Picture;
  ends: End[];
  daemons: number;
  /** A person had to do something. */
  helped: boolean;
  notes: string[];
}

/** The moment when a record has ended. */
export interface End {
  /** All there are. */
  records: OrdinalMigration[];
  disks: string[];
  snapshots: string[];
}

export const MOVE = 'first';
/** A Frozen record is at rest when nothing has thawed it for so long. */
const THAW_MS = 20_000;
const LIMIT_MS = 4 * 3_600_000;
const LATEST_MS = 6_000;

export const TERMS: MigrationTerms = { readyTimeoutMs: 6_000, healthDurationMs: 500, onUnready: 'hold', snapshotRetentionMs: 8_000, sourceRetentionMs: 8_000 };

export async function play(story: Story, strikes: readonly Strike[]): Promise<History> {
  const installed = await sceneOf(story);
  const { stage } = installed;
  const { cluster } = stage;
  const before = pictureOf(cluster);
  const history: History = { story, strikes, installed, before, ends: noteEnds(installed), daemons: 0, notes: [], helped: false, wire: new Wire({ clock: cluster.clock, strikes, at: () => whereabouts(installed), onCrash: (downMs) => crashed(downMs) }) };
  const crashed = (downMs: number): void => {
    history.notes.push(`${timestamp(cluster.clock)} the daemon is killed`);
    cluster.clock.after(downMs, start);
  };
  let life = new Life();
  const start = (): void => {
    life = new Life();
    const daemon = nextDaemon(history, { wire: history.wire, life });
    cluster.clock.run(() => daemon.live());
  };
  const { whenFrozen } = await story.arrange(stage);
  await stage.create(ordinalMigrations, {
    metadata: { namespace: SHOP, name: MOVE },
    spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: story.ordinal, targetZone: 'cn-test-b', reason: 'Manual' },
  });
  start();
  await cluster.run(() => isAtRest(installed), LIMIT_MS);
  if (isFrozen(installed) && whenFrozen !== undefined) {
    history.helped = true;
    await whenFrozen();
    await cluster.run(() => isAtRest(installed) && !isFrozen(installed), LIMIT_MS);
  }
  // Whatever was late is over by then.
  await cluster.pass(LATEST_MS);
  life.end();
  return history;
}

/** Every process has the next epoch. */
function nextDaemon(history: History, on: { wire: Wire; life: Life }): Daemon {
  history.daemons += 1;
  return new Daemon({ ...on, cluster: history.installed.stage.cluster, epoch: history.daemons, terms: { ...TERMS, ...history.story.terms }, note: (line) => history.notes.push(line) });
}

/** Another daemon looks at every record so often, once the history is over. @returns the requests that may have changed anything. */
export async function reconcileInPeace(history: History, times: number): Promise<Site[]> {
  const { cluster } = history.installed.stage;
  const wire = new Wire({ clock: cluster.clock, strikes: [], at: () => whereabouts(history.installed), onCrash: () => {} });
  const daemon = nextDaemon(history, { wire, life: new Life() });
  for (let time = 0; time < times; time += 1) await cluster.settle(daemon.lookAtAll());
  return wire.sites.filter(({ changes }) => changes);
}

async function sceneOf(story: Story): Promise<Installed> {
  const installed = await installedStage({ nodes: [{ name: 'node-a1', zone: 'cn-test-a' }], timings: { stopMs: 50, unmountMs: 20, bootMs: 50, readyMs: 30, writeMs: 1_000 } });
  const { stage } = installed;
  await stage.readySet({ replicas: 2, ...story.set });
  for (const { metadata } of stage.cluster.server.readAll(claims, { namespace: SHOP })) {
    await stage.do(stage.admin.mergePatch(claims, { namespace: SHOP, name: metadata.name }, { metadata: { labels: { team: 'db' }, annotations: { note: 'by hand' } } }));
  }
  await stage.do(stage.cluster.addNode({ name: 'node-b1', zone: 'cn-test-b' }));
  await stage.cluster.pass(1_000);
  return installed;
}

/** Phase and step of every record, the youngest last. */
function whereabouts({ stage }: Installed): string {
  return stage.cluster.server
    .readAll(ordinalMigrations)
    .map((record) => `${phaseOf(record)} ${record.status?.step ?? ''}`.trim())
    .join(', ');
}

function noteEnds({ stage }: Installed): End[] {
  const ends: End[] = [];
  stage.cluster.server.follow(ordinalMigrations, ({ object, previous }) => {
    if (!ended(object) || (previous !== undefined && ended(previous))) return;
    const { ecs, server } = stage.cluster;
    ends.push({ records: server.readAll(ordinalMigrations), disks: ecs.disks().map(({ id }) => id), snapshots: ecs.snapshots().map(({ id }) => id) });
  });
  return ends;
}

/** Everything has ended and been seen to, or waits for a person. */
function isAtRest({ stage }: Installed): boolean {
  const { server, clock } = stage.cluster;
  return server.readAll(ordinalMigrations).every((record) => {
    if (ended(record)) return !(record.metadata.finalizers ?? []).includes(FINALIZER);
    const frozenAt = record.status?.conditions?.find(({ type }) => type === 'Frozen')?.lastTransitionTime;
    return waitsForPerson(record) && frozenAt !== undefined && clock.now() - Date.parse(frozenAt) > THAW_MS;
  });
}

function isFrozen({ stage }: Installed): boolean {
  return stage.cluster.server.readAll(ordinalMigrations).some(waitsForPerson);
}

function waitsForPerson(record: OrdinalMigration): boolean {
  return phaseOf(record) === 'Frozen' && record.status?.reason !== 'Reversing';
}
