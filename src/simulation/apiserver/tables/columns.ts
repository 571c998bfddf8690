// The columns of each kind: of built-in kinds those of the real server, of custom kinds those of their definition, and name and birth of
// whatever has no others.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { listAt, objectAt, textAt } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { qualified } from '../refusals.ts';
import { AGE, column, CREATED_AT, NAME, text, type Column } from './column.ts';
import { customColumns } from './custom.ts';
import { EVENT_COLUMNS } from './events.ts';
import { NODE_COLUMNS } from './nodes.ts';
import { POD_COLUMNS } from './pods.ts';
import {
  ATTACHMENT_COLUMNS,
  ATTRIBUTES_CLASS_COLUMNS,
  CLAIM_COLUMNS,
  CSI_DRIVER_COLUMNS,
  CSI_NODE_COLUMNS,
  STORAGE_CLASS_COLUMNS,
  VOLUME_COLUMNS,
} from './storage.ts';
import { BUDGET_COLUMNS, DAEMON_SET_COLUMNS, DEPLOYMENT_COLUMNS, JOB_COLUMNS, PRIORITY_CLASS_COLUMNS, REPLICA_SET_COLUMNS, REVISION_COLUMNS, SERVICE_COLUMNS, STATEFUL_SET_COLUMNS } from './workloads.ts';

const dataCount = (object: KubernetesObject): number => Object.keys(objectAt(object, 'data')).length + Object.keys(objectAt(object, 'binaryData')).length;
const webhookColumns = [NAME, column('Webhooks', (configuration) => listAt(configuration, 'webhooks').length, { type: 'integer' }), AGE];

const BUILT_IN: Record<string, Column[]> = {
  pods: POD_COLUMNS,
  nodes: NODE_COLUMNS,
  persistentvolumeclaims: CLAIM_COLUMNS,
  persistentvolumes: VOLUME_COLUMNS,
  namespaces: [NAME, column('Status', text('status.phase')), AGE],
  events: EVENT_COLUMNS,
  'events.events.k8s.io': EVENT_COLUMNS,
  services: SERVICE_COLUMNS,
  configmaps: [NAME, column('Data', dataCount), AGE],
  secrets: [NAME, column('Type', text('type')), column('Data', dataCount), AGE],
  serviceaccounts: [NAME, AGE],
  resourcequotas: [NAME, column('Request', (quota) => used(quota, false)), column('Limit', (quota) => used(quota, true)), AGE],
  'statefulsets.apps': STATEFUL_SET_COLUMNS,
  'deployments.apps': DEPLOYMENT_COLUMNS,
  'replicasets.apps': REPLICA_SET_COLUMNS,
  'daemonsets.apps': DAEMON_SET_COLUMNS,
  'controllerrevisions.apps': REVISION_COLUMNS,
  'jobs.batch': JOB_COLUMNS,
  'poddisruptionbudgets.policy': BUDGET_COLUMNS,
  'leases.coordination.k8s.io': [NAME, column('Holder', text('spec.holderIdentity')), AGE],
  'storageclasses.storage.k8s.io': STORAGE_CLASS_COLUMNS,
  'volumeattachments.storage.k8s.io': ATTACHMENT_COLUMNS,
  'csinodes.storage.k8s.io': CSI_NODE_COLUMNS,
  'csidrivers.storage.k8s.io': CSI_DRIVER_COLUMNS,
  'volumeattributesclasses.storage.k8s.io': ATTRIBUTES_CLASS_COLUMNS,
  'priorityclasses.scheduling.k8s.io': PRIORITY_CLASS_COLUMNS,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': webhookColumns,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': webhookColumns,
};

export function columnsOf(kind: Kind): Column[] {
  if (kind.definition !== undefined) return customColumns(kind.definition.columns);
  return BUILT_IN[qualified(kind.resource)] ?? [NAME, CREATED_AT];
}

function used(quota: KubernetesObject, limits: boolean): string {
  return Object.entries(objectAt(quota, 'status', 'hard'))
    .filter(([name]) => name.startsWith('limits.') === limits)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hard]) => `${name}: ${textAt(quota, 'status', 'used', name) || '0'}/${String(hard)}`)
    .join(', ');
}
