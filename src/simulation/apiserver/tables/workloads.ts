// How the kinds that make pods are shown in tables: StatefulSets and their kin, their revisions, disruption budgets, priorities, services.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { selectorText } from '../../../kubernetes/selector.ts';
import { at, isObject, listAt, objectAt, textAt } from '../json.ts';
import { AGE, column, NAME, text, whole, wide, yes, type Column } from './column.ts';
import { humanDuration } from './duration.ts';

const NONE = '<none>';
const LONGEST_INGRESS = 16;

const containers: Column[] = [wide('Containers', containersBy('name')), wide('Images', containersBy('image'))];
const selector = wide('Selector', (object) => selectorText(objectAt(object, 'spec', 'selector')) || NONE);

function count(name: string, path: string): Column {
  return column(name, whole(path), { type: 'integer' });
}

function readyOf(path: string): Column {
  return column('Ready', (object) => `${Number(textAt(object, 'status', 'readyReplicas'))}/${Number(textAt(object, ...path.split('.')))}`, { description: 'Number of the pod with ready state' });
}

export const STATEFUL_SET_COLUMNS: Column[] = [NAME, readyOf('spec.replicas'), AGE, ...containers];

export const DEPLOYMENT_COLUMNS: Column[] = [NAME, readyOf('spec.replicas'), column('Up-to-date', whole('status.updatedReplicas')), column('Available', whole('status.availableReplicas')), AGE, ...containers, selector];

export const REPLICA_SET_COLUMNS: Column[] = [NAME, count('Desired', 'spec.replicas'), count('Current', 'status.replicas'), count('Ready', 'status.readyReplicas'), AGE, ...containers, selector];

export const DAEMON_SET_COLUMNS: Column[] = [
  NAME,
  count('Desired', 'status.desiredNumberScheduled'),
  count('Current', 'status.currentNumberScheduled'),
  count('Ready', 'status.numberReady'),
  count('Up-to-date', 'status.updatedNumberScheduled'),
  count('Available', 'status.numberAvailable'),
  column('Node Selector', (set) => labelsText(at(set, 'spec', 'template', 'spec', 'nodeSelector'))),
  AGE,
  ...containers,
  selector,
];

export const JOB_COLUMNS: Column[] = [NAME, column('Status', jobStatus), column('Completions', completions), column('Duration', jobDuration), AGE, ...containers, selector];

export const REVISION_COLUMNS: Column[] = [NAME, column('Controller', controllerOf), column('Revision', whole('revision')), AGE];

export const BUDGET_COLUMNS: Column[] = [
  NAME,
  column('Min Available', text('spec.minAvailable', 'N/A')),
  column('Max Unavailable', text('spec.maxUnavailable', 'N/A')),
  column('Allowed Disruptions', whole('status.disruptionsAllowed'), { type: 'integer' }),
  AGE,
];

export const PRIORITY_CLASS_COLUMNS: Column[] = [
  NAME,
  column('Value', whole('value'), { type: 'integer' }),
  column('Global-Default', yes('globalDefault'), { type: 'boolean' }),
  AGE,
  column('PreemptionPolicy', text('preemptionPolicy')),
];

export const SERVICE_COLUMNS: Column[] = [
  NAME,
  column('Type', text('spec.type')),
  column('Cluster-IP', text('spec.clusterIPs.0', NONE)),
  column('External-IP', externalIp),
  column('Port(s)', ports),
  AGE,
  wide('Selector', (service) => labelsText(at(service, 'spec', 'selector'))),
];

function containersBy(field: string): Column['cell'] {
  return (object) =>
    listAt(object, 'spec', 'template', 'spec', 'containers')
      .map((container) => textAt(container, field))
      .join(',');
}

function labelsText(labels: unknown): string {
  if (!isObject(labels)) return NONE;
  return (
    Object.entries(labels)
      .map(([key, value]) => `${key}=${String(value)}`)
      .sort()
      .join(',') || NONE
  );
}

const JOB_STATES: [condition: string, word: string][] = [['Complete', 'Complete'], ['Failed', 'Failed'], ['', 'Terminating'], ['Suspended', 'Suspended'], ['FailureTarget', 'FailureTarget'], ['SuccessCriteriaMet', 'SuccessCriteriaMet']];

function jobStatus(job: KubernetesObject): string {
  const holds = (type: string): boolean => listAt(job, 'status', 'conditions').some((condition) => textAt(condition, 'type') === type && textAt(condition, 'status') === 'True');
  return JOB_STATES.find(([condition]) => (condition === '' ? job.metadata.deletionTimestamp !== undefined : holds(condition)))?.[1] ?? 'Running';
}

function completions(job: KubernetesObject): string {
  const succeeded = Number(textAt(job, 'status', 'succeeded'));
  const wanted = at(job, 'spec', 'completions');
  const parallel = Number(textAt(job, 'spec', 'parallelism'));
  if (wanted !== undefined) return `${succeeded}/${Number(wanted)}`;
  return parallel > 1 ? `${succeeded}/1 of ${parallel}` : `${succeeded}/1`;
}

function jobDuration(job: KubernetesObject, now: number): string {
  const [started, completed] = [textAt(job, 'status', 'startTime'), textAt(job, 'status', 'completionTime')];
  if (started === '') return '';
  return humanDuration((completed === '' ? now : Date.parse(completed)) - Date.parse(started));
}

function controllerOf({ metadata }: KubernetesObject): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return NONE;
  const slash = owner.apiVersion.indexOf('/');
  const group = slash === -1 ? '' : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

function externalIp(service: KubernetesObject): string {
  const external = listAt(service, 'spec', 'externalIPs').map(String);
  switch (textAt(service, 'spec', 'type')) {
    case 'ExternalName':
      return textAt(service, 'spec', 'externalName');
    case 'LoadBalancer':
      return [...ingress(service), ...external].join(',') || '<pending>';
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || NONE;
    default:
      return '<unknown>';
  }
}

function ingress(service: KubernetesObject): string[] {
  const found = listAt(service, 'status', 'loadBalancer', 'ingress').map((one) => textAt(one, 'ip') || textAt(one, 'hostname'));
  const joined = [...new Set(found)].sort().join(',');
  const short = joined.length > LONGEST_INGRESS ? `${joined.slice(0, LONGEST_INGRESS - 3)}...` : joined;
  return short === '' ? [] : [short];
}

function ports(service: KubernetesObject): string {
  const shown = listAt(service, 'spec', 'ports').map((port) => {
    const nodePort = Number(textAt(port, 'nodePort'));
    return `${textAt(port, 'port')}${nodePort > 0 ? `:${nodePort}` : ''}/${textAt(port, 'protocol') || 'TCP'}`;
  });
  return shown.join(',') || NONE;
}
