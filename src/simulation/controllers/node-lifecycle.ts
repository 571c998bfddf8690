// What becomes of nodes that nobody hears of: taints by their Ready condition, pods evicted from them after their toleration has run
// out (pods that tolerate for ever stay), and pods on nodes that do not exist any more collected.

import { nodes, pods, type Node, type Pod } from '../../kubernetes/objects.ts';
import { conditionOf, isScheduled, isTerminating, uidOf } from '../../kubernetes/reading.ts';
import { keyOf, refOf } from './informer.ts';
import { ifThere } from './refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';

const UNREACHABLE = 'node.kubernetes.io/unreachable';
const NOT_READY = 'node.kubernetes.io/not-ready';
/** What the admission plugin DefaultTolerationSeconds gives pods that say nothing about it. */
const DEFAULT_TOLERATION_MS = 300_000;
/** A node that is gone may come back: its pods are collected when it has been gone for so long. */
const QUARANTINE_MS = 40_000;

interface Toleration {
  key?: string;
  operator?: string;
  effect?: string;
  tolerationSeconds?: number;
}

export class NodeLifecycleController extends Controller {
  readonly #nodes = this.informer(nodes);
  readonly #pods = this.informer(pods);
  /** By node: since when it is not heard of. */
  readonly #silentSince = new Map<string, number>();
  readonly #queue = this.worker({ reconcile: (name) => this.#sync(name) });

  constructor(setting: Setting) {
    super(setting, kubeSystemAccount('node-controller'));
    this.#nodes.onChange(({ object }) => this.#queue.add(keyOf(object)));
    this.#pods.onChange(({ type, object }) => {
      if (type !== 'DELETED' && isScheduled(object) && this.#nodes.get({ name: object.spec.nodeName ?? '' }) === undefined) this.#queue.add(object.spec.nodeName ?? '');
    });
  }

  async #sync(name: string): Promise<number | void> {
    const node = this.#nodes.get(refOf(name));
    if (node === undefined) return this.#collect(name);
    const trouble = troubleOf(node);
    await this.#taint(node, trouble);
    if (trouble === undefined) {
      this.#silentSince.delete(name);
      return;
    }
    return this.#evict(name, trouble);
  }

  async #taint(node: Node, trouble: string | undefined): Promise<void> {
    const others = (node.spec.taints ?? []).filter(({ key }) => key !== UNREACHABLE && key !== NOT_READY);
    const own = trouble === undefined ? [] : ['NoSchedule', 'NoExecute'].map((effect) => ({ key: trouble, effect }));
    const wanted = [...others, ...own];
    if (sameTaints(node.spec.taints ?? [], wanted)) return;
    const { metadata } = node;
    await ifThere(this.client.mergePatch(nodes, { name: metadata.name }, { metadata: { resourceVersion: metadata.resourceVersion }, spec: { taints: wanted.length === 0 ? null : wanted } }));
  }

  /** @returns when the next one is due. */
  async #evict(name: string, trouble: string): Promise<number | void> {
    const now = this.setting.tasks.monotonic();
    const since = this.#silentSince.get(name) ?? now;
    this.#silentSince.set(name, since);
    let nextMs = Infinity;
    for (const pod of this.#podsOn(name).filter((one) => !isTerminating(one))) {
      const leftMs = since + toleratedMs(pod, trouble) - now;
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs);
      else await this.#delete(pod, {});
    }
    return nextMs === Infinity ? undefined : nextMs;
  }

  async #collect(name: string): Promise<number | void> {
    const orphans = this.#podsOn(name);
    if (orphans.length === 0) {
      this.#silentSince.delete(name);
      return;
    }
    const now = this.setting.tasks.monotonic();
    const since = this.#silentSince.get(name) ?? now;
    this.#silentSince.set(name, since);
    if (now - since < QUARANTINE_MS) return QUARANTINE_MS - (now - since);
    for (const pod of orphans) await this.#delete(pod, { gracePeriodSeconds: 0 });
    return QUARANTINE_MS;
  }

  #podsOn(name: string): Pod[] {
    return this.#pods.list().filter(({ spec }) => spec.nodeName === name);
  }

  async #delete(pod: Pod, options: { gracePeriodSeconds?: number }): Promise<void> {
    const { namespace = '', name } = pod.metadata;
    await this.client.delete(pods, { namespace, name }, { preconditions: { uid: uidOf(pod) }, ...options });
  }
}

function troubleOf(node: Node): string | undefined {
  const status = conditionOf(node, 'Ready')?.status;
  if (status === 'Unknown') return UNREACHABLE;
  return status === 'False' ? NOT_READY : undefined;
}

/** Infinity when it tolerates the taint for ever. */
function toleratedMs(pod: Pod, key: string): number {
  const fitting = ((pod.spec.tolerations ?? []) as Toleration[]).filter((one) => ((one.key ?? '') === '' || one.key === key) && ((one.effect ?? '') === '' || one.effect === 'NoExecute'));
  if (fitting.length === 0) return DEFAULT_TOLERATION_MS;
  return Math.min(...fitting.map(({ tolerationSeconds }) => (tolerationSeconds === undefined ? Infinity : tolerationSeconds * 1_000)));
}

function sameTaints(left: readonly { key: string; effect: string }[], right: readonly { key: string; effect: string }[]): boolean {
  return left.length === right.length && left.every(({ key, effect }, index) => right[index]?.key === key && right[index].effect === effect);
}
