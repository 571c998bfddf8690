// `zonespread evacuate`: closing a zone, how far it is, and taking it back.

import { describe, expect, it } from 'vitest';
import { zoneEvacuations, type ZoneEvacuation, type ZoneEvacuationStatus } from '../../../src/controller/zone-evacuation.ts';
import { nodes, type Condition } from '../../../src/kubernetes/objects.ts';
import { node } from '../../builders/kubernetes.ts';
import { settleEverything } from '../../fakes/clock.ts';
import { Desk, EVEN, screenful, UNEVEN } from '../command-line-of.ts';

function desk(): Desk {
  const one = new Desk();
  for (const zone of ['cn-beijing-h', 'cn-beijing-i']) one.api.put(nodes, node({ zone }));
  one.report('web', UNEVEN);
  one.report('cache', EVEN);
  return one;
}

function evacuation(one: Desk, status?: ZoneEvacuationStatus, name = 'cn-beijing-h'): ZoneEvacuation {
  return one.api.put(zoneEvacuations, { metadata: { name, creationTimestamp: '2026-11-20T09:00:00Z' }, spec: { zone: 'cn-beijing-h', reason: 'closes in March' }, ...(status === undefined ? {} : { status }) });
}

const condition = (type: string, status: 'True' | 'False', reason: string, message: string): Condition => ({ type, status, reason, message, lastTransitionTime: '2026-11-20T09:30:00Z' });
const HALFWAY: ZoneEvacuationStatus = { disksLeft: 4, disksMoved: 4, disksBlocked: 1, blocked: [{ namespace: 'db', statefulSet: 'web', ordinals: '2', reason: 'PodNotReady', message: 'web-1 is not Ready; the next ordinal waits' }], conditions: [condition('Complete', 'False', 'DisksLeft', '4 left'), condition('Progressing', 'True', 'Moving', '4 left')] };

describe('evacuate', () => {
  it('makes the evacuation, and says how many will leave', async () => {
    const one = desk();
    expect(await one.type('evacuate cn-beijing-h --reason closing')).toEqual({ code: 0, error: '', out: 'Zone cn-beijing-h is closed: five ordinals of two sets will leave it, one at a time. To follow: zonespread evacuate cn-beijing-h --wait; to take it back: zonespread evacuate cn-beijing-h --undo\n' });
    expect(one.api.readAll(zoneEvacuations)).toMatchObject([{ metadata: { name: 'cn-beijing-h' }, spec: { zone: 'cn-beijing-h', reason: 'closing' } }]);
    expect((await one.type('evacuate cn-beijing-h')).out).toBe('Zone cn-beijing-h is being evacuated already (ZoneEvacuation cn-beijing-h).\n');
  });

  it('only asks the server with --dry-run', async () => {
    const one = desk();
    expect((await one.type('evacuate cn-beijing-h --dry-run')).out).toBe('Zone cn-beijing-h would be closed (server dry run): five ordinals of two sets will leave it, one at a time.\n');
    expect(one.api.writes).toEqual([]);
  });

  it('without a zone is a table of those under way, with what holds them', async () => {
    const one = desk();
    expect((await one.type('evacuate')).out).toBe('No zone is being evacuated.\n');
    evacuation(one, HALFWAY);
    expect((await one.type('evacuate')).out).toBe(screenful`
      ZONE           LEFT   MOVED   BLOCKED   SINCE   REASON
      cn-beijing-h      4       4         1     1 h   closes in March

      PodNotReady   db/web-2
        web-1 is not Ready; the next ordinal waits
    `);
    expect(JSON.parse((await one.type('evacuate -o json')).out)).toMatchObject({ evacuations: [{ name: 'cn-beijing-h', zone: 'cn-beijing-h', disksLeft: 4 }] });
  });

  it('shows what others wrote without letting it steer the terminal', async () => {
    const one = desk();
    one.api.put(zoneEvacuations, { metadata: { name: 'x' }, spec: { zone: 'cn-beijing-h', reason: 'soon\u001B[2J\nZONE gone' } });
    expect((await one.type('evacuate')).out.split('\n')).toHaveLength(3);
    expect((await one.type('evacuate', { columns: 80, environment: { NO_COLOR: '1' } })).out).not.toContain('\u001B');
  });

  it.each<[string, [number, RegExp]]>([
    ['cn-beijing-x', [1, /neither a node nor a disk of an annotated set is in zone cn-beijing-x; there are cn-beijing-h, cn-beijing-i, cn-beijing-j/]],
    ['cn-beijing-i --undo', [1, /zone cn-beijing-i is not being evacuated/]],
    ['--undo', [2, /say which zone/]],
    ['cn-beijing-h --undo --dry-run', [2, /--undo and --dry-run do not go together/]],
  ])('%s does nothing, and says why', async (order, [code, words]) => {
    const one = desk();
    expect(await one.type(`evacuate ${order}`)).toMatchObject({ code, error: expect.stringMatching(words) as string });
    expect(one.api.writes).toEqual([]);
  });
});

describe('evacuate --undo', () => {
  it('deletes every evacuation of the zone, each by its UID', async () => {
    const one = desk();
    const uids = [evacuation(one), evacuation(one, undefined, 'by-hand')].map(({ metadata }) => metadata.uid);
    expect(await one.type('evacuate cn-beijing-h --undo')).toMatchObject({ code: 0, out: expect.stringMatching(/^The evacuation of zone cn-beijing-h is taken back: sets may use it again\./) as string });
    expect(one.api.readAll(zoneEvacuations)).toEqual([]);
    expect(new Set(one.api.writes.map(({ preconditions }) => preconditions?.uid))).toEqual(new Set(uids));
  });
});

describe('evacuate --wait', () => {
  async function waited(...statuses: ZoneEvacuationStatus[]): Promise<{ code: number; out: string; error: string }> {
    const one = desk();
    const waiting = one.type('evacuate cn-beijing-h --wait');
    await settleEverything();
    for (const status of statuses) {
      one.api.change(zoneEvacuations, { name: 'cn-beijing-h' }, (object) => void (object.status = status));
      await one.clock.advance(1_000);
    }
    return waiting;
  }

  it('ends with 0 when the zone is empty', async () => {
    const said = await waited(HALFWAY, { disksLeft: 0, disksMoved: 8, disksBlocked: 0, conditions: [condition('Complete', 'True', 'ZoneEmpty', ''), condition('Progressing', 'False', 'ZoneEmpty', '')] });
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(said.out).toMatch(/looking at all sets\n\S+ {3}cn-beijing-h {3}4 left, 4 moved, 1 held\n\S+ {3}cn-beijing-h {3}0 left, 8 moved, 0 held\nZone cn-beijing-h is empty: .* zonespread evacuate cn-beijing-h --undo\n$/);
  });

  it('ends with 3 and the reason when all that is left is held', async () => {
    const said = await waited({ ...HALFWAY, conditions: [condition('Complete', 'False', 'DisksLeft', ''), condition('Progressing', 'False', 'PodNotReady', 'PodNotReady: web-1 is not Ready')] });
    expect(said).toMatchObject({ code: 3, error: 'zonespread: zone cn-beijing-h still has 4 disks, and all of them are held: PodNotReady: web-1 is not Ready\n' });
  });

  it.each<[string, (one: Desk) => void | Promise<void>, string]>([
    ['the time is up', (one) => one.clock.advance(7_000), 'the time is up, and 4 disks are left in zone cn-beijing-h; it goes on: zonespread evacuate'],
    ['it is interrupted', (one) => one.interrupt.abort(), 'no longer waited for; it goes on: zonespread evacuate'],
    ['somebody takes the evacuation back', (one) => one.api.remove(zoneEvacuations, { name: 'cn-beijing-h' }), 'the evacuation of zone cn-beijing-h was taken back'],
  ])('ends with 1 when %s', async (_when, happens, words) => {
    const one = desk();
    evacuation(one, HALFWAY);
    const waiting = one.type('evacuate cn-beijing-h --wait --timeout 5s');
    await settleEverything();
    await happens(one);
    expect(await waiting).toMatchObject({ code: 1, error: `zonespread: ${words}\n` });
  });
});
