// The kinds that the server knows from the start.

import {
  csiNodes,
  disruptionBudgets,
  events,
  leases,
  mutatingWebhooks,
  namespaces,
  nodes,
  resourceQuotas,
  secrets,
  storageClasses,
  validatingWebhooks,
  volumeAttachments,
  type KubernetesObject,
  type PodDisruptionBudget,
  type Resource,
  type StorageClass,
} from '../../../kubernetes/objects.ts';
import { forbids, IMMUTABLE, required, unsupported, wrong, type FieldError } from '../field-errors.ts';
import { equal, isObject, listAt, objectAt, textAt, withField, type JsonObject } from '../json.ts';
import { claimKind } from './claims.ts';
import { kind, plainKind, type Kind } from './kind.ts';
import { podKind } from './pods.ts';
import { statefulSetKind } from './stateful-sets.ts';
import { volumeKind } from './volumes.ts';

function other(apiVersion: string, name: string, plural: string, namespaced = true): Resource {
  const slash = apiVersion.indexOf('/');
  return { group: slash === -1 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), plural, kind: name, namespaced };
}

export const configMaps = other('v1', 'ConfigMap', 'configmaps');
export const services = other('v1', 'Service', 'services');
export const serviceAccounts = other('v1', 'ServiceAccount', 'serviceaccounts');
export const limitRanges = other('v1', 'LimitRange', 'limitranges');
export const controllerRevisions = other('apps/v1', 'ControllerRevision', 'controllerrevisions');
export const deployments = other('apps/v1', 'Deployment', 'deployments');
export const replicaSets = other('apps/v1', 'ReplicaSet', 'replicasets');
export const daemonSets = other('apps/v1', 'DaemonSet', 'daemonsets');
export const jobs = other('batch/v1', 'Job', 'jobs');
export const csiDrivers = other('storage.k8s.io/v1', 'CSIDriver', 'csidrivers', false);
export const storageCapacities = other('storage.k8s.io/v1', 'CSIStorageCapacity', 'csistoragecapacities');
export const attributesClasses = other('storage.k8s.io/v1', 'VolumeAttributesClass', 'volumeattributesclasses', false);
export const priorityClasses = other('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', false);
export const newEvents = other('events.k8s.io/v1', 'Event', 'events');
export const customResourceDefinitions = other('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false);

const namespaceKind = kind({
  resource: namespaces,
  singular: 'namespace',
  shortNames: ['ns'],
  generation: false,
  returnsDeleted: true,
  name: 'label',
  defaults: (namespace) => withField(namespace, ['metadata', 'labels', 'kubernetes.io/metadata.name'], namespace.metadata.name),
  prepareCreate: (namespace) => ({ ...namespace, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }),
  // Only `/finalize` writes the spec's finalizers.
  prepareUpdate: (next, previous) => ({ ...next, spec: previous.spec }),
  fields: { 'status.phase': (namespace) => textAt(namespace, 'status', 'phase') },
});

const nodeKind = kind({
  resource: nodes,
  singular: 'node',
  shortNames: ['no'],
  generation: false,
  defaults: (node) => ({ ...node, spec: objectAt(node, 'spec') }),
  // The one kind whose creator may bring its status.
  prepareCreate: (node) => node,
  validateUpdate: (next, previous) => {
    const before = textAt(previous, 'spec', 'providerID');
    return before !== '' && textAt(next, 'spec', 'providerID') !== before ? [forbids('spec.providerID', 'node updates may not change providerID except from "" to valid')] : [];
  },
  fields: { 'spec.unschedulable': (node) => textAt(node, 'spec', 'unschedulable') || 'false' },
});

const quotaKind = kind({
  resource: resourceQuotas,
  singular: 'resourcequota',
  shortNames: ['quota'],
  generation: false,
  returnsDeleted: true,
  prepareCreate: (quota) => ({ ...quota, status: {} }),
});

const budgetKind = kind({
  resource: disruptionBudgets,
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  unconditionalUpdate: false,
  prepareCreate: (budget) => ({ ...budget, status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 } }),
  validate: ({ spec }) => validateBudget(spec as PodDisruptionBudget['spec']),
});

function validateBudget(spec: PodDisruptionBudget['spec']): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) errors.push(wrong('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  for (const name of ['minAvailable', 'maxUnavailable'] as const) errors.push(...validateCount(spec[name], `spec.${name}`));
  const policy = spec.unhealthyPodEvictionPolicy;
  if (policy !== undefined && policy !== 'IfHealthyBudget' && policy !== 'AlwaysAllow') errors.push(unsupported('spec.unhealthyPodEvictionPolicy', policy, ['AlwaysAllow', 'IfHealthyBudget']));
  return errors;
}

function validateCount(value: number | string | undefined, field: string): FieldError[] {
  if (typeof value === 'number' && value < 0) return [wrong(field, value, 'must be greater than or equal to 0')];
  return typeof value === 'string' && !/^\d+%$/.test(value) ? [wrong(field, value, "must be an integer or percentage (e.g '5%%')")] : [];
}

const attachmentKind = kind({
  resource: volumeAttachments,
  singular: 'volumeattachment',
  generation: false,
  unconditionalUpdate: false,
  returnsDeleted: true,
  prepareCreate: (attachment) => ({ ...attachment, status: { attached: false } }),
  validate: ({ spec }) => ['attacher', 'nodeName'].flatMap((name) => (textAt(spec, name) === '' ? [required(`spec.${name}`)] : [])),
  validateUpdate: (next, previous) => (equal(next.spec, previous.spec) ? [] : [wrong('spec', next.spec, IMMUTABLE)]),
});

const storageClassKind = plainKind({
  resource: storageClasses,
  singular: 'storageclass',
  shortNames: ['sc'],
  returnsDeleted: true,
  defaults: (storageClass) => ({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate', ...storageClass }),
  validate: (storageClass) => (textAt(storageClass, 'provisioner') === '' ? [required('provisioner')] : []),
  validateUpdate: (next, previous) => {
    const [now, before] = [next as StorageClass, previous as StorageClass];
    const fixed = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;
    return fixed.flatMap((name) => (equal(now[name], before[name]) ? [] : [name === 'volumeBindingMode' ? wrong(name, now[name], IMMUTABLE) : forbids(name, 'updates to ' + name + ' are forbidden.')]));
  },
});

const eventFields = (object: string): NonNullable<Kind['fields']> => ({
  ...Object.fromEntries(
    ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((field) => [`involvedObject.${field}`, (event: KubernetesObject) => textAt(event, object, field)]),
  ),
  reason: (event) => textAt(event, 'reason'),
  reportingComponent: (event) => textAt(event, 'reportingController') || textAt(event, 'reportingComponent'),
  type: (event) => textAt(event, 'type'),
});

const eventKind = plainKind({
  resource: events,
  singular: 'event',
  shortNames: ['ev'],
  createOnUpdate: true,
  fields: eventFields('involvedObject'),
  validate: (event) => {
    const involved = textAt(event, 'involvedObject', 'namespace');
    const place = involved === '' ? 'default' : involved;
    return place === event.metadata.namespace ? [] : [wrong('involvedObject.namespace', involved, 'does not match event.namespace')];
  },
});

const secretKind = plainKind({
  resource: secrets,
  singular: 'secret',
  defaults: (secret) => {
    const { stringData, ...rest } = secret;
    const added = isObject(stringData) ? Object.fromEntries(Object.entries(stringData).map(([name, text]) => [name, Buffer.from(String(text)).toString('base64')])) : {};
    return { type: 'Opaque', ...rest, ...(stringData === undefined ? {} : { data: { ...objectAt(rest, 'data'), ...added } }) };
  },
  fields: { type: (secret) => textAt(secret, 'type') },
  validateUpdate: (next, previous) => {
    if (textAt(next, 'type') !== textAt(previous, 'type')) return [wrong('type', next.type, IMMUTABLE)];
    const fixed = previous.immutable === true && !(next.immutable === true && equal(next.data, previous.data));
    return fixed ? [forbids('data', 'field is immutable when `immutable` is set')] : [];
  },
});

/** What an entry of a webhook configuration says when it says nothing. */
function webhookDefaults(type: 'mutating' | 'validating'): NonNullable<Kind['defaults']> {
  const own = type === 'mutating' ? { reinvocationPolicy: 'Never' } : {};
  return (configuration) => {
    if (!Array.isArray(configuration.webhooks)) return configuration;
    const webhooks = configuration.webhooks.map((webhook: unknown) => {
      const given = objectAt({ webhook }, 'webhook');
      const rules = given.rules === undefined ? {} : { rules: listAt(given, 'rules').map((rule) => withField(rule, ['scope'], textAt(rule, 'scope') || '*')) };
      return { failurePolicy: 'Fail', matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, timeoutSeconds: 10, ...own, ...given, clientConfig: clientConfigDefaults(given), ...rules };
    });
    return { ...configuration, webhooks };
  };
}

function clientConfigDefaults(webhook: JsonObject): JsonObject {
  const config = objectAt(webhook, 'clientConfig');
  return config.service === undefined ? config : { ...config, service: { port: 443, ...objectAt(config, 'service') } };
}

function webhookKind(resource: Resource, type: 'mutating' | 'validating'): Kind {
  return kind({
    resource,
    singular: resource.kind.toLowerCase(),
    categories: ['api-extensions'],
    status: false,
    unconditionalUpdate: false,
    defaults: webhookDefaults(type),
    validate: (configuration) => listAt(configuration, 'webhooks').flatMap((webhook, index) => validateWebhook(webhook, `webhooks[${index}]`)),
  });
}

function validateWebhook(webhook: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (textAt(webhook, 'name').split('.').length < 3) errors.push(wrong(`${field}.name`, textAt(webhook, 'name'), 'should be a domain with at least three segments separated by dots'));
  const sideEffects = textAt(webhook, 'sideEffects');
  if (sideEffects === '') errors.push(required(`${field}.sideEffects`, 'must specify one of None, NoneOnDryRun'));
  else if (!['None', 'NoneOnDryRun'].includes(sideEffects)) errors.push(unsupported(`${field}.sideEffects`, sideEffects, ['None', 'NoneOnDryRun']));
  if (listAt(webhook, 'admissionReviewVersions').length === 0) errors.push(required(`${field}.admissionReviewVersions`, 'must specify one of v1, v1beta1'));
  const seconds = Number(objectAt({ webhook }, 'webhook').timeoutSeconds);
  if (seconds < 1 || seconds > 30) errors.push(wrong(`${field}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds'));
  const config = objectAt(webhook, 'clientConfig');
  if ((config.url === undefined) === (config.service === undefined)) errors.push(required(`${field}.clientConfig`, 'exactly one of url or service is required'));
  return errors;
}

const CSI_DRIVER_DEFAULTS = {
  attachRequired: true,
  podInfoOnMount: false,
  storageCapacity: false,
  fsGroupPolicy: 'ReadWriteOnceWithFSType',
  volumeLifecycleModes: ['Persistent'],
  requiresRepublish: false,
  seLinuxMount: false,
};

/** Nobody here gives out addresses: a service has one only when it brings it. */
function serviceDefaults(service: KubernetesObject): KubernetesObject {
  const spec = objectAt(service, 'spec');
  const address = textAt(spec, 'clusterIP');
  const ports = Array.isArray(spec.ports) ? { ports: spec.ports.map((port: unknown) => ({ protocol: 'TCP', targetPort: objectAt({ port }, 'port').port, ...objectAt({ port }, 'port') })) } : {};
  return { ...service, spec: { type: 'ClusterIP', sessionAffinity: 'None', ...spec, ...(address === '' ? {} : { clusterIPs: [address] }), ...ports } };
}

export const BUILT_IN: Kind[] = [
  podKind,
  claimKind,
  volumeKind,
  statefulSetKind,
  namespaceKind,
  nodeKind,
  quotaKind,
  budgetKind,
  attachmentKind,
  storageClassKind,
  eventKind,
  secretKind,
  webhookKind(validatingWebhooks, 'validating'),
  webhookKind(mutatingWebhooks, 'mutating'),
  plainKind({ resource: csiNodes, singular: 'csinode', unconditionalUpdate: false, returnsDeleted: true }),
  plainKind({ resource: leases, singular: 'lease', unconditionalUpdate: false, createOnUpdate: true, name: 'subdomain' }),
  plainKind({ resource: configMaps, singular: 'configmap', shortNames: ['cm'] }),
  plainKind({ resource: serviceAccounts, singular: 'serviceaccount', shortNames: ['sa'], returnsDeleted: true }),
  plainKind({ resource: limitRanges, singular: 'limitrange', shortNames: ['limits'] }),
  plainKind({ resource: controllerRevisions, singular: 'controllerrevision' }),
  plainKind({
    resource: csiDrivers,
    singular: 'csidriver',
    returnsDeleted: true,
    defaults: (driver) => ({ ...driver, spec: { ...CSI_DRIVER_DEFAULTS, ...objectAt(driver, 'spec') } }),
  }),
  plainKind({ resource: storageCapacities, singular: 'csistoragecapacity' }),
  plainKind({ resource: attributesClasses, singular: 'volumeattributesclass', shortNames: ['vac'], returnsDeleted: true }),
  plainKind({ resource: priorityClasses, singular: 'priorityclass', shortNames: ['pc'] }),
  plainKind({ resource: newEvents, singular: 'event', shortNames: ['ev'], createOnUpdate: true }),
  kind({ resource: services, categories: ['all'], singular: 'service', shortNames: ['svc'], defaults: serviceDefaults, generation: false, returnsDeleted: true }),
  kind({ resource: deployments, categories: ['all'], singular: 'deployment', shortNames: ['deploy'] }),
  kind({ resource: replicaSets, categories: ['all'], singular: 'replicaset', shortNames: ['rs'] }),
  kind({ resource: daemonSets, categories: ['all'], singular: 'daemonset', shortNames: ['ds'] }),
  kind({ resource: jobs, categories: ['all'], singular: 'job' }),
];
