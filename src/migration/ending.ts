// How a migration ends: the phase, the conditions that `kubectl wait` looks at, the namespace's label. What is retained stays on the books
// (SourceRetired=False) until retirement has seen to it.

import { IN_FLIGHT_LABEL } from '../kubernetes/names.ts';
import { namespaces, type Condition } from '../kubernetes/objects.ts';
import { timestamp } from '../ports/clock.ts';
import { closeLast } from './history.ts';
import { inFlight, ordinalMigrations, type OrdinalMigration } from './record.ts';
import { namespaceOf, type StepContext } from './step.ts';

export interface Ending {
  phase: 'Succeeded' | 'RolledBack' | 'Failed';
  reason: string;
  message: string;
}

export async function endMigration(context: StepContext, ending: Ending): Promise<void> {
  const now = timestamp(context.clock);
  const condition = (type: string, status: boolean, reason: string): Condition => ({ type, status: status ? 'True' : 'False', reason, message: ending.message, lastTransitionTime: now });
  await context.save({
    phase: ending.phase,
    reason: ending.reason,
    message: ending.message,
    finishedAt: now,
    progress: ending.phase === 'Succeeded' ? 100 : context.record.status?.progress,
    history: closeLast(context.record.status?.history ?? [], now, ending.phase === 'Succeeded' ? 'Done' : ending.reason),
    conditions: [
      condition('Complete', ending.phase === 'Succeeded', ending.reason),
      condition('Failed', ending.phase !== 'Succeeded', ending.reason),
      condition('Frozen', false, ending.reason),
      condition('SourceRetired', false, retains(context.record) ? 'Retained' : 'NothingRetained'),
    ],
  });
  await unlabelNamespace(context);
  const good = ending.phase === 'Succeeded';
  context.report(context.record, {
    type: good ? 'Normal' : 'Warning',
    event: good ? 'MigrationSucceeded' : 'MigrationRolledBack',
    message: good ? `moved to zone ${context.record.spec.targetZone}; down for ${context.record.status?.downtimeSeconds ?? 0} s` : `${ending.phase}, ${ending.reason}: ${ending.message}`,
  });
}

/** Whether anything of this move is left at the cloud or in the cluster that somebody must see to later. */
export function retains(record: OrdinalMigration): boolean {
  return (record.status?.claims ?? []).some((claim) => claim.target?.diskId !== undefined || claim.snapshot?.id !== undefined || (claim.discardedSnapshots ?? []).length > 0);
}

/** The webhook's selector goes by this label: it stays while anything in the namespace is in flight. A webhook asked once too often costs nothing. */
async function unlabelNamespace(context: StepContext): Promise<void> {
  const name = namespaceOf(context);
  const namespace = await context.api.get(namespaces, { name });
  if (namespace?.metadata.labels?.[IN_FLIGHT_LABEL] === undefined) return;
  const records = await context.api.list(ordinalMigrations, { namespace: name });
  if (records.some((record) => inFlight(record))) return;
  await context.api.mergePatch(namespaces, { name }, { metadata: { resourceVersion: namespace.metadata.resourceVersion, labels: { [IN_FLIGHT_LABEL]: null } } });
}
