// The disruption controller: how many pods each PodDisruptionBudget can spare now.

import { disruptionBudgets, pods, statefulSets, type Pod, type PodDisruptionBudget } from '../../kubernetes/objects.ts';
import { isTerminating, isTrue } from '../../kubernetes/reading.ts';
import { matchesSelector } from '../../kubernetes/selector.ts';
import { keyOf, namespacedRefOf } from './informer.ts';
import { unless } from './refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';
import { controllerOf, replicasOf } from './stateful-set/identity.ts';

/** An eviction that was allowed and after which the pod is still there is forgotten after this. */
const DISRUPTION_TIMEOUT_MS = 2 * 60_000;

interface Expectation {
  expected: number;
  desiredHealthy: number;
}

export class DisruptionController extends Controller {
  readonly #budgets = this.informer(disruptionBudgets);
  readonly #pods = this.informer(pods);
  readonly #sets = this.informer(statefulSets);
  readonly #queue = this.worker({ reconcile: (key) => this.#sync(key) });

  constructor(setting: Setting) {
    super(setting, kubeSystemAccount('disruption-controller'));
    this.#budgets.onChange(({ object }) => this.#queue.add(keyOf(object)));
    this.#pods.onChange(({ object }) => this.#wakeFor(object.metadata.namespace));
    this.#sets.onChange(({ object }) => this.#wakeFor(object.metadata.namespace));
  }

  #wakeFor(namespace: string | undefined): void {
    for (const budget of this.#budgets.list(namespace)) this.#queue.add(keyOf(budget));
  }

  async #sync(key: string): Promise<number | void> {
    const budget = this.#budgets.get(namespacedRefOf(key));
    if (budget === undefined || isTerminating(budget)) return;
    const covered = this.#pods.list(budget.metadata.namespace).filter((pod) => matchesSelector(budget.spec.selector, pod.metadata.labels));
    const disruptedPods = this.#stillDisrupted(budget, covered);
    const { expected, desiredHealthy } = this.#expectation(budget, covered);
    const currentHealthy = covered.filter((pod) => !isTerminating(pod) && disruptedPods[pod.metadata.name] === undefined && isTrue(pod, 'Ready')).length;
    const disruptionsAllowed = expected === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
    await this.#write(budget, { currentHealthy, desiredHealthy, expectedPods: expected, disruptionsAllowed, disruptedPods });
    return Object.keys(disruptedPods).length > 0 ? DISRUPTION_TIMEOUT_MS : undefined;
  }

  /** Evictions that the API server granted whose pods are still there, unharmed. */
  #stillDisrupted(budget: PodDisruptionBudget, covered: readonly Pod[]): Record<string, string> {
    const { disruptedPods = {} } = (budget.status ?? {}) as { disruptedPods?: Record<string, string> };
    const now = this.setting.tasks.now();
    const isOpen = ([name, since]: [string, string]): boolean => {
      const pod = covered.find(({ metadata }) => metadata.name === name);
      return pod !== undefined && !isTerminating(pod) && Date.parse(since) + DISRUPTION_TIMEOUT_MS > now;
    };
    return Object.fromEntries(Object.entries(disruptedPods).filter(isOpen));
  }

  /** A whole minAvailable counts the pods there are; everything else the replicas that their owners want. */
  #expectation({ spec }: PodDisruptionBudget, covered: readonly Pod[]): Expectation {
    if (typeof spec.minAvailable === 'number') return { expected: covered.length, desiredHealthy: spec.minAvailable };
    const expected = this.#wantedReplicas(covered);
    if (spec.minAvailable !== undefined) return { expected, desiredHealthy: share(spec.minAvailable, expected) };
    return { expected, desiredHealthy: Math.max(0, expected - share(spec.maxUnavailable ?? 0, expected)) };
  }

  #wantedReplicas(covered: readonly Pod[]): number {
    const wanted = new Map<string, number>();
    for (const pod of covered) {
      const owner = controllerOf(pod);
      const set = owner === undefined ? undefined : this.#sets.get({ namespace: pod.metadata.namespace, name: owner.name });
      if (set !== undefined && set.metadata.uid === owner?.uid) wanted.set(owner?.uid ?? '', replicasOf(set));
    }
    return [...wanted.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  async #write(budget: PodDisruptionBudget, counts: Record<string, unknown>): Promise<void> {
    const observedGeneration = budget.metadata.generation ?? 0;
    const before = budget.status as Record<string, unknown> | undefined;
    const status = { ...counts, observedGeneration };
    if (before !== undefined && Object.entries(status).every(([field, value]) => JSON.stringify(before[field] ?? emptyLike(value)) === JSON.stringify(value))) return;
    await unless('NotFound', this.client.updateStatus(disruptionBudgets, { ...budget, status: { ...before, ...status } }));
  }
}

/** A number, or a percentage, rounded up. */
function share(value: number | string, whole: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * whole) / 100);
}

/** The API leaves empty maps out. */
function emptyLike(value: unknown): unknown {
  return typeof value === 'object' ? {} : undefined;
}
