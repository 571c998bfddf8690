// The landing node is held before anything is touched, until the pod is let go to it, and by nobody who has no more need of it.

import { describe, expect, it } from 'vitest';
import { IN_FLIGHT_LABEL, MIGRATION_LABEL } from '../../../src/kubernetes/names.ts';
import { namespaces, pods, priorityClasses, type Pod } from '../../../src/kubernetes/objects.ts';
import { isScheduled } from '../../../src/kubernetes/reading.ts';
import { ordinalMigrations, phaseOf, statusOf, type OrdinalMigration } from '../../../src/migration/record.ts';
import { isPlaceholder, placeholderName } from '../../../src/migration/reservation/placeholder.ts';
import { NAMESPACE } from '../../builders/kubernetes.ts';
import { refusal, type ApiCall } from '../../fakes/api.ts';
import { atRest, expectWhole } from '../expectations.ts';
import { readyStage, type Stage } from '../stage.ts';

const placeholder = (stage: Stage): Pod | undefined => stage.api.readAll(pods).find(isPlaceholder);
const at = (step: string) => (record: OrdinalMigration) => record.status?.step === step && phaseOf(record) === 'Running';
const said = (stage: Stage): string => stage.notes.map(({ message }) => message).join('\n');

/** What was written, in order: `create pods`, `delete pods` …; the records' own status aside. */
const written = ({ api }: Stage): string[] => api.writes.filter(({ resource }) => resource.plural !== 'ordinalmigrations').map(({ verb, resource, options }) => `${verb} ${resource.plural}${options.subresource === undefined ? '' : `/${options.subresource}`}`);

function refusing(stage: Stage, message: string): () => void {
  return stage.api.on('create', pods, (call, proceed) => (call.options.dryRun === true ? proceed() : Promise.reject(refusal(call, { status: 403, reason: 'Forbidden', message }))));
}

function setSettings(stage: Stage, settings: Partial<Stage['ports']['reserving']>): void {
  Object.assign(stage.ports.reserving, settings);
}

describe('a move', () => {
  it('holds a node of the target zone before anything is touched, until its pod is let go there', async () => {
    const stage = await readyStage();
    await stage.plan();
    const seen: string[] = [];
    stage.onEntering('keepSource', () => {
      const held = placeholder(stage);
      expect(held).toMatchObject({ metadata: { name: placeholderName(stage.record()), labels: { [MIGRATION_LABEL]: stage.record().metadata.uid } }, spec: { nodeName: 'node-b', priorityClassName: 'zonespread-below-0' } });
      expect(statusOf(stage.record()).reservation).toEqual({ pod: held?.metadata.name, podUID: held?.metadata.uid, nodeName: 'node-b' });
      expect(written(stage)).toEqual(['mergePatch namespaces', 'create priorityclasses', 'create pods']);
      seen.push('before anything is touched');
    });
    stage.onEntering('ungate', () => void seen.push(placeholder(stage) === undefined ? 'gone' : 'until ungate'));
    stage.onEntering('ready', () => void seen.push(placeholder(stage) === undefined ? 'gone' : 'still there'));
    expect((await stage.run()).status).toMatchObject({ phase: 'Succeeded' });
    expect(seen).toEqual(['before anything is touched', 'until ungate', 'gone']);
    expect(stage.record().status?.reservation).toBeUndefined();
    await expectWhole(stage);
  });

  it('nominates its pod for that node, then gives the room free, then lets it go: in this order nobody else gets it', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('ungate', () => stage.api.forgetCalls());
    await stage.run();
    const ofPods = stage.api.writes.filter(({ resource }) => resource.plural === 'pods');
    expect(ofPods.map(({ verb, ref, options }) => [verb, ref.name, options.subresource])).toEqual([
      ['mergePatch', 'web-0', 'status'],
      ['delete', placeholderName(stage.record()), undefined],
      ['jsonPatch', 'web-0', undefined],
    ]);
    expect(ofPods[0]?.body).toMatchObject({ status: { nominatedNodeName: 'node-b' } });
    expect(ofPods[1]?.preconditions?.uid).toBeDefined();
  });

  it('goes on where the nomination is refused', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.api.on('mergePatch', pods, (call, proceed) => (call.options.subresource === 'status' ? Promise.reject(refusal(call, { status: 403, reason: 'Forbidden', message: 'pods/status is forbidden' })) : proceed()));
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(said(stage)).toContain('could not be nominated for node node-b');
    await expectWhole(stage);
  });

  it('has one class of placeholders for each priority: one below it, which makes nobody go', async () => {
    const stage = await readyStage();
    stage.api.on('create', pods, async (call, proceed) => {
      if (call.options.dryRun === true) (call.body as Pod).spec['priority'] = -3;
      return proceed();
    });
    await stage.plan();
    await stage.run();
    expect(stage.api.readAll(priorityClasses)).toMatchObject([{ metadata: { name: 'zonespread-below-minus-3' }, value: -4, preemptionPolicy: 'Never', globalDefault: false }]);
  });

  it('without --reserve makes none', async () => {
    const stage = await readyStage();
    setSettings(stage, { on: false });
    await stage.plan();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(stage.api.writes.filter(({ verb }) => verb === 'create').map(({ resource }) => resource.plural)).not.toContain('pods');
    expect(stage.api.readAll(priorityClasses)).toEqual([]);
  });
});

describe('a zone without room', () => {
  it('ends the move as Failed in time, in the words of the scheduler, with nothing touched and nothing left', async () => {
    const stage = await readyStage();
    stage.full.add('b');
    await stage.plan();
    const record = await stage.run('web-0-first', atRest);
    expect(record.status).toMatchObject({ phase: 'Failed', reason: 'NotReserved', message: 'step reserve has not got through within 60 s: no node of zone b takes a pod like web-0: 0/3 nodes are available: 1 node(s) were unschedulable.' });
    expect(written(stage)).toEqual(['mergePatch namespaces', 'create priorityclasses', 'create pods', 'delete pods', 'mergePatch namespaces']);
    expect(stage.api.read(namespaces, { name: NAMESPACE })?.metadata.labels?.[IN_FLIGHT_LABEL]).toBeUndefined();
    expect(record.status?.reservation).toBeUndefined();
    await expectWhole(stage);
  });

  it('is waited for as long as an autoscaler may take, where that is asked for', async () => {
    const stage = await readyStage();
    setSettings(stage, { awaitAutoscalerMs: 600_000 });
    stage.full.add('b');
    await stage.plan();
    const record = await stage.run('web-0-first', ({ status }) => Date.parse(status?.startedAt ?? '') + 300_000 < stage.clock.now());
    expect(record.status).toMatchObject({ phase: 'Running', step: 'reserve', reason: 'NotReserved' });
    expect(record.status?.message).toContain('nor has an autoscaler made one');
    stage.full.clear();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });

  it.each(['abort', 'the set goes'])('is waited for no longer when %s', async (what) => {
    const stage = await readyStage();
    stage.full.add('b');
    await stage.plan();
    await stage.run('web-0-first', at('reserve'));
    await stage.visitAs(1);
    expect(placeholder(stage)).toBeDefined();
    if (what === 'abort') await stage.request('abort');
    else stage.api.remove({ group: 'apps', version: 'v1', plural: 'statefulsets', kind: 'StatefulSet', namespaced: true }, { namespace: NAMESPACE, name: 'web' });
    expect((await stage.run()).status).toMatchObject({ phase: 'Failed', reason: what === 'abort' ? 'Aborted' : 'OwnerGone' });
    expect(placeholder(stage)).toBeUndefined();
  });
});

describe('a placeholder that the API server refuses', () => {
  it.each(['exceeded quota: pods', 'violates PodSecurity "restricted:latest"', 'a webhook says no'])('does not stand in the way of the move, which says so: %s', async (message) => {
    const stage = await readyStage();
    refusing(stage, message);
    await stage.plan();
    let skipped: unknown;
    stage.onEntering('keepSource', () => void (skipped = statusOf(stage.record()).reservation));
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(skipped).toEqual({ skipped: expect.stringContaining(message) as string });
    expect(said(stage)).toContain('goes on without a reserved node');
    await expectWhole(stage);
  });

  it('ends it where the placeholder was to have a node made', async () => {
    const stage = await readyStage();
    setSettings(stage, { awaitAutoscalerMs: 600_000 });
    refusing(stage, 'exceeded quota: pods');
    await stage.plan();
    expect((await stage.run('web-0-first', atRest)).status).toMatchObject({ phase: 'Failed', reason: 'NotReserved' });
    await expectWhole(stage);
  });

  it('is not meant when the record cannot be written: that is tried again', async () => {
    const stage = await readyStage();
    let refused = false;
    stage.api.on('mergePatch', ordinalMigrations, (call, proceed) => {
      if (refused || !JSON.stringify(call.body).includes('"reservation"')) return proceed();
      refused = true;
      return Promise.reject(refusal(call, { status: 403, reason: 'Forbidden', message: 'not now' }));
    });
    await stage.plan();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(refused).toBe(true);
    expect(said(stage)).not.toContain('goes on without');
    await expectWhole(stage);
  });

  it('is asked for again where it only does not know the new class yet', async () => {
    const stage = await readyStage();
    const heal = refusing(stage, 'no PriorityClass with name zonespread-below-0 was found');
    await stage.plan();
    await stage.run('web-0-first', at('reserve'));
    await stage.visitAs(1);
    heal();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(said(stage)).not.toContain('goes on without');
  });

  it.each<[why: string, arrange: (stage: Stage) => void]>([
    ['somebody else has a class of that name that makes others go', ({ api }) => void api.put(priorityClasses, { metadata: { name: 'zonespread-below-0' }, value: -1, preemptionPolicy: 'PreemptLowerPriority' })],
    ['there is no lower priority', ({ api }) => void api.on('create', pods, async (call, proceed) => {
      if (call.options.dryRun === true) (call.body as Pod).spec['priority'] = -2_147_483_648;
      return proceed();
    })],
  ])('is not even made when %s', async (_why, arrange) => {
    const stage = await readyStage();
    arrange(stage);
    await stage.plan();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(said(stage)).toContain('goes on without a reserved node');
    expect(stage.api.writes.filter(({ verb, resource }) => verb === 'create' && resource.plural === 'pods')).toEqual([]);
  });
});

describe('a placeholder that is lost', () => {
  const noBudget = (call: ApiCall): Promise<never> => Promise.reject(refusal(call, { status: 429, reason: 'TooManyRequests', message: "Cannot evict pod as it would violate the pod's disruption budget.", causes: [{ reason: 'DisruptionBudget' }] }));

  it('while the eviction waits is made again before the pod goes', async () => {
    const stage = await readyStage();
    const allow = stage.api.on('evict', pods, noBudget);
    await stage.plan();
    await stage.run('web-0-first', at('evict'));
    const first = placeholder(stage)?.metadata.uid;
    stage.api.remove(pods, { namespace: NAMESPACE, name: placeholderName(stage.record()) });
    stage.full.add('b');
    allow();
    await stage.run('web-0-first', (record) => Date.parse(record.status?.stepStartedAt ?? '') + 20_000 < stage.clock.now());
    expect(stage.record().status).toMatchObject({ step: 'evict', reservation: { pod: placeholderName(stage.record()) } });
    expect(stage.record().status?.reservation, 'of the one that is lost nothing is kept').not.toHaveProperty('podUID');
    expect(stage.ready(), 'the pod runs as long as nothing is held for it').toBe(true);
    stage.full.clear();
    await stage.run('web-0-first', at('detach'));
    expect(placeholder(stage)?.metadata.uid).not.toBe(first);
    expect(placeholder(stage)).toSatisfy(isScheduled);
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });

  it('later does not keep the pod down', async () => {
    const stage = await readyStage();
    await stage.plan();
    await stage.run('web-0-first', at('createDisk'));
    stage.api.remove(pods, { namespace: NAMESPACE, name: placeholderName(stage.record()) });
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });

  it('to its kubelet is replaced, and the move says what the kubelet said', async () => {
    const stage = await readyStage();
    await stage.plan();
    let refused = 0;
    const mend = stage.api.onChange(pods, ({ type, object }) => {
      if (type !== 'modified' || !isPlaceholder(object) || !isScheduled(object) || object.status?.phase === 'Failed') return;
      refused += 1;
      stage.api.change(pods, { namespace: NAMESPACE, name: object.metadata.name }, (pod) => (pod.status = { phase: 'Failed', reason: 'OutOfcpu', message: 'Node did not have enough resource: cpu' }));
    });
    await stage.run('web-0-first', (record) => record.status?.message?.includes('OutOfcpu') === true);
    expect(stage.record().status).toMatchObject({ step: 'reserve', reason: 'NotReserved', message: 'node node-b has ended the placeholder of pod web-0: OutOfcpu Node did not have enough resource: cpu' });
    expect(refused).toBeGreaterThan(1);
    mend();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });
});

describe('nothing is held', () => {
  it('for a move that is undone, from the first moment of the undo', async () => {
    const stage = await readyStage();
    await stage.plan();
    await stage.run('web-0-first', at('createDisk'));
    await stage.request('abort');
    await stage.visitAs(1);
    expect(placeholder(stage)).toBeUndefined();
    expect((await stage.run()).status?.phase).toBe('RolledBack');
    await expectWhole(stage);
  });

  it('for a Frozen move, which gets on without when a person resumes it', async () => {
    const stage = await readyStage();
    await stage.plan();
    await stage.run('web-0-first', at('createDisk'));
    await stage.api.mergePatch({ group: 'zonespread.io', version: 'v1alpha1', plural: 'ordinalmigrations', kind: 'OrdinalMigration', namespaced: true }, { namespace: NAMESPACE, name: 'web-0-first' }, { status: { phase: 'Frozen', reason: 'InternalError', message: 'why' } }, { subresource: 'status' });
    await stage.visitAs(1);
    expect(placeholder(stage)).toBeUndefined();
    await stage.request('resume');
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });

  it('while a void snapshot is thrown away it still is: the move comes again', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    let seen: string | undefined;
    stage.onEntering('swapClaim', async () => {
      await stage.ecs.call('AttachDisk', { DiskId: old, InstanceId: 'i-node-a' });
      await stage.clock.advance(2_000);
      await stage.ecs.call('DetachDisk', { DiskId: old, InstanceId: 'i-node-a' });
      await stage.clock.advance(2_000);
    });
    stage.onEntering('createVolume', () => void (seen = placeholder(stage)?.metadata.uid), 'RollingBack');
    expect((await stage.run()).status).toMatchObject({ phase: 'Succeeded', attempt: 2 });
    expect(seen).toBeDefined();
    await expectWhole(stage);
  });
});

describe('--prepull', () => {
  const pulling = (stage: Stage, reason: string): (() => void) =>
    stage.api.onChange(pods, ({ object }) => {
      if (!isPlaceholder(object) || !isScheduled(object) || object.status?.containerStatuses !== undefined) return;
      stage.api.change(pods, { namespace: NAMESPACE, name: object.metadata.name }, (pod) => (pod.status = { phase: 'Pending', containerStatuses: [{ name: 'main', imageID: '', state: { waiting: { reason, message: 'no such image' } } }] }));
    });

  it('moves nothing as long as an image is not on the landing node', async () => {
    const stage = await readyStage();
    setSettings(stage, { prepull: true });
    pulling(stage, 'ErrImagePull');
    await stage.plan();
    const record = await stage.run('web-0-first', atRest);
    expect(record.status).toMatchObject({ phase: 'Failed', reason: 'ImageNotPulled' });
    expect(record.status?.message).toContain('node node-b has not pulled image example.com/web:1 (ErrImagePull: no such image)');
    await expectWhole(stage);
  });

  it('moves once the image has been pulled, for which it need not have run', async () => {
    const stage = await readyStage();
    setSettings(stage, { prepull: true });
    pulling(stage, 'RunContainerError');
    await stage.plan();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });
});

describe('a record that an older daemon has written', () => {
  it.each(['keepSource', 'evict', 'createDisk', 'ungate', 'ready'])('goes on at %s without a placeholder', async (step) => {
    const stage = await readyStage();
    setSettings(stage, { on: false });
    await stage.plan();
    stage.onEntering(step, () => setSettings(stage, { on: true }));
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(stage.api.writes.filter(({ verb, resource }) => verb === 'create' && resource.plural === 'pods')).toEqual([]);
    await expectWhole(stage);
  });
});
