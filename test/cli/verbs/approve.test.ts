// `zonespread approve`: the list that was shown, and no other.

import { describe, expect, it } from 'vitest';
import { spreadReports } from '../../../src/controller/spread-report.ts';
import { statefulSets, type StatefulSet } from '../../../src/kubernetes/objects.ts';
import { NAMESPACE, statefulSet } from '../../builders/kubernetes.ts';
import { Desk, EVEN, UNEVEN } from '../command-line-of.ts';

const DIGEST = UNEVEN.plan?.digest ?? '';

function desk(annotations: Record<string, string> = { 'zonespread.io/zones': 'a,b', 'zonespread.io/mode': 'plan' }, report = UNEVEN): Desk {
  const one = new Desk();
  one.api.put(statefulSets, statefulSet({ annotations }));
  one.report('web', report);
  return one;
}

function approved({ api }: Desk): string | undefined {
  return api.read<StatefulSet>(statefulSets, { namespace: NAMESPACE, name: 'web' })?.metadata.annotations?.['zonespread.io/approve'];
}

describe('a plan that is approved', () => {
  it('was shown with its digest, and a person said yes', async () => {
    const one = desk();
    const said = await one.type('approve web', { answers: 'y' });
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(said.out).toMatch(/^db\/web {3}one move, 20 GiB[\s\S]* web-5 [\s\S]*\n {2}digest 3f2a9c81a+\n\nApprove it\? \[y\/N\] y\nThe plan 3f2a9c81aaaa of db\/web is approved\..* zonespread status web -n db --watch\n$/);
    expect(approved(one)).toBe(DIGEST);
  });

  it('is written though the status of the set went on changing while it was read', async () => {
    const one = desk();
    one.api.on('get', spreadReports, (_call, proceed) => {
      one.api.change(statefulSets, { namespace: NAMESPACE, name: 'web' }, (set) => void (set.status = { ...set.status, readyReplicas: Math.floor(one.clock.now()) + one.api.calls.length }));
      return proceed();
    });
    expect((await one.type('approve web', { answers: 'yes' })).code).toBe(0);
    expect(approved(one)).toBe(DIGEST);
  });

  it('was named by its digest', async () => {
    const one = desk();
    expect((await one.type('approve statefulset/web --digest 3F2A9C81')).code).toBe(0);
    expect(approved(one)).toBe(DIGEST);
  });

  it('is only tried with --dry-run', async () => {
    const one = desk();
    expect((await one.type('approve web --yes --dry-run=server')).out).toContain('would be approved (server dry run)');
    expect(approved(one)).toBeUndefined();
    expect(one.api.calls.find(({ verb }) => verb === 'mergePatch')?.options).toMatchObject({ dryRun: true });
  });

  it('writes one annotation on the very set that was read', async () => {
    const one = desk();
    const { uid, resourceVersion } = one.api.read(statefulSets, { namespace: NAMESPACE, name: 'web' })?.metadata ?? {};
    await one.type('approve web -y');
    expect(one.api.writes.map(({ body }) => body)).toEqual([{ metadata: { uid, resourceVersion, annotations: { 'zonespread.io/approve': DIGEST } } }]);
  });
});

describe('nothing is approved', () => {
  it.each<[string, Desk, string, [number, RegExp]]>([
    ['without a word of anybody', desk(), 'approve web', [2, /nobody is there to be asked: say --digest <digest> of the plan that was looked at, or --yes/]],
    ['when another plan was looked at', desk(), 'approve web --digest 00000000', [3, /the plan is another one by now: its digest is 3f2a9c81a+, not 00000000/]],
    ['by too few digits', desk(), 'approve web --digest 3f2a', [2, /too short to mean one plan/]],
    ['when moves start by themselves', desk({ 'zonespread.io/zones': 'a,b' }), 'approve web -y', [3, /db\/web needs no approval: its mode is auto, moves start by themselves/]],
    ['when the policy is wrong', desk({ 'zonespread.io/zones': 'a,b', 'zonespread.io/mode': 'planned' }), 'approve web -y', [3, /the policy of db\/web is wrong: StatefulSet annotation zonespread\.io\/mode: "planned" is refused/]],
  ])('%s', async (_why, one, line, [code, words]) => {
    expect(await one.type(line)).toMatchObject({ code, error: expect.stringMatching(words) as string });
    expect(one.api.writes).toEqual([]);
  });

  it('when there is nothing to move', async () => {
    expect(await desk(undefined, EVEN).type('approve web -y')).toEqual({ code: 0, error: '', out: 'db/web has nothing to move: there is nothing to approve.\n' });
  });

  it('when a person says no', async () => {
    const one = desk();
    expect(await one.type('approve web', { answers: '' })).toMatchObject({ code: 1, error: 'zonespread: not approved; nothing was written\n' });
    expect(one.api.writes).toEqual([]);
  });

  it('when the plan changes while it is read', async () => {
    const one = desk();
    let looks = 0;
    one.api.on('get', spreadReports, async (_call, proceed) => {
      looks += 1;
      if (looks === 2) one.report('web', { ...UNEVEN, plan: { ...UNEVEN.plan!, digest: 'b'.repeat(64) } });
      return proceed();
    });
    expect(await one.type('approve web -y')).toMatchObject({ code: 3, error: expect.stringMatching(/^zonespread: the plan has changed meanwhile: its digest is b{64} now\. Nothing was written/) as string });
    expect(one.api.writes).toEqual([]);
  });

  it('when the set is another one by then', async () => {
    const one = desk();
    let looks = 0;
    one.api.on('get', spreadReports, (_call, proceed) => {
      looks += 1;
      if (looks === 2) one.api.put(statefulSets, { ...statefulSet({ annotations: { 'zonespread.io/mode': 'plan' } }), metadata: { ...statefulSet().metadata, uid: 'another' } });
      return proceed();
    });
    expect(await one.type('approve web -y')).toMatchObject({ code: 3, error: expect.stringMatching(/was deleted and made anew meanwhile; nothing was written/) as string });
    expect(one.api.writes).toEqual([]);
  });

  it('when the set changes in that very moment', async () => {
    const one = desk();
    one.api.on('mergePatch', statefulSets, (_call, proceed) => {
      one.api.change(statefulSets, { namespace: NAMESPACE, name: 'web' }, (set) => void (set.spec.replicas = 9));
      return proceed();
    });
    expect(await one.type('approve web -y')).toMatchObject({ code: 3, error: expect.stringMatching(/StatefulSet web was changed meanwhile; nothing was written/) as string });
    expect(approved(one)).toBeUndefined();
  });
});
