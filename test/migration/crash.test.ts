// kill -9 at every request of a move, of its undo and of its retirement: after the effect, before the answer. (A crash before the effect of
// a request is one after the effect of the request before it.) Sites are found by running the story once and counting, not listed by hand.

import { describe, expect, it } from 'vitest';
import { claims, namespaces, pods, volumes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OnUnready, type OrdinalMigration } from '../../src/migration/record.ts';
import { Crash, readyStage, type Stage } from './stage.ts';

/** Counts the requests with an effect (Kubernetes writes, every cloud call) and crashes at one of them. */
function crashAt(stage: Stage, site: number): { seen: () => number } {
  let count = 0;
  let inDaemon = true;
  const strike = (): void => {
    count += 1;
    if (count !== site) return;
    stage.dead = true;
    throw new Crash(`at request ${site}`);
  };
  for (const verb of ['create', 'mergePatch', 'jsonPatch', 'delete', 'evict'] as const) {
    for (const kind of [pods, claims, volumes, ordinalMigrations, namespaces]) {
      stage.api.on(verb, kind, async (_call, proceed) => {
        if (!inDaemon) return proceed();
        const result = await proceed();
        strike();
        return result;
      });
    }
  }
  stage.afterCloud = strike;
  return {
    seen: () => {
      inDaemon = false;
      return count;
    },
  };
}

interface Story {
  arrange: (stage: Stage) => void;
  onUnready?: OnUnready;
  /** Phases that the story may end in. */
  ends: string[];
  /** What somebody does on the way, and when. */
  midway?: { when: (record: OrdinalMigration) => boolean; act: (stage: Stage) => Promise<void> };
}

const STORIES: Record<string, Story> = {
  'a move that goes well': { arrange: () => {}, ends: ['Succeeded'] },
  'a move whose zone is sold out': { arrange: ({ ecs }) => ecs.sellOut('b'), ends: ['RolledBack'] },
  'a move whose pod finds no node': { arrange: (stage) => stage.cordoned.add('b'), ends: ['RolledBack'] },
  'a move taken back by restore-source': { arrange: (stage) => stage.neverReadyIn.add('b'), onUnready: 'restore-source', ends: ['RolledBack'] },
  'a move taken back by restore-source, its newer disk used again after the snapshot': {
    arrange: (stage) => stage.neverReadyIn.add('b'),
    onUnready: 'restore-source',
    ends: ['RolledBack'],
    midway: { when: ({ status }) => status?.course === 'Restore' && status.step === 'swapClaim', act: (stage) => stage.useForAMoment(stage.record().status?.claims?.[0]?.target?.diskId ?? '', 'node-b') },
  },
  'a move taken back by reverse': { arrange: (stage) => stage.neverReadyIn.add('b'), onUnready: 'reverse', ends: ['RolledBack'] },
};

async function play(story: Story, site: number, hostile: boolean): Promise<{ stage: Stage; sites: number }> {
  const stage = await readyStage({ hostile, terms: { onUnready: story.onUnready ?? 'hold', readyTimeoutMs: 5_000 } });
  story.arrange(stage);
  await stage.plan({ onUnready: story.onUnready ?? 'hold' });
  const sites = crashAt(stage, site);
  if (story.midway !== undefined) {
    await stage.run('web-0-first', story.midway.when);
    await story.midway.act(stage);
  }
  const record = await stage.run();
  const where = `site ${site}: ${record.status?.phase} ${record.status?.reason} ${record.status?.message}`;
  expect(story.ends, where).toContain(record.status?.phase);
  await expectWhole(stage, where);
  return { stage, sites: sites.seen() };
}

/** The pod is Ready on a disk that has every acknowledged write, no mark of ours is left, and after the retentions only that disk is. */
async function expectWhole(stage: Stage, where: string): Promise<void> {
  stage.neverReadyIn.clear();
  for (let round = 0; round < 50 && !stage.ready(); round += 1) {
    await stage.clock.advance(200);
    await stage.settle();
  }
  expect(stage.ready(), where).toBe(true);
  const disk = stage.diskOf('data-web-0');
  expect(stage.ecs.contents(disk).map(({ writer }) => writer), where).toEqual(stage.acknowledged.get('data-web-0'));
  await stage.retireAll();
  expect(stage.ecs.disks().map(({ id }) => id), where).toEqual([disk]);
  expect(stage.ecs.snapshots().map(({ id }) => id), where).toEqual([]);
  expect(stage.api.readAll(volumes).map((pv) => pv.spec.csi?.volumeHandle), where).toEqual([disk]);
  expect(stage.api.readAll(volumes)[0]?.spec.persistentVolumeReclaimPolicy, where).toBe('Delete');
}

/** Every site takes minutes on two cores: all of them with ZONESPREAD_FULL=1 (npm run test:full), else every third. */
const STRIDE = process.env['ZONESPREAD_FULL'] === '1' ? 1 : 3;

describe.each(Object.entries(STORIES))('%s', (_name, story) => {
  it.each([false, true])('survives a crash at any of its requests (controllers acting between any two writes: %s)', { timeout: 300_000 }, async (hostile) => {
    const { sites } = await play(story, 0, hostile);
    expect(sites).toBeGreaterThan(20);
    for (let site = 1; site <= sites; site += STRIDE) await play(story, site, hostile);
  });
});
