// The built-in admission of a default API server, as far as a move meets it. Each plugin looks at one write and gives back the object,
// changed or not, or refuses.

import {
  claims,
  namespaces,
  nodes,
  pods,
  storageClasses,
  volumes,
  type KubernetesObject,
  type PersistentVolumeClaim,
  type StorageClass,
} from '../../../kubernetes/objects.ts';
import { compareQuantities } from '../../../kubernetes/quantity.ts';
import { isTerminating } from '../../../kubernetes/reading.ts';
import { at, isObject, listAt, objectAt, textAt, withField, type JsonObject } from '../json.ts';
import { limitRanges, priorityClasses } from '../kinds/built-in.ts';
import { forbidden, namespaceTerminating, notFound } from '../refusals.ts';
import type { Store } from '../store.ts';
import type { Attributes } from './attributes.ts';

type Plugin = (attributes: Attributes, store: Store) => KubernetesObject | undefined;

const PROTECTED_NAMESPACES = new Set(['default', 'kube-system', 'kube-public']);

/** The namespace of what is made must be there and alive; some namespaces cannot be deleted. */
function namespaceLifecycle(attributes: Attributes, store: Store): KubernetesObject | undefined {
  const { operation, kind, name, namespace, object } = attributes;
  if (kind.resource.plural === namespaces.plural && kind.resource.group === '') {
    if (operation === 'DELETE' && PROTECTED_NAMESPACES.has(name)) throw forbidden(kind.resource, name, 'this namespace may not be deleted');
    return object;
  }
  if (!kind.resource.namespaced || operation !== 'CREATE') return object;
  const place = store.get(namespaces, namespace);
  if (place === undefined) throw notFound(namespaces, namespace);
  if (isTerminating(place)) throw namespaceTerminating(kind.resource, name, namespace);
  return object;
}

const TOPOLOGY_LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** A pod takes the zone and region of its node as labels, when it is bound or made on one (since 1.35). */
function topologyLabels({ operation, subresource, kind, object }: Attributes, store: Store): KubernetesObject | undefined {
  if (operation !== 'CREATE' || !isOf(kind, pods) || !['', 'binding'].includes(subresource) || object === undefined) return object;
  const node = store.get(nodes, subresource === '' ? textAt(object, 'spec', 'nodeName') : textAt(object, 'target', 'name'));
  const copied = TOPOLOGY_LABELS.flatMap((key) => (node?.metadata.labels?.[key] === undefined ? [] : [[key, node.metadata.labels[key]]]));
  return copied.length === 0 ? object : withField(object, ['metadata', 'labels'], { ...labelsOf(object), ...Object.fromEntries(copied) });
}

const SYSTEM_PRIORITIES: Record<string, number> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 };

/** The pod's class as a number. */
function priority({ operation, subresource, kind, object, name }: Attributes, store: Store): KubernetesObject | undefined {
  if (operation !== 'CREATE' || !isOf(kind, pods) || subresource !== '' || object === undefined) return object;
  const className = textAt(object, 'spec', 'priorityClassName');
  const found = classNamed(className, store);
  if (className !== '' && found === undefined) throw forbidden(pods, name, `no PriorityClass with name ${className} was found`);
  const preemptionPolicy = textAt(found, 'preemptionPolicy') || 'PreemptLowerPriority';
  const spec: JsonObject = { ...objectAt(object, 'spec'), priority: Number(at(found, 'value') ?? 0), preemptionPolicy };
  if (found !== undefined) spec.priorityClassName = textAt(found, 'metadata', 'name');
  return { ...object, spec };
}

/** Without a name the cluster's default, if there is one. */
function classNamed(name: string, store: Store): object | undefined {
  if (name === '') return store.list(priorityClasses).find((one) => one.globalDefault === true);
  const value = SYSTEM_PRIORITIES[name];
  return value === undefined ? store.get(priorityClasses, name) : { metadata: { name }, value };
}

const TOLERATION_SECONDS = 300;

/** A pod stays five minutes on a node that is not ready or not reachable. */
function defaultTolerations({ operation, subresource, kind, object }: Attributes): KubernetesObject | undefined {
  if (operation !== 'CREATE' || !isOf(kind, pods) || subresource !== '' || object === undefined) return object;
  const tolerations = listAt(object, 'spec', 'tolerations');
  const added = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
    .filter((key) => !tolerations.some((one) => [key, ''].includes(textAt(one, 'key')) && ['NoExecute', ''].includes(textAt(one, 'effect'))))
    .map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS }));
  return added.length === 0 ? object : withField(object, ['spec', 'tolerations'], [...tolerations, ...added]);
}

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

/** A claim that names no class (not even "") gets today's default one; of several the newest. */
function defaultStorageClass({ operation, kind, object }: Attributes, store: Store): KubernetesObject | undefined {
  if (operation !== 'CREATE' || !isOf(kind, claims) || object === undefined || at(object, 'spec', 'storageClassName') !== undefined) return object;
  const defaults = store.list(storageClasses).filter((one) => one.metadata.annotations?.[DEFAULT_CLASS] === 'true');
  const newest = defaults.sort((a, b) => -1 * textAt(a, 'metadata', 'creationTimestamp').localeCompare(textAt(b, 'metadata', 'creationTimestamp')))[0];
  return newest === undefined ? object : withField(object, ['spec', 'storageClassName'], newest.metadata.name);
}

/** Claims and volumes in use outlive their deletion. */
function inUseProtection({ operation, subresource, kind, object }: Attributes): KubernetesObject | undefined {
  if (operation !== 'CREATE' || subresource !== '' || object === undefined) return object;
  const finalizer = isOf(kind, claims) ? 'kubernetes.io/pvc-protection' : isOf(kind, volumes) ? 'kubernetes.io/pv-protection' : undefined;
  const finalizers = object.metadata.finalizers ?? [];
  return finalizer === undefined || finalizers.includes(finalizer) ? object : withField(object, ['metadata', 'finalizers'], [...finalizers, finalizer]);
}

export const MUTATING_PLUGINS: readonly Plugin[] = [namespaceLifecycle, topologyLabels, priority, defaultTolerations, defaultStorageClass, inUseProtection];

type Check = (attributes: Attributes, store: Store) => void;

/** A bound claim grows only when its class allows it. */
function claimResize({ operation, subresource, kind, object, oldObject, name }: Attributes, store: Store): void {
  if (operation !== 'UPDATE' || subresource !== '' || !isOf(kind, claims)) return;
  const [next, previous] = [object as PersistentVolumeClaim, oldObject as PersistentVolumeClaim];
  const size = (claim: PersistentVolumeClaim): string => textAt(claim, 'spec', 'resources', 'requests', 'storage') || '0';
  if (compareQuantities(size(next), size(previous)) <= 0) return;
  if (textAt(previous, 'status', 'phase') !== 'Bound') throw forbidden(claims, name, 'Only bound persistent volume claims can be expanded');
  const storageClass = store.get(storageClasses, textAt(next, 'spec', 'storageClassName')) as StorageClass | undefined;
  if (storageClass?.allowVolumeExpansion !== true) {
    throw forbidden(claims, name, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
  }
}

/** LimitRanges of claims: a request between the bounds. */
function claimLimits({ operation, subresource, kind, object, namespace, name }: Attributes, store: Store): void {
  if (operation === 'DELETE' || subresource !== '' || !isOf(kind, claims)) return;
  const request = textAt(object, 'spec', 'resources', 'requests', 'storage');
  if (request === '') return;
  const limits = store.list(limitRanges, namespace).flatMap((range) => listAt(range, 'spec', 'limits').filter((limit) => textAt(limit, 'type') === 'PersistentVolumeClaim'));
  for (const limit of limits) {
    const [least, most] = [textAt(limit, 'min', 'storage'), textAt(limit, 'max', 'storage')];
    if (least !== '' && compareQuantities(request, least) < 0) throw forbidden(claims, name, `minimum storage usage per PersistentVolumeClaim is ${least}, but request is ${request}`);
    if (most !== '' && compareQuantities(request, most) > 0) throw forbidden(claims, name, `maximum storage usage per PersistentVolumeClaim is ${most}, but request is ${request}`);
  }
}

export const CHECKS: readonly Check[] = [claimLimits, claimResize];

function isOf(kind: Attributes['kind'], resource: { group: string; plural: string }): boolean {
  return kind.resource.group === resource.group && kind.resource.plural === resource.plural;
}

/** Metadata of what is not an object of the API (Eviction, Binding, Scale) may be missing. */
export function labelsOf(object: unknown): Record<string, string> | undefined {
  const labels = at(object, 'metadata', 'labels');
  return isObject(labels) ? (labels as Record<string, string>) : undefined;
}
