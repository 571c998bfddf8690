// The set itself and its pods hold a move: it is being changed, somebody else owns it, too many of its pods are down, or a budget says no.

import { disruptionBudgets, pods, statefulSets } from '../../../../src/kubernetes/objects.ts';
import { isReady } from '../../reading.ts';
import type { Scene } from '../../scene.ts';
import type { SimulatedWorld } from '../../simulated-world.ts';
import type { HeldCase } from './holding.ts';

export const GENERATION_NOT_OBSERVED: HeldCase<SimulatedWorld> = {
  reason: 'GenerationNotObserved',
  name: 'the StatefulSet controller has not seen the last change of the set',
  says: /generation 2.*only generation 1/,
  noticed: 'by a watch',
  async arrange(scene, world) {
    const { statefulSet } = world.kubelets.controllers;
    statefulSet.pause();
    await scene.changeSet({ revisionHistoryLimit: 5 });
    return async () => statefulSet.resume();
  },
};

export const OWNED_BY_OPERATOR: HeldCase = {
  reason: 'OwnedByOperator',
  name: 'another controller owns the set and nobody has allowed it',
  says: /controlled by StatefulSet operator/,
  noticed: 'by a watch',
  async arrange(scene) {
    const { api } = scene.world;
    const { namespace } = scene;
    const about = { serviceName: 'operator', replicas: 0, selector: { matchLabels: { app: 'operator' } }, template: { metadata: { labels: { app: 'operator' } }, spec: { containers: [{ name: 'main', image: 'none' }] } } };
    const owner = await api.create(statefulSets, { metadata: { namespace, name: 'operator' }, spec: about });
    const reference = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'operator', uid: owner.metadata.uid ?? '', controller: true };
    await api.mergePatch(statefulSets, { namespace, name: scene.setName }, { metadata: { ownerReferences: [reference] } });
    return () => scene.annotate({ 'allow-operator': 'true' });
  },
};

export const SCALE_UNDER_WAY: HeldCase = {
  reason: 'ScaleUnderWay',
  name: 'a pod that is scaled away is not gone yet',
  says: /scaled to 2: web-2 still there/,
  noticed: 'by a watch',
  set: { replicas: 3 },
  exceptions: { takenDown: [2] },
  async arrange(scene) {
    const { api } = scene.world;
    const web2 = { namespace: scene.namespace, name: 'web-2' };
    await api.mergePatch(pods, web2, { metadata: { finalizers: ['example.com/last-words'] } });
    await scene.changeSet({ replicas: 2 });
    await scene.until('web-2 is going, and off its disk', () => scene.pod(2)?.metadata.deletionTimestamp !== undefined && scene.disk(2).status === 'Available');
    return () => api.mergePatch(pods, web2, { metadata: { finalizers: null } });
  },
};

export const POD_NOT_READY: HeldCase = {
  reason: 'PodNotReady',
  name: 'its pod runs on its disk and is not Ready',
  says: /pod web-1 is Running and not Ready while its disk \S+ is InUse/,
  noticed: 'by a watch',
  exceptions: { takenDown: [1] },
  arrange: (scene) => unready(scene, 1),
};

export const TOO_MANY_UNAVAILABLE: HeldCase = {
  reason: 'TooManyUnavailable',
  name: 'another pod of the set is down',
  says: /web-0 of StatefulSet web not available, and at most 1 may be/,
  noticed: 'by a watch',
  exceptions: { takenDown: [0] },
  arrange: (scene) => unready(scene, 0),
};

async function unready(scene: Scene, ordinal: number): Promise<() => Promise<void>> {
  const heal = scene.world.kubelets.behaviour.neverReady({ namespace: scene.namespace, pod: scene.podName(ordinal) });
  await scene.until('the pod is not Ready', () => !isReady(scene.pod(ordinal)));
  return async () => heal();
}

export const REVISION_WOULD_CHANGE: HeldCase = {
  reason: 'RevisionWouldChange',
  name: 'its pod would come back as another revision',
  says: /pod web-1 has revision \S+ and would come back as \S+.*delete the pod to update it first/,
  noticed: 'by a watch',
  set: { spec: { updateStrategy: { type: 'OnDelete' } } },
  exceptions: { takenDown: [1] },
  async arrange(scene) {
    await changeTemplate(scene, { metadata: { annotations: { release: '2' } } });
    await scene.until('the set has another revision', () => {
      const { currentRevision, updateRevision } = scene.sets.get(scene.setName)?.status ?? {};
      return currentRevision !== updateRevision;
    });
    return () => scene.world.api.delete(pods, { namespace: scene.namespace, name: 'web-1' });
  },
};

/** A merge patch of the pod template. */
export function changeTemplate(scene: Scene, template: Record<string, unknown>): Promise<void> {
  return scene.changeSet({ template } as Parameters<Scene['changeSet']>[0]);
}

export const DISRUPTION_BUDGET_EXHAUSTED: HeldCase = {
  reason: 'DisruptionBudgetExhausted',
  name: 'a disruption budget has no room',
  says: /PodDisruptionBudget web-stays allows no disruption of web-1 now \(2 healthy, 2 wanted\)/,
  noticed: 'by a watch',
  async arrange(scene) {
    await createBudget(scene, 'web-stays', { minAvailable: 2 });
    return () => scene.world.api.mergePatch(disruptionBudgets, { namespace: scene.namespace, name: 'web-stays' }, { spec: { minAvailable: 1 } });
  },
};

export const SEVERAL_DISRUPTION_BUDGETS: HeldCase = {
  reason: 'SeveralDisruptionBudgets',
  name: 'two disruption budgets cover its pod',
  says: /pod web-1 is covered by 2 PodDisruptionBudgets \(mine, yours\)/,
  noticed: 'by a watch',
  async arrange(scene) {
    await createBudget(scene, 'mine', { maxUnavailable: 1 });
    await createBudget(scene, 'yours', { maxUnavailable: 1 });
    return () => scene.world.api.delete(disruptionBudgets, { namespace: scene.namespace, name: 'yours' });
  },
};

async function createBudget(scene: Scene, name: string, spec: Record<string, number>): Promise<void> {
  const { api } = scene.world;
  const budget = { namespace: scene.namespace, name };
  await api.create(disruptionBudgets, { metadata: budget, spec: { ...spec, selector: { matchLabels: { app: scene.setName } } } });
  await scene.until('the budget is counted', async () => (await api.get(disruptionBudgets, budget))?.status?.expectedPods === 2);
}
