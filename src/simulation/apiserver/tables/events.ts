// How an event is shown in a table: of core/v1, and of events.k8s.io/v1, whose fields have other names.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { at, objectAt, textAt, type JsonObject } from '../json.ts';
import { column, wide, type Column } from './column.ts';
import { humanAge } from './duration.ts';

export const EVENT_COLUMNS: Column[] = [
  column('Last Seen', lastSeen),
  column('Type', (event) => textAt(event, 'type')),
  column('Reason', (event) => textAt(event, 'reason')),
  column('Object', about),
  wide('Subobject', (event) => textAt(involved(event), 'fieldPath')),
  wide('Source', source),
  column('Message', (event) => (textAt(event, 'message') || textAt(event, 'note')).trim()),
  wide('First Seen', firstSeen),
  wide('Count', (event) => Number(textAt(event, 'series', 'count') || either(event, 'count', 'deprecatedCount') || '1')),
  wide('Name', (event) => event.metadata.name, { format: 'name' }),
];

function involved(event: KubernetesObject): JsonObject {
  return at(event, 'involvedObject') === undefined ? objectAt(event, 'regarding') : objectAt(event, 'involvedObject');
}

function either(event: KubernetesObject, field: string, other: string): string {
  return textAt(event, field) || textAt(event, other);
}

function about(event: KubernetesObject): string {
  const object = involved(event);
  const [kind, name] = [textAt(object, 'kind').toLowerCase(), textAt(object, 'name')];
  return name === '' ? kind : `${kind}/${name}`;
}

function source(event: KubernetesObject): string {
  const named = (field: string): string => textAt(event, 'source', field) || textAt(event, 'deprecatedSource', field);
  const component = named('component') || either(event, 'reportingController', 'reportingComponent');
  const instance = named('host') || textAt(event, 'reportingInstance');
  return instance === '' ? component : `${component}, ${instance}`;
}

function firstSeen(event: KubernetesObject, now: number): string {
  return humanAge(either(event, 'firstTimestamp', 'deprecatedFirstTimestamp') || textAt(event, 'eventTime'), now);
}

function lastSeen(event: KubernetesObject, now: number): string {
  const last = textAt(event, 'series', 'lastObservedTime') || either(event, 'lastTimestamp', 'deprecatedLastTimestamp');
  return last === '' ? firstSeen(event, now) : humanAge(last, now);
}
