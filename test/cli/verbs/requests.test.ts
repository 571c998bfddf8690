// abort, reverse, restore-source, release, resume and pause: what they write, when they refuse, and what they wait for.

import { describe, expect, it } from 'vitest';
import { events, namespaces, statefulSets } from '../../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigrationStatus } from '../../../src/migration/record.ts';
import { NAMESPACE, statefulSet } from '../../builders/kubernetes.ts';
import { settleEverything } from '../../fakes/clock.ts';
import { Desk, moving } from '../command-line-of.ts';

const RECORD = { namespace: NAMESPACE, name: 'web-2-bcdfg' };
const FROZEN = moving({ phase: 'Frozen', reason: 'NotReady', message: 'web-2 was not Ready within 10m', step: 'ready', progress: 85 });
const READY_STEP = moving({ step: 'ready', progress: 85 });

function withMove(status: OrdinalMigrationStatus = moving(), annotations?: Record<string, string>): Desk {
  const desk = new Desk();
  desk.record('web-2-bcdfg', { status, ...(annotations === undefined ? {} : { annotations }) });
  return desk;
}

/** What the controller does with a request. */
function controllerAnswers(desk: Desk, status: OrdinalMigrationStatus): void {
  desk.api.change(ordinalMigrations, RECORD, (record) => {
    delete record.metadata.annotations;
    Object.assign(record.status ?? {}, status);
  });
}

describe('a request', () => {
  it.each<[string, OrdinalMigrationStatus, string]>([
    ['abort web/2', moving(), 'Asked of web-2-bcdfg: abort. web-2 is undone: it goes back to its old disk.'],
    ['abort statefulset/web/2', moving(), 'Asked of web-2-bcdfg: abort.'],
    ['abort om/web-2-bcdfg', moving(), 'Asked of web-2-bcdfg: abort.'],
    ['reverse web-2-bcdfg', READY_STEP, 'Asked of web-2-bcdfg: reverse. web-2 is moved back, with every write since.'],
    ['restore-source web-2-bcdfg', FROZEN, 'Asked of web-2-bcdfg: restore-source. web-2 goes back to its old disk; what was written since is kept'],
    ['release web-2-bcdfg', FROZEN, 'Asked of web-2-bcdfg: release. web-2 is let go of: everything stays as it is, and nothing is deleted.'],
    ['resume web/2', FROZEN, 'Asked of web-2-bcdfg: resume. web-2 goes on where it stopped.'],
  ])('%s is an annotation on the very record that was looked at', async (line, status, words) => {
    const desk = withMove(status);
    const said = await desk.type(line);
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(said.out).toContain(words);
    expect(said.out).toMatch(/To follow: zonespread status web -n db --watch\n$/);
    const { uid } = desk.api.read(ordinalMigrations, RECORD)?.metadata ?? {};
    expect(desk.api.writes.map(({ body }) => body)).toEqual([{ metadata: { uid, annotations: { 'zonespread.io/request': line.split(' ')[0] } } }]);
  });

  it('is only tried with --dry-run', async () => {
    const desk = withMove();
    expect((await desk.type('abort web/2 --dry-run --wait')).out).toBe('Asked of web-2-bcdfg: abort. web-2 would be asked (server dry run): it then is undone: it goes back to its old disk.\n');
    expect(desk.api.writes).toEqual([]);
  });

  it.each<[string, OrdinalMigrationStatus, RegExp]>([
    ['abort web/2', READY_STEP, /^zonespread: abort is not possible for web-2-bcdfg \(Running ready 85 %\): the new disk may have been attached: use reverse or restore-source\n$/],
    ['reverse web/2', moving(), /it is for a move whose new disk is in use but that has not settled; before that use abort/],
    ['release web/2', moving(), /only a Frozen migration can be released; this one is Running/],
    ['resume web/2', moving(), /only a Frozen migration can be resumed; this one is Running/],
    ['abort web-2-bcdfg', moving({ phase: 'Succeeded' }), /it has ended: Succeeded/],
  ])('%s is refused where it is not possible, with what is', async (line, status, words) => {
    const desk = withMove(status);
    expect(await desk.type(line)).toMatchObject({ code: 3, out: '', error: expect.stringMatching(words) as string });
    expect(desk.api.writes).toEqual([]);
  });

  it('does not take the place of another one that nobody has answered yet', async () => {
    const desk = withMove(FROZEN, { 'zonespread.io/request': 'release' });
    expect(await desk.type('resume web/2')).toMatchObject({ code: 3, error: expect.stringMatching(/has been asked to release already, .* kubectl annotate om web-2-bcdfg -n db zonespread\.io\/request-/) as string });
  });

  it.each<[string, number, RegExp]>([
    ['abort web/3', 1, /no move of web-3 is under way in namespace db\n/],
    ['abort nope', 1, /there is no OrdinalMigration nope in namespace db; under way there: web-2-bcdfg\n/],
    ['abort pod/web/2', 2, /"pod\/web" is no StatefulSet/],
    ['abort web/two', 2, /"web\/two" is no move\. Allowed: the name of an OrdinalMigration, or <set>\/<ordinal>, e\.g\. web\/2/],
  ])('%s names no move, and it says which there are', async (line, code, words) => {
    expect(await withMove().type(line)).toMatchObject({ code, error: expect.stringMatching(words) as string });
  });

  it('says so when the record is deleted in that moment', async () => {
    const desk = withMove();
    desk.api.on('mergePatch', ordinalMigrations, (_call, proceed) => {
      desk.api.remove(ordinalMigrations, RECORD);
      return proceed();
    });
    expect(await desk.type('abort web/2')).toMatchObject({ code: 1, error: expect.stringMatching(/web-2-bcdfg is gone: it was deleted meanwhile, and nothing was asked/) as string });
  });
});

describe('--wait', () => {
  it('ends when what was asked for is done', async () => {
    const desk = withMove();
    const waiting = desk.type('abort web/2 --wait');
    await settleEverything();
    controllerAnswers(desk, { phase: 'RollingBack', course: 'Undo', step: 'evict', reason: 'Aborted', message: 'a person aborted it' });
    await desk.clock.advance(1_000);
    controllerAnswers(desk, { phase: 'RolledBack', reason: 'Aborted', message: 'web-2 is on its old disk' });
    await desk.clock.advance(1_000);
    const said = await waiting;
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(said.out).toMatch(/ web-2 {3}cn-beijing-h → cn-beijing-i {3}RollingBack Aborted evict 50 %\n[\s\S]*web-2: RolledBack Aborted evict 50 %\. web-2 is on its old disk\n$/);
  });

  it('ends with code 3 and the controller\'s reason when it refuses', async () => {
    const desk = withMove();
    const waiting = desk.type('abort web/2 --wait');
    await settleEverything();
    const { uid } = desk.api.read(ordinalMigrations, RECORD)?.metadata ?? {};
    desk.api.put(events, { metadata: { namespace: NAMESPACE, name: 'web-2.1' }, involvedObject: { uid }, message: 'zonespread.io/request: "abort" is not possible: the new disk may have been attached', lastTimestamp: '2026-11-20T10:00:01Z' });
    controllerAnswers(desk, { step: 'ready' });
    await desk.clock.advance(1_000);
    expect(await waiting).toMatchObject({ code: 3, error: 'zonespread: the controller refused to abort: zonespread.io/request: "abort" is not possible: the new disk may have been attached\n' });
  });

  it('ends with code 3 when the undo freezes, and with 1 when the time is up or it is interrupted', async () => {
    const frozen = withMove();
    const waiting = frozen.type('abort web/2 --wait');
    await settleEverything();
    controllerAnswers(frozen, { phase: 'Frozen', course: 'Undo', reason: 'ForeignClaim', message: 'somebody else holds it' });
    await frozen.clock.advance(1_000);
    expect(await waiting).toMatchObject({ code: 3, error: expect.stringContaining('somebody else holds it') as string });

    const late = withMove();
    const timing = late.type('abort web/2 --wait --timeout 5s');
    await settleEverything();
    await late.clock.advance(7_000);
    expect(await timing).toMatchObject({ code: 1, error: expect.stringMatching(/the time is up, and web-2 is Running createDisk 50 %; it goes on: zonespread status -n db --watch/) as string });

    const interrupted = withMove();
    const stopping = interrupted.type('abort web/2 --wait');
    await settleEverything();
    interrupted.interrupt.abort();
    expect(await stopping).toMatchObject({ code: 1, error: expect.stringContaining('no longer waited for; web-2 goes on') as string });
  });
});

describe('pause and resume of a set', () => {
  function withSet(annotations: Record<string, string> = {}): Desk {
    const desk = new Desk();
    desk.api.put(statefulSets, statefulSet({ annotations }));
    return desk;
  }
  const paused = ({ api }: Desk) => api.read(statefulSets, { namespace: NAMESPACE, name: 'web' })?.metadata.annotations?.['zonespread.io/paused'];

  it('set and take off the annotation, on the very set that was read', async () => {
    const desk = withSet();
    expect(await desk.type('pause web')).toEqual({ code: 0, error: '', out: 'db/web is paused: it starts nothing new. To go on: zonespread resume web -n db\n' });
    expect(paused(desk)).toBe('true');
    expect((await desk.type('pause web')).out).toBe('db/web is paused already.\n');
    expect((await desk.type('resume statefulset/web')).out).toBe('db/web goes on. To follow: zonespread status web -n db --watch\n');
    expect(paused(desk)).toBeUndefined();
    expect((await desk.type('resume web')).out).toBe('db/web is not paused.\n');
    for (const { body } of desk.api.writes) expect(body).toMatchObject({ metadata: { uid: expect.any(String) as string, resourceVersion: expect.any(String) as string } });
  });

  it('tell of what is at hand, and of what is frozen', async () => {
    const desk = withSet();
    desk.record('web-2-bcdfg', { status: FROZEN });
    expect((await desk.type('pause web')).out).toContain('and ends what is at hand (web-2-bcdfg)');
    expect((await desk.type('resume web')).out).toContain('Frozen: web-2-bcdfg; to have a move go on: zonespread resume <move> -n db');
  });

  it('say "false" where the namespace pauses all its sets', async () => {
    const desk = withSet();
    desk.api.put(namespaces, { metadata: { name: NAMESPACE, annotations: { 'zonespread.io/paused': 'true' } } });
    await desk.type('resume web');
    expect(paused(desk)).toBe('false');
  });

  it('are only tried with --dry-run', async () => {
    const desk = withSet();
    expect((await desk.type('pause web --dry-run')).out).toContain('would be paused (server dry run)');
    expect(paused(desk)).toBeUndefined();
    expect(await desk.type('pause web --dry-run=client')).toMatchObject({ code: 2, error: expect.stringContaining('"client" is not allowed: server (or the flag alone)') as string });
  });
});
