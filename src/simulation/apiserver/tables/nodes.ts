// How a node is shown in a table.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { at, listAt, textAt } from '../json.ts';
import { AGE, column, NAME, text, wide, type Column } from './column.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const ROLE = 'kubernetes.io/role';

export const NODE_COLUMNS: Column[] = [
  NAME,
  column('Status', status),
  column('Roles', roles),
  AGE,
  column('Version', text('status.nodeInfo.kubeletVersion')),
  wide('Internal-IP', address('InternalIP')),
  wide('External-IP', address('ExternalIP')),
  wide('OS-Image', text('status.nodeInfo.osImage', '<unknown>')),
  wide('Kernel-Version', kernel),
  wide('Container-Runtime', text('status.nodeInfo.containerRuntimeVersion', '<unknown>')),
];

function status(node: KubernetesObject): string {
  const ready = listAt(node, 'status', 'conditions').findLast((condition) => textAt(condition, 'type') === 'Ready');
  const word = ready === undefined ? 'Unknown' : textAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady';
  return at(node, 'spec', 'unschedulable') === true ? `${word},SchedulingDisabled` : word;
}

function roles({ metadata: { labels = {} } }: KubernetesObject): string {
  const found = Object.entries(labels).flatMap(([key, value]) => (key.startsWith(ROLE_PREFIX) ? [key.slice(ROLE_PREFIX.length)] : key === ROLE ? [value] : []));
  return [...new Set(found.filter((role) => role !== ''))].sort().join(',') || '<none>';
}

function address(type: string): Column['cell'] {
  return (node) => textAt(listAt(node, 'status', 'addresses').find((one) => textAt(one, 'type') === type), 'address') || '<none>';
}

function kernel(node: KubernetesObject): string {
  const architecture = textAt(node, 'status', 'nodeInfo', 'architecture');
  return `${textAt(node, 'status', 'nodeInfo', 'kernelVersion') || '<unknown>'}${architecture === '' ? '' : ` (${architecture})`}`;
}
