// The resource quota controller: counts what a namespace uses. Admission adds to the count at once; what is given back shows only when
// this controller has counted again, which is why a claim that was just deleted may still be in the way of its successor.

import { claims, pods, resourceQuotas, type KubernetesObject, type PersistentVolumeClaim, type Pod, type ResourceQuota } from '../../kubernetes/objects.ts';
import { milliUnits, wholeUnits } from '../../kubernetes/quantity.ts';
import { storageRequest } from '../../kubernetes/reading.ts';
import { keyOf, namespacedRefOf } from './informer.ts';
import { unless } from './refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';

/** The controller counts everything anew this often. */
const RESYNC_MS = 5 * 60_000;
const CLASS_QUOTA = /^(?<name>[^/]+)\.storageclass\.storage\.k8s\.io\/(?<what>requests\.storage|persistentvolumeclaims)$/;

export interface QuotaOptions {
  /** Until what was given back is counted. Default 0. */
  freeingMs?: number;
}

export class QuotaController extends Controller {
  readonly #quotas = this.informer(resourceQuotas);
  readonly #claims = this.informer(claims);
  readonly #pods = this.informer(pods);
  readonly #freeingMs: number;
  readonly #queue = this.worker({ reconcile: (key) => this.#sync(key) });

  constructor(setting: Setting, { freeingMs = 0 }: QuotaOptions = {}) {
    super(setting, kubeSystemAccount('resourcequota-controller'));
    this.#freeingMs = freeingMs;
    this.#quotas.onChange(({ type, object, previous }) => {
      // A change of the status alone is what admission and this controller write.
      if (type === 'ADDED' || JSON.stringify(previous?.spec) !== JSON.stringify(object.spec)) this.#queue.add(keyOf(object));
    });
    for (const informer of [this.#claims, this.#pods]) {
      informer.onChange(({ type, object }) => {
        if (type === 'DELETED' || hasEnded(object)) this.#replenish(object.metadata.namespace);
      });
    }
  }

  #replenish(namespace: string | undefined): void {
    for (const quota of this.#quotas.list(namespace)) this.#queue.addAfter(keyOf(quota), this.#freeingMs);
  }

  async #sync(key: string): Promise<number | void> {
    const quota = this.#quotas.get(namespacedRefOf(key));
    if (quota === undefined) return;
    const hard = quota.spec.hard ?? {};
    const own = { claims: this.#claims.list(quota.metadata.namespace), pods: this.#pods.list(quota.metadata.namespace).filter((pod) => !hasEnded(pod)) };
    const used = Object.fromEntries(Object.keys(hard).map((resource) => [resource, usage(resource, own)]));
    if (!sameAmounts(quota.status?.used, used) || !sameAmounts(quota.status?.hard, hard)) await this.#write(quota, { hard, used });
    return RESYNC_MS;
  }

  async #write(quota: ResourceQuota, status: { hard: Record<string, string>; used: Record<string, string> }): Promise<void> {
    await unless('NotFound', this.client.updateStatus(resourceQuotas, { ...quota, status }));
  }
}

interface Own {
  claims: readonly PersistentVolumeClaim[];
  pods: readonly Pod[];
}

function usage(resource: string, own: Own): string {
  const { name, what } = CLASS_QUOTA.exec(resource)?.groups ?? {};
  const counted = name === undefined ? own.claims : own.claims.filter(({ spec }) => spec.storageClassName === name);
  return USAGES[what ?? resource.replace(/^count\//, '')]?.({ ...own, claims: counted }) ?? '0';
}

const USAGES: Record<string, (own: Own) => string> = {
  persistentvolumeclaims: (own) => String(own.claims.length),
  'requests.storage': (own) => inGiBIfWhole(own.claims.reduce((sum, claim) => sum + wholeUnits(storageRequest(claim)), 0n)),
  pods: (own) => String(own.pods.length),
  cpu: (own) => `${sumOf(own.pods, 'requests', 'cpu')}m`,
  'requests.cpu': (own) => `${sumOf(own.pods, 'requests', 'cpu')}m`,
  'limits.cpu': (own) => `${sumOf(own.pods, 'limits', 'cpu')}m`,
  memory: (own) => String(sumOf(own.pods, 'requests', 'memory')),
  'requests.memory': (own) => String(sumOf(own.pods, 'requests', 'memory')),
  'limits.memory': (own) => String(sumOf(own.pods, 'limits', 'memory')),
};

function sumOf(all: readonly Pod[], kind: 'requests' | 'limits', resource: 'cpu' | 'memory'): bigint {
  let sum = 0n;
  for (const container of all.flatMap(({ spec }) => spec.containers ?? [])) {
    const amount = (container.resources as Record<string, Record<string, string> | undefined> | undefined)?.[kind]?.[resource];
    if (amount !== undefined) sum += resource === 'cpu' ? milliUnits(amount) : wholeUnits(amount);
  }
  return sum;
}

const GIB = 1_073_741_824n;

function inGiBIfWhole(bytes: bigint): string {
  return bytes > 0n && bytes % GIB === 0n ? `${bytes / GIB}Gi` : String(bytes);
}

function sameAmounts(left: Record<string, string> | undefined, right: Record<string, string>): boolean {
  const keys = Object.keys(right);
  return Object.keys(left ?? {}).length === keys.length && keys.every((key) => left?.[key] !== undefined && milliUnits(left[key]) === milliUnits(right[key] ?? '0'));
}

function hasEnded(object: KubernetesObject): boolean {
  const phase = (object.status as { phase?: string } | undefined)?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}
