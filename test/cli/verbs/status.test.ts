// `zonespread status`: what is shown, at which width, and what is said when there is nothing to show.

import { describe, expect, it } from 'vitest';
import { ordinalMigrations } from '../../../src/migration/record.ts';
import { spreadReports } from '../../../src/controller/spread-report.ts';
import { statefulSets } from '../../../src/kubernetes/objects.ts';
import { NAMESPACE, statefulSet } from '../../builders/kubernetes.ts';
import { settleEverything } from '../../fakes/clock.ts';
import { Desk, EVEN, moving, screenful, seen, UNEVEN } from '../command-line-of.ts';

const ZONES = 'cn-beijing-h,cn-beijing-i,cn-beijing-j';

function oneSet(): Desk {
  const desk = new Desk();
  desk.api.put(statefulSets, statefulSet({ name: 'web', replicas: 6, annotations: { 'zonespread.io/zones': ZONES } }));
  desk.report('web', UNEVEN);
  desk.record('web-2-bcdfg', { status: moving() });
  return desk;
}

function threeSets(): Desk {
  const desk = oneSet();
  desk.report('cache', EVEN);
  desk.api.put(statefulSets, statefulSet({ name: 'queue', annotations: { 'zonespread.io/zones': '*' } }));
  return desk;
}

describe('one set', () => {
  it('is shown in full: its zones, what moves, what is planned, what waits', async () => {
    expect(await oneSet().type('status')).toEqual({
      code: 0,
      error: '',
      out: screenful`
        db/web   moving web-2 to cn-beijing-i, createDisk   skew 3   about 4 min to go

          ZONE           NOW   WANTED   ORDINALS
          cn-beijing-h     4        2   ● 0  ● 1  ○ 2  ○ 5
          cn-beijing-i     1        2   ● 3  → 2
          cn-beijing-j     1        2   ● 4  → 5

          UNDER WAY
          web-2   cn-beijing-h → cn-beijing-i
                  createDisk (7 of 12): a new disk from the snapshot, in cn-beijing-i
                  ████████████████████░░░░░░░░░░░░░░░░░░░░  50 %   down for 30 s   about 1 min left

          PLAN   one move, 20 GiB, about 3 min (up to 5 min)
          MOVE    FROM           TO             GiB   TAKES   DOWN   REASON
          web-5   cn-beijing-h   cn-beijing-j    20   3 min   90 s   Spread

          WAITS
          TooManyUnavailable   web-5
            web-2 is not Ready, and zonespread.io/max-unavailable is 1; the next ordinal waits
      `,
    });
  });

  it('fits into 80 columns, with words broken and the bar shorter', async () => {
    const { out } = await oneSet().type('status', { columns: 80 });
    const lines = seen(out).split('\n');
    expect(Math.max(...lines.map((line) => Array.from(line).length))).toBeLessThan(80);
    expect(seen(out)).toContain('    web-2 is not Ready, and zonespread.io/max-unavailable is 1; the next\n    ordinal waits\n');
  });

  it('of many ordinals has ranges in place of marks', async () => {
    const desk = new Desk();
    desk.report('web', { ...EVEN, zones: [{ zone: 'a', desired: 60, actual: 60, ordinals: '0-59' }] });
    expect(seen((await desk.type('status web', { columns: 80 })).out)).toMatch(/^ {2}a {7}60 {7}60 {3}0-59$/m);
  });

  it.each<[string, Parameters<typeof moving>[0], string]>([
    ['frozen', { phase: 'Frozen', reason: 'NotReady', step: 'ready', progress: 80, message: 'web-2 was not Ready within 10m' }, '   Frozen: NotReady\n          web-2 was not Ready within 10m\n'],
    ['undone', { phase: 'RollingBack', course: 'Undo', reason: 'Aborted', message: 'a person aborted it' }, '   is being undone: Aborted\n          a person aborted it\n'],
    ['waiting', { phase: 'Pending', reason: 'PodNotReady', message: 'web-3 is not Ready' }, '   waits: PodNotReady\n          web-3 is not Ready\n'],
    ['Ready again', { step: 'ready', readySince: '2026-11-20T09:59:50.000Z', downtimeSeconds: 20 }, '\n          ready (11 of 12): Ready on its new disk, and watched for 1m\n'],
  ])('tells of a move that is %s', async (_what, status, words) => {
    const desk = new Desk();
    desk.report('web', UNEVEN);
    desk.record('web-2-bcdfg', { status: moving(status) });
    expect((await desk.type('status')).out).toContain(`  web-2   cn-beijing-h → cn-beijing-i${words}`);
  });
});

describe('several sets', () => {
  it('are a table with a column for each zone', async () => {
    expect((await threeSets().type('status')).out).toBe(screenful`
      SET     cn-beijing-h   cn-beijing-i   cn-beijing-j   SKEW   STATE
      cache   0              1                                0   as declared
      queue                                                       no report yet: is the controller running? (doctor tells)
      web     0-2,5 ▾2       3 ▴1           4 ▴1              3   moving web-2 to cn-beijing-i, createDisk

      web-2   cn-beijing-h → cn-beijing-i
              createDisk (7 of 12): a new disk from the snapshot, in cn-beijing-i
              ████████████████████░░░░░░░░░░░░░░░░░░░░  50 %   down for 30 s   about 1 min left
    `);
  });

  it('have a row for each zone where the terminal is too narrow', async () => {
    expect(seen((await threeSets().type('status', { columns: 80 })).out)).toContain(screenful`
      SET     ZONE           ORDINALS   STATE
      cache   cn-beijing-h   0          as declared
              cn-beijing-i   1
      queue                             no report yet: is the controller running?
                                        (doctor tells)
      web     cn-beijing-h   0-2,5 ▾2   moving web-2 to cn-beijing-i, createDisk
              cn-beijing-i   3 ▴1
              cn-beijing-j   4 ▴1
    `);
  });

  it('of all namespaces come with theirs', async () => {
    const desk = threeSets();
    desk.report('web', EVEN, 'shop');
    expect((await desk.type('status -A')).out).toMatch(/^NAMESPACE +SET .*\ndb +cache .*\ndb +queue .*\ndb +web .*\nshop +web .*\n\ndb\/web-2 {3}cn/);
    expect((await desk.type('status -n shop')).out).toMatch(/^shop\/web {3}as declared/);
  });
});

describe('colours', () => {
  it('are for terminals, and not where NO_COLOR is set', async () => {
    const desk = threeSets();
    expect((await desk.type('status', { columns: 120 })).out).toContain('\u001B[32m0\u001B[0m');
    expect((await desk.type('status', { columns: 120, environment: { NO_COLOR: '1' } })).out).not.toContain('\u001B');
    expect((await desk.type('status')).out).not.toContain('\u001B');
  });
});

describe('documents', () => {
  it('are JSON or YAML of the same', async () => {
    const desk = oneSet();
    const json = await desk.type('status -o json');
    expect(JSON.parse(json.out)).toMatchObject({ sets: [{ namespace: 'db', name: 'web', skew: 3, plan: { total: 1 }, migrations: [{ name: 'web-2-bcdfg', ordinal: 2, phase: 'Running', step: 'createDisk', progress: 50 }] }] });
    expect((await desk.type('status -o yaml')).out).toMatch(/^sets:\n {2}- namespace: db\n {4}name: web\n/);
  });
});

describe('when there is nothing to show', () => {
  it.each<[string, string, number, RegExp]>([
    ['no set is annotated', 'status', 0, /^No StatefulSet in namespace db \(-A: in all\) has the annotation zonespread\.io\/zones\. To have one kept: kubectl annotate/],
    ['no set has the name', 'status nope', 1, /^zonespread: there is no StatefulSet nope in namespace db\n$/],
    ['the name is of another kind', 'status pod/web', 2, /^zonespread: "pod\/web" is no StatefulSet\. Allowed: its name, or statefulset\/<name>\n$/],
    ['the format is unknown', 'status -o xml', 2, /Allowed choices are table, json, yaml/],
    ['a watch should be a document', 'status -w -o json', 2, /--watch and -o json\|yaml do not go together/],
  ])('because %s, it says so', async (_why, line, code, words) => {
    const said = await new Desk().type(line);
    expect({ code: said.code, matches: words.test(said.out + said.error), text: said.out + said.error }).toMatchObject({ code, matches: true });
  });

  it('because the custom resources are missing, it says how to install them', async () => {
    const said = await new Desk({ installed: false }).type('status');
    expect(said).toMatchObject({ code: 1, error: expect.stringMatching(/^zonespread: list SpreadReport in db: .* install them: kubectl apply --server-side -f charts\/zonespread\/crds\/\n$/) as string });
  });

  it('because the rights are missing, it says which', async () => {
    const desk = new Desk();
    const message = 'spreadreports.zonespread.io is forbidden: User "jane" cannot list resource "spreadreports" in API group "zonespread.io" in the namespace "db"';
    desk.http.intercept = (request) => Promise.resolve(request.path.includes('spreadreports') ? { status: 403, headers: {}, body: bytes({ kind: 'Status', code: 403, reason: 'Forbidden', message }) } : undefined);
    expect(await desk.type('status')).toMatchObject({ code: 1, error: `zonespread: list SpreadReport in db: ${message} (403 Forbidden); ask for these rights, and see what you have: kubectl auth can-i --list\n` });
  });

  it('because the server is away, it says what to look at', async () => {
    const desk = new Desk();
    desk.http.intercept = () => Promise.reject(new Error('connect ECONNREFUSED'));
    expect(await desk.type('status')).toMatchObject({ code: 1, error: expect.stringMatching(/connect ECONNREFUSED; see that the server runs and that --context and --kubeconfig name the right cluster\n$/) as string });
  });
});

describe('--watch', () => {
  it('draws every change in place until Ctrl-C, and leaves the last picture', async () => {
    const desk = oneSet();
    const watching = desk.type('status --watch', { columns: 100 });
    await settleEverything();
    await desk.clock.advance(5_000);
    expect(seen(desk.out)).toContain('down for 35 s');

    desk.api.change(ordinalMigrations, { namespace: NAMESPACE, name: 'web-2-bcdfg' }, (record) => void Object.assign(record.status ?? {}, { step: 'ready', progress: 85 }));
    await desk.clock.advance(1_000);
    expect(seen(desk.out)).toContain('ready (11 of 12): the pod starts on its new disk, in cn-beijing-i');

    desk.api.change(ordinalMigrations, { namespace: NAMESPACE, name: 'web-2-bcdfg' }, (record) => void Object.assign(record.status ?? {}, { phase: 'Succeeded' }));
    desk.api.change(spreadReports, { namespace: NAMESPACE, name: 'web' }, (report) => void (report.status = EVEN));
    await desk.clock.advance(1_000);
    desk.interrupt.abort();
    expect((await watching).code).toBe(0);
    expect(desk.out.endsWith('\u001B[?25h')).toBe(true);
    expect(seen(desk.out).slice(-220)).toMatch(/db\/web {3}as declared {3}skew 0\n\n {2}ZONE .*\n.*● 0\n.*● 1\n$/);
  });

  it('in a pipe is a line for each change', async () => {
    const desk = oneSet();
    const watching = desk.type('status --watch');
    await settleEverything();
    desk.api.change(ordinalMigrations, { namespace: NAMESPACE, name: 'web-2-bcdfg' }, (record) => void Object.assign(record.status ?? {}, { step: 'ready', progress: 85 }));
    await desk.clock.advance(3_000);
    desk.interrupt.abort();
    await watching;
    expect(desk.out).toMatch(/^\S+Z {3}db\/web {3}cn-beijing-h:4 cn-beijing-i:2 cn-beijing-j:0 {3}web-2 Running createDisk 50 %\n\S+Z {3}db\/web .* web-2 Running ready 85 %\n$/);
  });
});

function bytes(value: object): AsyncIterable<Uint8Array> {
  return (async function* body() {
    yield Buffer.from(JSON.stringify(value));
  })();
}
