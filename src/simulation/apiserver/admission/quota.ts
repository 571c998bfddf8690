// ResourceQuota: counts of objects, storage of claims, requests and limits of pods. What is admitted is charged at once; the quota
// controller gives back what has gone.

import { resourceQuotas, type KubernetesObject, type ResourceQuota } from '../../../kubernetes/objects.ts';
import { compareQuantities, parseQuantity } from '../../../kubernetes/quantity.ts';
import { listAt, objectAt, textAt } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { forbidden, qualified } from '../refusals.ts';
import type { Store } from '../store.ts';
import type { Attributes } from './attributes.ts';

type Usage = Record<string, string>;

/** Charges every quota that the write concerns, or none. @throws Refusal 403 when one is exceeded. */
export function chargeQuotas(attributes: Attributes, store: Store): void {
  const quotas = isCharged(attributes) ? (store.list(resourceQuotas, attributes.namespace) as ResourceQuota[]) : [];
  if (quotas.length === 0) return;
  const delta = deltaOf(attributes);
  const charged: KubernetesObject[] = [];
  for (const quota of quotas) {
    const requested = only(delta, Object.keys(quota.status?.hard ?? {}));
    if (Object.keys(requested).length === 0) continue;
    charged.push({ ...quota, status: { ...quota.status, used: chargedUsage(attributes, quota, requested) } });
  }
  if (attributes.dryRun) return;
  for (const quota of charged) store.put(resourceQuotas, quota);
}

function isCharged({ operation, subresource, kind }: Attributes): boolean {
  return operation !== 'DELETE' && subresource === '' && kind.resource.namespaced;
}

/** What the write adds to what is used: of a change only the growth. */
function deltaOf({ kind, object, oldObject }: Attributes): Usage {
  const asked = object === undefined ? {} : usageOf(kind, object);
  return oldObject === undefined ? asked : grown(asked, usageOf(kind, oldObject));
}

function chargedUsage({ kind, name }: Attributes, quota: ResourceQuota, requested: Usage): Usage {
  const [used, hard] = [quota.status?.used ?? {}, quota.status?.hard ?? {}];
  const unknown = Object.keys(requested).filter((resource) => used[resource] === undefined);
  if (unknown.length > 0) throw forbidden(kind.resource, name, `status unknown for quota: ${quota.metadata.name}, resources: ${unknown.sort().join(',')}`);
  const next = { ...used };
  for (const [resource, quantity] of Object.entries(requested)) next[resource] = sum(used[resource] ?? '0', quantity);
  const exceeded = Object.keys(requested).filter((resource) => compareQuantities(next[resource] ?? '0', hard[resource] ?? '0') > 0);
  if (exceeded.length === 0) return next;
  const shown = (usage: Usage): string => printed(usage, exceeded);
  throw forbidden(kind.resource, name, `exceeded quota: ${quota.metadata.name}, requested: ${shown(requested)}, used: ${shown(used)}, limited: ${shown(hard)}`);
}

/** Everything that quotas count of one object. */
export function usageOf(kind: Kind, object: KubernetesObject): Usage {
  const { resource } = kind;
  const counted: Usage = { [`count/${qualified(resource)}`]: '1' };
  if (resource.group !== '') return counted;
  if (resource.plural === 'persistentvolumeclaims') return { ...counted, ...claimUsage(object) };
  if (resource.plural === 'pods') return isOver(object) ? counted : { ...counted, pods: '1', ...podUsage(object) };
  return { ...counted, [resource.plural]: '1' };
}

function isOver(pod: KubernetesObject): boolean {
  return ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));
}

function claimUsage(claim: KubernetesObject): Usage {
  const storage = textAt(claim, 'spec', 'resources', 'requests', 'storage') || '0';
  const className = textAt(claim, 'spec', 'storageClassName');
  const ofClass = `${className}.storageclass.storage.k8s.io`;
  return { persistentvolumeclaims: '1', 'requests.storage': storage, ...(className === '' ? {} : { [`${ofClass}/persistentvolumeclaims`]: '1', [`${ofClass}/requests.storage`]: storage }) };
}

function podUsage(pod: KubernetesObject): Usage {
  const usage: Usage = {};
  for (const container of listAt(pod, 'spec', 'containers')) {
    for (const side of ['requests', 'limits'] as const) {
      for (const [name, quantity] of Object.entries(objectAt(container, 'resources', side))) {
        for (const key of side === 'requests' ? [name, `requests.${name}`] : [`limits.${name}`]) usage[key] = sum(usage[key] ?? '0', String(quantity));
      }
    }
  }
  return usage;
}

function only(usage: Usage, names: readonly string[]): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([name, quantity]) => names.includes(name) && parseQuantity(quantity) !== 0n));
}

function grown(now: Usage, before: Usage): Usage {
  const more = Object.entries(now).map(([name, quantity]): [string, string] => {
    const difference = parseQuantity(quantity) - parseQuantity(before[name] ?? '0');
    return [name, difference > 0n ? written(difference, quantity) : '0'];
  });
  return Object.fromEntries(more);
}

function printed(usage: Usage, names: string[]): string {
  return names
    .filter((name) => usage[name] !== undefined)
    .sort()
    .map((name) => `${name}=${usage[name] ?? ''}`)
    .join(',');
}

/** Written like the first of them that is not zero. */
export function sum(a: string, b: string): string {
  return written(parseQuantity(a) + parseQuantity(b), parseQuantity(a) === 0n ? b : a);
}

const NANO = 1_000_000_000n;
const BINARY: [string, bigint][] = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'].map((suffix, index) => [suffix, NANO * 2n ** BigInt(60 - 10 * index)]);
const DECIMAL: [string, bigint][] = ['E', 'P', 'T', 'G', 'M', 'k'].map((suffix, index) => [suffix, NANO * 10n ** BigInt(18 - 3 * index)]);

/** The canonical text of so many billionths: the largest suffix of the family that leaves no fraction. */
function written(quantity: bigint, like: string): string {
  if (quantity === 0n) return '0';
  const family = like.endsWith('i') ? BINARY : DECIMAL;
  const [suffix, factor] = [...family, ['', NANO] as [string, bigint], ['m', NANO / 1000n] as [string, bigint]].find(([, unit]) => quantity % unit === 0n) ?? ['n', 1n];
  return `${quantity / factor}${suffix}`;
}
