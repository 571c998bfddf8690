// Pods: defaults, scheduling gates that only go, the few fields that may change, graceful deletion.

import { pods as resource, type KubernetesObject, type Pod } from '../../../kubernetes/objects.ts';
import { duplicate, forbids, required, unsupported, wrong, type FieldError } from '../field-errors.ts';
import { at, equal, isObject, listAt, objectAt, textAt, withField, type JsonObject } from '../json.ts';
import { validateName, validateQualifiedName, wholeSeconds } from '../metadata.ts';
import { kind } from './kind.ts';

const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

export const podKind = kind({
  resource,
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  returnsDeleted: true,
  defaults: (pod) => ({ ...pod, spec: { enableServiceLinks: true, ...podSpecDefaults(pod.spec) } }),
  prepareCreate: (pod, now) => ({ ...pod, status: initialStatus(pod, now) }),
  // Old kubelets mangle owner references: the status endpoint does not take them.
  prepareStatus: (next, previous) => ({ ...next, metadata: { ...next.metadata, ownerReferences: previous.metadata.ownerReferences } as KubernetesObject['metadata'] }),
  validate: (pod) => validatePodSpec(pod.spec, 'spec'),
  validateCreate: (pod) =>
    textAt(pod, 'spec', 'nodeName') !== '' && listAt(pod, 'spec', 'schedulingGates').length > 0 ? [forbids('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')] : [],
  validateUpdate: (next, previous) => validatePodUpdate(next as Pod, previous as Pod),
  gracePeriod,
  fields: {
    'spec.nodeName': (pod) => textAt(pod, 'spec', 'nodeName'),
    'spec.restartPolicy': (pod) => textAt(pod, 'spec', 'restartPolicy'),
    'spec.schedulerName': (pod) => textAt(pod, 'spec', 'schedulerName'),
    'spec.serviceAccountName': (pod) => textAt(pod, 'spec', 'serviceAccountName'),
    'spec.hostNetwork': (pod) => textAt(pod, 'spec', 'hostNetwork') || 'false',
    'status.phase': (pod) => textAt(pod, 'status', 'phase'),
    'status.podIP': (pod) => textAt(pod, 'status', 'podIP'),
    'status.nominatedNodeName': (pod) => textAt(pod, 'status', 'nominatedNodeName'),
  },
});

/** Of a pod and of a template's pod. */
export function podSpecDefaults(spec: unknown): JsonObject {
  const given = isObject(spec) ? spec : {};
  const lists: JsonObject = {};
  for (const list of ['containers', 'initContainers']) {
    if (Array.isArray(given[list])) lists[list] = given[list].map(containerDefaults);
  }
  if (Array.isArray(given.volumes)) lists.volumes = given.volumes.map(volumeDefaults);
  return { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst', securityContext: {}, schedulerName: 'default-scheduler', ...given, ...lists };
}

const FILE_MODE = 0o644;

function volumeDefaults(volume: unknown): unknown {
  const source = ['configMap', 'secret', 'downwardAPI', 'projected'].find((one) => isObject(at(volume, one)));
  return source === undefined ? volume : withField(volume, [source], { defaultMode: FILE_MODE, ...objectAt(volume, source) });
}

function containerDefaults(container: unknown): JsonObject {
  const given = isObject(container) ? container : {};
  const image = textAt(given, 'image');
  const tag = /:([^/:@]+)$/.exec(image)?.[1];
  const imagePullPolicy = image.includes('@') || (tag !== undefined && tag !== 'latest') ? 'IfNotPresent' : 'Always';
  const ports = Array.isArray(given.ports) ? { ports: given.ports.map((port) => ({ protocol: 'TCP', ...(port as JsonObject) })) } : {};
  return { resources: {}, terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', imagePullPolicy, ...given, ...ports };
}

function initialStatus(pod: KubernetesObject, now: number): JsonObject {
  const status: JsonObject = { phase: 'Pending', qosClass: qosClass(pod) };
  if (listAt(pod, 'spec', 'schedulingGates').length === 0) return status;
  const message = 'Scheduling is blocked due to non-empty scheduling gates';
  return { ...status, conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message, lastProbeTime: null, lastTransitionTime: wholeSeconds(now) }] };
}

function qosClass(pod: KubernetesObject): string {
  const containers = listAt(pod, 'spec', 'containers');
  const asks = containers.map((container) => [objectAt(container, 'resources', 'requests'), objectAt(container, 'resources', 'limits')] as const);
  if (asks.every(([requests, limits]) => Object.keys({ ...requests, ...limits }).length === 0)) return 'BestEffort';
  const guaranteed = asks.every(([requests, limits]) => ['cpu', 'memory'].every((name) => limits[name] !== undefined && equal(requests[name] ?? limits[name], limits[name])));
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function gracePeriod(object: KubernetesObject, asked: number | undefined): number {
  const pod = object as Pod;
  const phase = pod.status?.phase;
  if ((pod.spec.nodeName ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
  const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

export function validatePodSpec(spec: unknown, field: string): FieldError[] {
  const containers = listAt(spec, 'containers');
  const volumes = listAt(spec, 'volumes').map((volume) => textAt(volume, 'name'));
  const errors: FieldError[] = containers.length === 0 ? [required(`${field}.containers`)] : [];
  errors.push(...duplicates(volumes, (index) => `${field}.volumes[${index}].name`));
  errors.push(...volumes.flatMap((name, index) => validateName(name, 'label', `${field}.volumes[${index}].name`)));
  errors.push(...containers.flatMap((container, index) => validateContainer(container, `${field}.containers[${index}]`, volumes)));
  errors.push(...duplicates(containers.map((container) => textAt(container, 'name')), (index) => `${field}.containers[${index}].name`));
  const policy = textAt(spec, 'restartPolicy');
  if (!['Always', 'OnFailure', 'Never'].includes(policy)) errors.push(unsupported(`${field}.restartPolicy`, policy, ['Always', 'Never', 'OnFailure']));
  errors.push(...validateGates(spec, field));
  return errors;
}

function validateContainer(container: unknown, field: string, volumes: string[]): FieldError[] {
  const errors: FieldError[] = [];
  const name = textAt(container, 'name');
  if (name === '') errors.push(required(`${field}.name`));
  else errors.push(...validateName(name, 'label', `${field}.name`));
  if (textAt(container, 'image') === '') errors.push(required(`${field}.image`));
  for (const [index, mount] of listAt(container, 'volumeMounts').entries()) {
    const volume = textAt(mount, 'name');
    if (!volumes.includes(volume)) errors.push({ type: 'Invalid', field: `${field}.volumeMounts[${index}].name`, value: volume, detail: `Not found: ${JSON.stringify(volume)}` });
  }
  return errors;
}

function validateGates(spec: unknown, field: string): FieldError[] {
  const gates = listAt(spec, 'schedulingGates').map((gate) => textAt(gate, 'name'));
  const errors = gates.flatMap((gate, index) => validateQualifiedName(gate, `${field}.schedulingGates[${index}]`));
  return [...errors, ...duplicates(gates, (index) => `${field}.schedulingGates[${index}]`)];
}

function duplicates(names: string[], field: (index: number) => string): FieldError[] {
  return names.flatMap((name, index) => (names.indexOf(name) < index ? [duplicate(field(index), name)] : []));
}

function validatePodUpdate(next: Pod, previous: Pod): FieldError[] {
  const [spec, old] = [next.spec as JsonObject, previous.spec as JsonObject];
  const count = listAt(spec, 'containers').length;
  if (count !== listAt(old, 'containers').length) return [forbids('spec.containers', 'pod updates may not add or remove containers')];
  const errors = [...gateErrors(spec, old), ...tolerationErrors(spec, old)];
  if (equal(spec, old)) return errors;
  let munged: JsonObject = spec;
  for (const list of ['containers', 'initContainers']) munged = withField(munged, [list], withImagesOf(spec, old, list));
  // Gates and tolerations were judged above; a deadline may be set or brought forward.
  for (const name of ['schedulingGates', 'tolerations', 'activeDeadlineSeconds']) munged = withField(munged, [name], old[name]);
  if (listAt(old, 'schedulingGates').length > 0) {
    errors.push(...selectorErrors(spec, old), ...affinityErrors(spec, old));
    munged = withField(munged, ['nodeSelector'], old.nodeSelector);
    munged = withOldNodeAffinity(munged, old);
  }
  if (!equal(munged, old)) errors.push(forbids('spec', `pod updates may not change fields other than ${UPDATABLE}\n`));
  return errors;
}

function gateErrors(spec: JsonObject, old: JsonObject): FieldError[] {
  const had = new Set(listAt(old, 'schedulingGates').map((gate) => textAt(gate, 'name')));
  return listAt(spec, 'schedulingGates').flatMap((gate, index) => {
    const name = textAt(gate, 'name');
    return had.has(name) ? [] : [forbids(`spec.schedulingGates[${index}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`)];
  });
}

function tolerationErrors(spec: JsonObject, old: JsonObject): FieldError[] {
  const withoutSeconds = (toleration: unknown): unknown => withField(toleration, ['tolerationSeconds'], undefined);
  const now = listAt(spec, 'tolerations').map(withoutSeconds);
  const kept = listAt(old, 'tolerations').every((toleration) => now.some((one) => equal(one, withoutSeconds(toleration))));
  return kept ? [] : [forbids('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function withImagesOf(spec: JsonObject, old: JsonObject, list: string): unknown {
  if (spec[list] === undefined) return undefined;
  const images = listAt(old, list).map((container) => textAt(container, 'image'));
  return listAt(spec, list).map((container, index) => withField(container, ['image'], images[index]));
}

/** A gated pod may only be pinned down further. */
function selectorErrors(spec: JsonObject, old: JsonObject): FieldError[] {
  const now = objectAt(spec, 'nodeSelector');
  const kept = Object.entries(objectAt(old, 'nodeSelector')).every(([key, value]) => now[key] === value);
  return kept ? [] : [wrong('spec.nodeSelector', now, 'only additions to spec.nodeSelector are allowed (no mutations or deletions)')];
}

const TERMS = ['affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution', 'nodeSelectorTerms'] as const;

function affinityErrors(spec: JsonObject, old: JsonObject): FieldError[] {
  const [before, after] = [listAt(old, ...TERMS), listAt(spec, ...TERMS)];
  const field = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  if (before.length === 0) return [];
  if (before.length !== after.length) return [wrong(field, after, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')];
  return before.flatMap((term, index) => {
    const kept = ['matchExpressions', 'matchFields'].every((list) => listAt(term, list).every((one, place) => equal(one, listAt(after[index], list)[place])));
    return kept ? [] : [wrong(`${field}[${index}]`, after[index], 'only additions are allowed (no mutations or deletions)')];
  });
}

function withOldNodeAffinity(spec: JsonObject, old: JsonObject): JsonObject {
  const changed = withField(spec, ['affinity', 'nodeAffinity'], objectAt(old, 'affinity').nodeAffinity);
  const empty = Object.keys(objectAt(changed, 'affinity')).length === 0;
  return empty ? withField(changed, ['affinity'], old.affinity) : changed;
}
