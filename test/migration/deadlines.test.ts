// Every step that can wait has an end: by its deadline, by an undo, or by freezing with a reason a person can act on.

import { describe, expect, it } from 'vitest';
import { refusal } from '../fakes/api.ts';
import { claims, pods, volumes } from '../../src/kubernetes/objects.ts';
import { phaseOf, type StepName } from '../../src/migration/record.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { atRest, expectWhole } from './expectations.ts';
import { Crash, readyStage, type Stage } from './stage.ts';

/** What keeps a step waiting for ever; gives back what lifts it. */
const OBSTACLES: Partial<Record<StepName, { arrange: (stage: Stage) => () => void; reason: string }>> = {
  rehearse: {
    arrange: (stage) => {
      stage.webhookUp = false;
      return () => (stage.webhookUp = true);
    },
    reason: 'WebhookNotReady',
  },
  evict: {
    arrange: (stage) => stage.api.on('evict', pods, (call) => Promise.reject(refusal(call, { status: 429, reason: 'TooManyRequests', message: "Cannot evict pod as it would violate the pod's disruption budget.", causes: [{ reason: 'DisruptionBudget' }] }))),
    reason: 'DisruptionBudgetExhausted',
  },
  createVolume: {
    arrange: (stage) =>
      stage.api.on('create', volumes, (call, proceed) => (call.options.dryRun === true ? proceed() : Promise.reject(refusal(call, { status: 403, reason: 'Forbidden', message: 'a policy says no' })))),
    reason: 'Refused',
  },
};

describe.each(Object.entries(OBSTACLES))('what keeps %s waiting', (_step, { arrange, reason }) => {
  it('ends in an undo, and the pod is on its old disk again', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    const lift = arrange(stage);
    await stage.plan();
    const record = await stage.run('web-0-first', atRest);
    expect(['RolledBack', 'Failed']).toContain(phaseOf(record));
    expect(record.status?.reason).toBe(reason);
    lift();
    expect(stage.diskOf('data-web-0')).toBe(old);
    await expectWhole(stage);
  });
});

describe('a daemon that was away for longer than a step may take', () => {
  it.each(['keepSource', 'evict', 'snapshot', 'createDisk', 'swapClaim'] satisfies StepName[])('goes on at %s: the pod is not taken down for a move that is given up at once', async (step) => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering(step, async () => {
      stage.dead = true;
      await stage.clock.advance(2 * stage.ports.stepTimeoutMs);
      throw new Crash('killed');
    });
    expect((await stage.run('web-0-first', atRest)).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });
});

describe('an undo that turned round because the new disk was in use', () => {
  it('gives the pod its whole ready-timeout once more', async () => {
    const stage = await readyStage({ terms: { readyTimeoutMs: 5_000 } });
    stage.cordoned.add('b');
    stage.neverReadyIn.add('b');
    await stage.plan();
    // The scheduler finds a node at the very moment at which the move is given up.
    stage.onEntering('ungate', async () => {
      stage.cordoned.clear();
      await stage.settle();
      await stage.clock.advance(1_000);
      await stage.settle();
    }, 'RollingBack');
    await stage.run('web-0-first', (record) => phaseOf(record) === 'Running' && record.status?.step === 'ready' && (record.status.history ?? []).some(({ outcome }) => outcome?.startsWith('the new disk was attached') === true));
    stage.neverReadyIn.clear();
    expect((await stage.run('web-0-first', atRest)).status?.phase).toBe('Succeeded');
    expect(stage.api.read(claims, { namespace: NAMESPACE, name: 'data-web-0' })?.spec.volumeName).toBe(stage.record().status?.claims?.[0]?.target?.pv);
    await expectWhole(stage);
  });
});
