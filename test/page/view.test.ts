// What the pages show, as values.

import { describe, expect, it } from 'vitest';
import type { Sight } from '../../src/controller/outlook.ts';
import type { Place } from '../../src/page/addresses.ts';
import { BLOCKS, ENDED_MOVES, MOVES_ON_A_PAGE, SETS_ON_A_PAGE } from '../../src/page/limits.ts';
import { allView, setView, type AllView, type Scene, type SetView } from '../../src/page/view.ts';
import { statefulSet } from '../builders/kubernetes.ts';
import { EVEN, moving, NOW, UNEVEN } from '../cli/command-line-of.ts';
import { EMPTY_SIGHT, endedRecord, ordinarySight, record, report } from './sights.ts';

function sceneOf(sight: Sight, changes: Partial<Scene> = {}): Scene {
  return { sight, role: 'leading', complete: true, silentMs: 1_000, nowMs: Date.parse(NOW), ...changes };
}

function all(sight: Sight, place: Partial<AllView['place']> = {}, changes: Partial<Scene> = {}): AllView {
  return allView({ kind: 'all', namespace: '', open: false, after: '', ...place }, sceneOf(sight, changes));
}

function web(sight: Sight, place: Partial<Extract<Place, { kind: 'set' }>> = {}): SetView {
  const view = setView({ kind: 'set', namespace: 'db', name: 'web', ...place }, sceneOf(sight));
  if (view === undefined) throw new Error('nothing is known of db/web');
  return view;
}

describe('the overview', () => {
  it('has every set, by namespace and name, with its state', () => {
    expect(all(ordinarySight()).sets.map(({ namespace, name, state, tone }) => `${namespace}/${name} ${tone}: ${state}`)).toEqual([
      'db/cache good: as declared',
      'db/web busy: moving web-2 to cn-beijing-i, createDisk',
      'shop/orders bad: waits for PodDisruptionBudget',
      'shop/queue bad: no report yet: is the controller running? (doctor tells)',
    ]);
    expect(all(ordinarySight()).counts).toEqual({ sets: 4, asDeclared: 1, moving: 1, attention: 2 });
  });

  it('knows sets that have their zones from the namespace', () => {
    const sight: Sight = { ...EMPTY_SIGHT, sets: [statefulSet({ name: 'web', namespace: 'shop' }), statefulSet({ name: 'web', namespace: 'db' })], namespaces: [{ metadata: { name: 'shop', annotations: { 'zonespread.io/zones': '*' } } }] };
    expect(all(sight).sets.map(({ namespace }) => namespace)).toEqual(['shop']);
  });

  it('has words for each zone, for those who do not see its marks', () => {
    const zones = all(ordinarySight()).sets[1]?.zones.map(({ words }) => words);
    expect(zones).toEqual(['four ordinals (0-2,5); 2 wanted; to leave: 2, 5', 'one ordinal (3); 2 wanted; to come: 2', 'one ordinal (4); 2 wanted; to come: 5']);
  });

  it('is filtered by namespace and by what is not as declared', () => {
    const names = (place: Partial<AllView['place']>): string[] => all(ordinarySight(), place).sets.map(({ name }) => name);
    expect(names({ namespace: 'shop' })).toEqual(['orders', 'queue']);
    expect(names({ open: true })).toEqual(['web', 'orders', 'queue']);
    expect(names({ namespace: 'db', open: true })).toEqual(['web']);
    expect(all(ordinarySight(), { namespace: 'shop' }).underWay.first).toEqual([]);
  });

  it('stays a page with thousands of sets and moves, and leads on', () => {
    const many = Array.from({ length: 2_345 }, (_, at) => `set-${String(at).padStart(5, '0')}`);
    const sight: Sight = { ...EMPTY_SIGHT, reports: many.map((name) => report('db', name, EVEN)), records: many.slice(0, 50).map((name) => record(`${name}-0`, { status: moving() })) };
    const first = all(sight);
    expect([first.sets.length, first.counts.sets, first.underWay.first.length, first.underWay.more]).toEqual([SETS_ON_A_PAGE, 2_346, MOVES_ON_A_PAGE, 50 - MOVES_ON_A_PAGE]);
    const seen = new Set<string>();
    let after: string | undefined = '';
    while (after !== undefined) {
      const page: AllView = all(sight, { after });
      for (const { name } of page.sets) seen.add(name);
      after = page.next === undefined ? undefined : (new URL(page.next, 'http://page').searchParams.get('after') ?? undefined);
    }
    expect(seen.size).toBe(2_346);
  });

  it('tells of zones that are being evacuated', () => {
    const evacuations = [{ metadata: { name: 'close-h' }, spec: { zone: 'cn-beijing-h', reason: 'it closes' }, status: { disksLeft: 1, disksMoved: 3, disksBlocked: 1 } }, { metadata: { name: 'close-i' }, spec: { zone: 'cn-beijing-i' } }];
    expect(all({ ...EMPTY_SIGHT, evacuations }).evacuations.map(({ zone, words }) => `${zone}: ${words}`)).toEqual(['cn-beijing-h: one disk left, 3 moved, 1 blocked (it closes)', 'cn-beijing-i: nothing is known of it yet']);
  });

  it('says the same to those who listen while only progress changes', () => {
    const sight = ordinarySight();
    const later = { ...sight, records: [record('web-2-bcdfg', { status: moving({ progress: 60 }) })] };
    expect(all(later).says).toBe(all(sight).says);
    expect(all(sight).says).toBe('four sets: 1 as declared, 1 moving, 2 to look at.');
  });
});

describe('what is said above every page', () => {
  it('is nothing on a leader that sees everything', () => {
    expect(all(EMPTY_SIGHT).remarks).toEqual({ cautions: [], note: undefined });
  });

  it('is that another replica leads', () => {
    expect(all(EMPTY_SIGHT, {}, { role: 'waiting' }).remarks).toEqual({ cautions: [], note: expect.stringMatching(/^This replica waits for the lease/) as string });
  });

  it('is that not all has been read, and that the API server is silent', () => {
    expect(all(EMPTY_SIGHT, {}, { complete: false, silentMs: undefined }).remarks.cautions).toEqual(['This replica is still reading the cluster: what is below is not all.']);
    expect(all(EMPTY_SIGHT, {}, { silentMs: 89_000 }).remarks.cautions).toEqual([]);
    expect(all(EMPTY_SIGHT, {}, { silentMs: 150_000 }).remarks.cautions).toEqual(['The API server has said nothing for 2 min: what you see may be old.']);
  });
});

describe('one set', () => {
  it('has a map of zone by ordinal', () => {
    const { map } = web(ordinarySight());
    expect(map?.ordinals).toEqual([0, 1, 2, 3, 4, 5]);
    expect(map?.zones.map(({ zone, actual, desired }) => `${zone} ${actual}/${desired}`)).toEqual(['cn-beijing-h 4/2', 'cn-beijing-i 1/2', 'cn-beijing-j 1/2']);
  });

  it('of many ordinals has ranges in place of columns', () => {
    const { map } = web({ ...EMPTY_SIGHT, reports: [report('db', 'web', { ...EVEN, zones: [{ zone: 'a', desired: 65, actual: 65, ordinals: '0-64' }] })] });
    expect([map?.ordinals, map?.zones[0]?.ordinals]).toEqual([[], '0-64']);
  });

  it('has each move under way with its steps, times and disks', () => {
    const { underWay, toGo } = web(ordinarySight());
    const [move] = underWay.first;
    expect(move).toMatchObject({ pod: 'web-2', from: 'cn-beijing-h', to: 'cn-beijing-i', phase: '', tone: 'busy', saying: 'createDisk (7 of 12): a new disk from the snapshot, in cn-beijing-i', progress: 50, down: 'down for 30 s', disks: [{ claim: 'data-web-2', sizeGiB: 20, from: 'd-old', to: undefined }] });
    expect(move?.steps.map(({ state }) => state)).toEqual([...Array.from({ length: 6 }, () => 'done'), 'now', ...Array.from({ length: 5 }, () => 'to come')]);
    expect(move?.left).toMatch(/^about \d+ (?:s|min) left$/);
    expect(toGo).toMatch(/^about \d+ min to go$/);
  });

  it('says of a move that is frozen or undone what and why, without steps that would mislead', () => {
    const frozen = web({ ...EMPTY_SIGHT, records: [record('web-2-x', { status: moving({ phase: 'Frozen', reason: 'NotReady', message: 'web-2 was not Ready within 10m', course: 'Forward', step: 'ready' }) })] }).underWay.first[0];
    expect(frozen).toMatchObject({ tone: 'bad', phase: 'Frozen: NotReady', saying: 'web-2 was not Ready within 10m', left: '' });
    const undone = web({ ...EMPTY_SIGHT, records: [record('web-2-x', { status: moving({ phase: 'RollingBack', course: 'Undo', reason: 'Aborted', message: 'a person aborted it' }) })] }).underWay.first[0];
    expect(undone).toMatchObject({ tone: 'busy', phase: 'is being undone: Aborted', steps: [] });
  });

  it('has no progress for a move that has not begun', () => {
    expect(web({ ...EMPTY_SIGHT, records: [record('web-2-x')] }).underWay.first[0]).toMatchObject({ progress: undefined, phase: 'about to begin', saying: '' });
  });

  it('has its history, the newest first, with what each move took', () => {
    const { history } = web(ordinarySight());
    expect(history.first.map(({ pod, outcome, took, down, message }) => [pod, outcome, took, down, message])).toEqual([
      ['web-0', 'Succeeded', '4 min', '1 min', ''],
      ['web-1', 'RolledBack: ZoneSoldOut', '0 s', '48 s', 'cloud_essd PL1 is sold out in zone cn-beijing-i; the ordinal is back on its old disk'],
    ]);
    expect(history.first[0]?.steps).toEqual([{ name: 'rehearse', took: '2 s', outcome: 'Done' }, { name: 'evict', took: '7 s', outcome: 'Done' }]);
  });

  it('has why it waits, what is planned and what is kept', () => {
    const view = web(ordinarySight());
    expect(view.blocked.first.map(({ reason, ordinals }) => `${reason} ${ordinals}`)).toEqual(['TooManyUnavailable 5']);
    expect(view.plan?.moves.map(({ ordinal, to }) => `${ordinal} ${to}`)).toEqual(['5 cn-beijing-j']);
    expect(view.retained.first.map(({ diskId }) => diskId)).toEqual(['d-2ze5f1b7hx0q']);
    expect(view.conditions.map(({ type }) => type)).toEqual(['Satisfied', 'Progressing']);
  });

  it('shows a set that has only a past, and knows nothing of one without', () => {
    expect(web({ ...EMPTY_SIGHT, records: [endedRecord('web-0-x')] })).toMatchObject({ short: { state: 'declares no zones', tone: 'idle' }, history: { more: 0 } });
    expect(setView({ kind: 'set', namespace: 'shop', name: 'web' }, sceneOf(ordinarySight()))).toBeUndefined();
  });

  it('stays a page whatever the objects hold', () => {
    const blocked = Array.from({ length: 500 }, (_, at) => ({ ordinals: String(at), reason: 'X', message: 'y'.repeat(100_000) }));
    const records = Array.from({ length: 400 }, (_, at) => endedRecord(`web-0-${at}`, { status: { phase: 'Failed', message: 'z'.repeat(100_000) } }));
    const { blocked: shown, history } = web({ ...EMPTY_SIGHT, reports: [report('db', 'web', { ...UNEVEN, blocked })], records });
    expect([shown.first.length, shown.more, history.first.length, history.more]).toEqual([BLOCKS, 500 - BLOCKS, ENDED_MOVES, 400 - ENDED_MOVES]);
    expect(shown.first[0]?.message).toHaveLength(1_001);
  });
});
