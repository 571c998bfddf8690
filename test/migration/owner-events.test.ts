// What happens to the StatefulSet and its pods while a move is at any of its steps: generated, step × event. Whatever it is, no write is
// lost, nothing leaks, and the record ends or says what it waits for.

import { describe, expect, it } from 'vitest';
import { namespaces, pods, statefulSets, volumes } from '../../src/kubernetes/objects.ts';
import { phaseOf, STEPS } from '../../src/migration/record.ts';
import { NAMESPACE, statefulSet } from '../builders/kubernetes.ts';
import { atRest, expectEveryWrite, letPodStart } from './expectations.ts';
import { readyStage, SET, type Stage } from './stage.ts';

const REF = { namespace: NAMESPACE, name: SET };
const POD = { namespace: NAMESPACE, name: `${SET}-0` };

function scale(stage: Stage, replicas: number): void {
  stage.api.change(statefulSets, REF, (set) => (set.spec.replicas = replicas));
}

async function deletePod(stage: Stage): Promise<void> {
  await stage.api.delete(pods, POD);
}

function recreateSet(stage: Stage): void {
  const set = stage.set() ?? statefulSet({ name: SET, replicas: 1 });
  stage.api.remove(statefulSets, REF);
  delete set.metadata.resourceVersion;
  stage.api.put(statefulSets, { ...set, metadata: { ...set.metadata, uid: 'uid-of-the-next' } });
}

const EVENTS: Record<string, { act: (stage: Stage) => void | Promise<void>; later?: (stage: Stage) => void; ends: string[] }> = {
  'the pod is deleted': { act: deletePod, ends: ['Succeeded', 'RolledBack'] },
  'the pod is deleted by force': { act: (stage) => stage.api.remove(pods, POD), ends: ['Succeeded', 'RolledBack'] },
  'the set is scaled away': {
    act: async (stage) => {
      scale(stage, 0);
      await deletePod(stage);
    },
    later: (stage) => scale(stage, 1),
    ends: ['Failed', 'Succeeded'],
  },
  'the set is scaled away and back at once': {
    act: async (stage) => {
      scale(stage, 0);
      await deletePod(stage);
      await stage.settle();
      scale(stage, 1);
    },
    ends: ['Succeeded', 'RolledBack'],
  },
  'the set is deleted, its pods left': { act: (stage) => stage.api.remove(statefulSets, REF), later: recreateSet, ends: ['Failed', 'Succeeded'] },
  'the set is deleted with its pods': {
    act: async (stage) => {
      stage.api.remove(statefulSets, REF);
      await deletePod(stage);
    },
    later: recreateSet,
    ends: ['Failed', 'Succeeded'],
  },
  'the set is created anew': { act: recreateSet, ends: ['Failed', 'Succeeded'] },
  'the namespace is being deleted': {
    act: (stage) => {
      stage.api.change(namespaces, { name: NAMESPACE }, ({ metadata }) => Object.assign(metadata, { finalizers: ['kubernetes'], deletionTimestamp: '2026-11-20T10:00:10Z' }));
    },
    later: (stage) => stage.api.change(namespaces, { name: NAMESPACE }, (namespace) => delete namespace.metadata.deletionTimestamp),
    ends: ['Failed', 'Succeeded'],
  },
  'a person aborts': { act: (stage) => stage.request('abort'), ends: ['RolledBack', 'Succeeded', 'Failed'] },
};

describe.each(Object.entries(EVENTS))('%s', (_name, { act, later, ends }) => {
  it.each(STEPS)('while the move is at %s', async (step) => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering(step, () => act(stage));
    const record = await stage.run('web-0-first', atRest);
    const where = `${phaseOf(record)} ${record.status?.reason ?? ''} ${record.status?.message ?? ''}`;
    expect(ends, where).toContain(phaseOf(record));
    later?.(stage);
    // The daemon takes gates off that no record wants any more.
    for (let round = 0; round < 20 && !stage.ready(); round += 1) {
      const pod = stage.pod();
      if (pod !== undefined) stage.api.change(pods, POD, (object) => delete object.spec.schedulingGates);
      await letPodStart(stage);
    }
    expect(stage.ready(), where).toBe(true);
    expectEveryWrite(stage, where);
    await stage.retireAll();
    // Nothing is left but what a claim is on, or what the record still answers for.
    const known = (stage.record().status?.claims ?? []).flatMap(({ source, target }) => [source.diskId, target?.diskId]);
    for (const { id } of stage.ecs.disks()) expect([...known, stage.diskOf('data-web-0')], where).toContain(id);
    expect(phaseOf(record) === 'Failed' || stage.ecs.disks().length === 1, where).toBe(true);
    expect(stage.api.readAll(volumes).filter((pv) => pv.spec.csi?.volumeHandle === stage.diskOf('data-web-0'))).toHaveLength(1);
  });
});
