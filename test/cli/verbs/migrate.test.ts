// `zonespread migrate`: the record that it makes, what it refuses to make, and how it follows the move.

import { describe, expect, it } from 'vitest';
import { nodes, statefulSets } from '../../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigrationStatus } from '../../../src/migration/record.ts';
import { NAMESPACE, node, statefulSet } from '../../builders/kubernetes.ts';
import { settleEverything } from '../../fakes/clock.ts';
import { Desk, moving, seen } from '../command-line-of.ts';

function desk(): Desk {
  const one = new Desk();
  one.api.put(statefulSets, statefulSet({ replicas: 3 }));
  for (const zone of ['cn-beijing-h', 'cn-beijing-i']) one.api.put(nodes, node({ zone }));
  return one;
}

function theRecord({ api }: Desk): string {
  return api.readAll(ordinalMigrations)[0]?.metadata.name ?? '';
}

function goesOn(one: Desk, status: OrdinalMigrationStatus): void {
  one.api.change(ordinalMigrations, { namespace: NAMESPACE, name: theRecord(one) }, (record) => void (record.status = { ...record.status, ...status }));
}

/** While a move is followed. */
async function followed(flags: string, statuses: OrdinalMigrationStatus[], columns?: number): Promise<{ code: number; out: string; error: string }> {
  const one = desk();
  const waiting = one.type(`migrate web 2 cn-beijing-i ${flags}`, columns === undefined ? {} : { columns });
  await settleEverything();
  for (const status of statuses) {
    goesOn(one, status);
    await one.clock.advance(1_000);
  }
  return waiting;
}

describe('migrate', () => {
  it('makes the record of a move by hand, and says how to follow it and take it back', async () => {
    const one = desk();
    const said = await one.type('migrate web 2 cn-beijing-i');
    const name = theRecord(one);
    expect(said).toEqual({ code: 0, error: '', out: `OrdinalMigration ${name} is created: web-2 to cn-beijing-i. To follow: zonespread status web -n db --watch; to take it back: zonespread abort ${name} -n db\n` });
    expect(name).toMatch(/^web-2-[a-z]{5}$/);
    expect(one.api.read(ordinalMigrations, { namespace: NAMESPACE, name })).toMatchObject({
      metadata: { labels: { 'velero.io/exclude-from-backup': 'true' } },
      spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: expect.any(String) as string }, ordinal: 2, targetZone: 'cn-beijing-i', reason: 'Manual' },
    });
  });

  it('only asks the server with --dry-run', async () => {
    const one = desk();
    expect((await one.type('migrate statefulset/web 2 cn-beijing-i --dry-run --wait')).out).toMatch(/would be created \(server dry run\): web-2 to cn-beijing-i\.\n$/);
    expect(one.api.writes).toEqual([]);
  });

  it.each<[string, [number, RegExp]]>([
    ['web 3 cn-beijing-i', [1, /StatefulSet web has the ordinals 0 to 2, and no 3/]],
    ['web two cn-beijing-i', [2, /"two" is no ordinal\. Allowed: a whole number from 0 up/]],
    ['web 2 cn-beijing-x', [1, /no node is in zone cn-beijing-x; there are nodes in cn-beijing-h, cn-beijing-i/]],
    ['nope 2 cn-beijing-i', [1, /there is no StatefulSet nope in namespace db; there are web/]],
    ['web 2', [2, /missing required argument 'zone'/]],
  ])('%s makes nothing, and says what is allowed', async (order, [code, words]) => {
    const one = desk();
    expect(await one.type(`migrate ${order}`)).toMatchObject({ code, error: expect.stringMatching(words) as string });
    expect(one.api.writes).toEqual([]);
  });

  it('takes the zone as it is from who may not see nodes: the guards know', async () => {
    const one = desk();
    one.http.intercept = ({ path }) => Promise.resolve(path.startsWith('/api/v1/nodes') ? { status: 403, headers: {}, body: (async function* none() {})() } : undefined);
    expect((await one.type('migrate web 2 cn-beijing-i')).code).toBe(0);
  });

  it('does not order a second move of an ordinal', async () => {
    const one = desk();
    one.record('web-2-bcdfg', { status: moving() });
    expect(await one.type('migrate web 2 cn-beijing-i')).toMatchObject({ code: 3, error: 'zonespread: web-2 has a move already: web-2-bcdfg to cn-beijing-i, Running createDisk 50 %. Let it end, or abort it first\n' });
  });
});

describe('migrate --wait', () => {
  it('follows the move to its end, a line for each step in a pipe', async () => {
    const said = await followed('--wait', [moving({ step: 'snapshot', progress: 20 }), { progress: 30 }, { step: 'ready', progress: 85 }, { phase: 'Succeeded', progress: 100, downtimeSeconds: 48.2 }]);
    expect(said).toMatchObject({ code: 0, error: '' });
    const lines = said.out.split('\n').map((one) => one.replace(/^\S+Z {3}/, ''));
    expect(lines.slice(1)).toEqual([
      'web-2   → cn-beijing-i   Pending',
      'web-2   cn-beijing-h → cn-beijing-i   Running snapshot 20 %',
      'web-2   cn-beijing-h → cn-beijing-i   Running ready 85 %',
      'web-2   cn-beijing-h → cn-beijing-i   Succeeded ready 100 %',
      'web-2 is in cn-beijing-i; it was down for 49 s. The old disk is kept for a while: zonespread retained -n db',
      '',
    ]);
  });

  it('draws the move on a terminal', async () => {
    const { out } = await followed('--wait', [moving(), { phase: 'Succeeded' }], 100);
    expect(seen(out)).toContain('createDisk (7 of 12): a new disk from the snapshot, in cn-beijing-i\n');
  });

  it.each<[string, string, OrdinalMigrationStatus[], [number, string]]>([
    ['when a guard holds it', '--wait', [{ phase: 'Pending', reason: 'PodNotReady', message: 'web-1 is not Ready' }], [3, 'web-2 waits: PodNotReady: web-1 is not Ready. The move begins by itself when that is over']],
    ['when it freezes', '--wait', [moving({ phase: 'Frozen', reason: 'NotReady', message: 'not Ready within 10m' })], [3, 'the move of web-2 is frozen: NotReady: not Ready within 10m. Decide: zonespread resume, abort, reverse, restore-source or release web-2-']],
    ['when it was undone', '--wait', [moving({ phase: 'RolledBack', reason: 'ZoneUnavailable', message: 'sold out' })], [1, 'web-2 was not moved: RolledBack ZoneUnavailable: sold out']],
    ['when it waited through the hold', '--wait --through-holds', [{ phase: 'Pending', reason: 'PodNotReady', message: 'x' }, moving({ phase: 'Failed', reason: 'Aborted', message: 'a person aborted it' })], [1, 'web-2 was not moved: Failed Aborted: a person aborted it']],
  ])('ends %s with the reason', async (_when, flags, statuses, [code, words]) => {
    expect(await followed(flags, statuses)).toMatchObject({ code, error: expect.stringContaining(words) as string });
  });
});
