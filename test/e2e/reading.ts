// Small readings of objects that scenarios and expectations share.

import type { Pod } from '../../src/kubernetes/objects.ts';
import type { ClaimRecord, OrdinalMigration } from '../../src/migration/record.ts';
import { GATE } from './names.ts';

export function isReady(pod: Pod | undefined): boolean {
  return pod !== undefined && pod.metadata.deletionTimestamp === undefined && (pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
}

export function isGated(pod: Pod): boolean {
  return (pod.spec.schedulingGates ?? []).some(({ name }) => name === GATE);
}

/** What a migration has on record about one of its claims. */
export function claimRecord(record: OrdinalMigration, template = 'data'): ClaimRecord {
  const found = record.status?.claims?.find((claim) => claim.template === template);
  if (found === undefined) throw new Error(`migration ${record.metadata.name} has no claim of template ${template}`);
  return found;
}

/** `web-2` → 2. */
export function ordinalOf(podName: string): number {
  return Number(podName.slice(podName.lastIndexOf('-') + 1));
}
