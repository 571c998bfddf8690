// How a migration ends: the phase, the conditions that `kubectl wait` looks at, the namespace's label. What is retained stays on the books
// (SourceRetired=False) until retirement has seen to it.

import type { Api } from '../kubernetes/api.ts';
import { IN_FLIGHT_LABEL } from '../kubernetes/names.ts';
import { namespaces, type Condition } from '../kubernetes/objects.ts';
import { timestamp } from '../ports/clock.ts';
import { closeLast } from './history.ts';
import { claimsOf, inFlight, ordinalMigrations, statusOf, type OrdinalMigration } from './record.ts';
import { dropPlaceholder } from './reservation/reservation.ts';
import { namespaceOf, type StepContext } from './step.ts';

export interface Ending {
  phase: 'Succeeded' | 'RolledBack' | 'Failed';
  reason: string;
  message: string;
}

export async function endMigration(context: StepContext, ending: Ending): Promise<void> {
  await dropPlaceholder(context);
  const now = timestamp(context.clock);
  const good = ending.phase === 'Succeeded';
  const { progress, history = [] } = statusOf(context.record);
  await context.save({
    phase: ending.phase,
    reason: ending.reason,
    message: ending.message,
    finishedAt: now,
    progress: good ? 100 : progress,
    history: closeLast(history, now, good ? 'Done' : ending.reason),
    reservation: undefined,
    conditions: endConditions(ending, retains(context.record), now),
  });
  await unlabelNamespace(context.api, namespaceOf(context));
  const { downtimeSeconds = 0 } = statusOf(context.record);
  if (good) context.report(context.record, { type: 'Normal', event: 'MigrationSucceeded', message: `moved to zone ${context.record.spec.targetZone}; down for ${downtimeSeconds} s` });
  else context.report(context.record, { type: 'Warning', event: 'MigrationRolledBack', message: `${ending.phase}, ${ending.reason}: ${ending.message}` });
}

function endConditions({ phase, reason, message }: Ending, retaining: boolean, now: string): Condition[] {
  const condition = (type: string, status: boolean, why = reason): Condition => ({ type, status: status ? 'True' : 'False', reason: why, message, lastTransitionTime: now });
  const good = phase === 'Succeeded';
  return [condition('Complete', good), condition('Failed', !good), condition('Frozen', false), condition('SourceRetired', false, retaining ? 'Retained' : 'NothingRetained')];
}

/** Whether anything of this move is left at the cloud or in the cluster that somebody must see to later. */
export function retains(record: OrdinalMigration): boolean {
  return claimsOf(record).some((claim) => claim.target?.diskId !== undefined || claim.snapshot?.id !== undefined || (claim.discardedSnapshots ?? []).length > 0);
}

/** The webhook's selector goes by this label: it stays while anything in the namespace is in flight. A webhook asked once too often costs nothing. */
export async function unlabelNamespace(api: Api, name: string): Promise<void> {
  const namespace = await api.get(namespaces, { name });
  if (namespace?.metadata.labels?.[IN_FLIGHT_LABEL] === undefined) return;
  const records = await api.list(ordinalMigrations, { namespace: name });
  if (records.some((record) => inFlight(record))) return;
  await api.mergePatch(namespaces, { name }, { metadata: { resourceVersion: namespace.metadata.resourceVersion, labels: { [IN_FLIGHT_LABEL]: null } } });
}
