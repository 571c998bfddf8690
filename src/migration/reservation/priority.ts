// The PriorityClass of placeholders: one below the workload's own priority, so that they give way to it and to whatever counts as much, and to
// nothing else; and they never make anybody else go.

import { isAlreadyExists } from '../../kubernetes/refusals.ts';
import { priorityClasses, type Pod, type PriorityClass } from '../../kubernetes/objects.ts';
import type { Api } from '../../kubernetes/api.ts';

/** The API server's limits for classes of ours. */
const HIGHEST = 1_000_000_000;
const LOWEST = -2_147_483_648;

export type ClassBelow = { kind: 'class'; name: string } | { kind: 'none'; message: string };

/** There already, or made. One class for each priority that is met, and they stay: they cost nothing, and others may be about to use them. */
export async function ensureClassBelow(api: Api, pod: Pod): Promise<ClassBelow> {
  const priority = typeof pod.spec['priority'] === 'number' ? pod.spec['priority'] : 0;
  if (priority <= LOWEST) return { kind: 'none', message: `no priority is lower than that of pod ${pod.metadata.name} (${priority}); give it a PriorityClass` };
  const wanted = classBelow(priority);
  const { name } = wanted.metadata;
  const found = (await api.get(priorityClasses, { name })) ?? (await make(api, wanted));
  if (found.value < priority && found.preemptionPolicy === 'Never') return { kind: 'class', name };
  return { kind: 'none', message: `PriorityClass ${name} is not what its name says (value ${found.value}, preemptionPolicy ${found.preemptionPolicy ?? 'PreemptLowerPriority'}); delete it, and it is made anew` };
}

function classBelow(priority: number): PriorityClass {
  return {
    metadata: { name: `zonespread-below-${priority < 0 ? 'minus-' : ''}${Math.abs(priority)}`, labels: { 'app.kubernetes.io/part-of': 'zonespread' } },
    value: Math.min(priority - 1, HIGHEST),
    globalDefault: false,
    preemptionPolicy: 'Never',
    description: `Placeholders of zonespread for pods of priority ${priority}: they hold the node that such a pod is about to move to.`,
  };
}

async function make(api: Api, wanted: PriorityClass): Promise<PriorityClass> {
  try {
    return await api.create(priorityClasses, wanted);
  } catch (error) {
    const made = isAlreadyExists(error) ? await api.get(priorityClasses, { name: wanted.metadata.name }) : undefined;
    if (made === undefined) throw error;
    return made;
  }
}
