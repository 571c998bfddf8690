// That the matrix can fail: what it looks at is spoilt by hand after a history that went well, and it says so.

import { describe, expect, it } from 'vitest';
import { IN_FLIGHT_LABEL, MIGRATION_LABEL } from '../../src/kubernetes/names.ts';
import { claims, namespaces, pods, volumes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import type { Client } from '../../src/simulation/apiserver/contract.ts';
import { DAEMON } from '../simulation/controllers/product.ts';
import { SHOP } from '../simulation/controllers/stage.ts';
import { MOVE, play, type History } from './play.ts';
import { STORIES, type Story } from './stories.ts';
import { whatIsWrong } from './wholeness.ts';

function storyEnding(ending: Story['ends']): Story {
  const story = STORIES.find(({ ends }) => ends === ending);
  if (story === undefined) throw new Error(`no story ends as ${ending}`);
  return story;
}

async function spoilt(history: History, spoil: (admin: Client, history: History) => Promise<unknown>): Promise<string> {
  const { stage } = history.installed;
  await stage.do(spoil(stage.admin, history));
  return (await whatIsWrong(history)).join('\n');
}

const inShop = (name: string) => ({ namespace: SHOP, name });
const diskOf = ({ installed }: History): string => installed.stage.volumeOf('data-web-1')?.spec.csi?.volumeHandle ?? '';

describe.each(['Succeeded', 'RolledBack'] as const)('after a history that %s', (ending) => {
  it.each<[what: string, spoil: (admin: Client, history: History) => Promise<unknown>, says: RegExp]>([
    ['nothing', () => Promise.resolve(), /^$/],
    ['a label on the claim', (admin) => admin.mergePatch(claims, inShop('data-web-1'), { metadata: { labels: { [MIGRATION_LABEL]: 'left' } } }), /claims are not as they must be: .*data-web-1/],
    ['a label on the namespace', (admin) => admin.mergePatch(namespaces, { name: SHOP }, { metadata: { labels: { [IN_FLIGHT_LABEL]: 'true' } } }), /namespaceLabels are not as they must be/],
    ['the policy of the volume', (admin, { installed }) => admin.mergePatch(volumes, { name: installed.stage.claim('data-web-1')?.spec.volumeName ?? '' }, { spec: { persistentVolumeReclaimPolicy: 'Retain' } }), /volumes are not as they must be: .*Retain/],
    ['a pod', (admin) => admin.delete(pods, inShop('web-0')), /pods are not as they must be: .*web-0/],
    ['a snapshot', (_admin, history) => history.installed.stage.cluster.ecs.call('CreateSnapshot', { DiskId: diskOf(history), SnapshotName: 'left' }), /snapshots are not as they must be/],
    ['a tag of the disk', (_admin, history) => history.installed.stage.cluster.ecs.call('TagResources', { RegionId: 'cn-test', ResourceType: 'disk', ResourceId: [diskOf(history)], Tag: [{ Key: 'left', Value: 'yes' }] }), /disks are not as they must be: .*left/],
    ['a disk that nobody knows', (_admin, history) => Promise.resolve(history.ends.push({ records: [], disks: ['d-unknown'], snapshots: [] })), /d-unknown is left at the end, and no record knows it/],
    ['an acknowledged write', (_admin, { installed: { stage } }) => Promise.resolve(stage.cluster.records.started({ pod: 'shop/web-1', uid: 'another', node: 'node-a1', claim: 'data-web-1', diskId: 'd-blank' }, [])), /an acknowledged write is lost/],
    ['a record that was written', (admin) => admin.mergePatch(ordinalMigrations, inShop(MOVE), { metadata: { finalizers: ['zonespread.io/migration'] } }), /a reconcile after the end writes/],
    ['a record that froze', (_admin, { installed: { stage } }) => stage.cluster.client(DAEMON).mergePatch(ordinalMigrations, inShop(MOVE), { status: { phase: 'Frozen' } }, { subresource: 'status' }), /it ends as Frozen/],
  ])('somebody is told of what was spoilt: %s', async (_what, spoil, says) => {
    expect(await spoilt(await play(storyEnding(ending), []), spoil)).toMatch(says);
  });
});
