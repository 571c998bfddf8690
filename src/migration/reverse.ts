// The move that takes another one back: the same migration in the other direction, writes and all.

import { VELERO_EXCLUDE_LABEL } from '../kubernetes/names.ts';
import { nameOf } from '../kubernetes/reading.ts';
import { isAlreadyExists } from '../kubernetes/refusals.ts';
import { hasMoved, ordinalMigrations, phaseOf, podNameOf, type OrdinalMigration } from './record.ts';
import { namespaceOf, type StepContext } from './step.ts';

/** Its name is fixed by the UID of the move that it takes back, so that a crash between create and record does not make two. */
export function reverseName(record: OrdinalMigration): string {
  const digits = (record.metadata.uid ?? '').replaceAll('-', '').slice(0, 5);
  return `${podNameOf(record)}-${Array.from(digits, (digit) => 'bcdfghjklmnpqrst'[Number.parseInt(digit, 16)]).join('')}`;
}

export async function findReverse(context: StepContext): Promise<OrdinalMigration | undefined> {
  const records = await context.api.list(ordinalMigrations, { namespace: namespaceOf(context) });
  return records.find((other) => other.spec.reverses === context.record.metadata.name);
}

export async function createReverse(context: StepContext): Promise<void> {
  const { record } = context;
  const zone = record.status?.claims?.[0]?.source.zone;
  if (zone === undefined) return;
  const { uid: _uid, ...ref } = record.spec.statefulSetRef;
  try {
    await context.api.create(ordinalMigrations, {
      metadata: { namespace: namespaceOf(context), name: reverseName(record), labels: { [VELERO_EXCLUDE_LABEL]: 'true' } },
      spec: {
        ...record.spec,
        statefulSetRef: { ...ref, ...(record.status?.statefulSetUID === undefined ? {} : { uid: record.status.statefulSetUID }) },
        targetZone: zone,
        reason: 'Reverse',
        onUnready: 'hold',
        reverses: record.metadata.name,
      },
    });
    context.report(record, { type: 'Warning', event: 'MigrationStep', message: `${nameOf(record)} is taken back by ${reverseName(record)}, to zone ${zone}` });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** What became of the move that takes this one back. `reversed`: it was taken back itself. */
export async function reverseOutcome(context: StepContext): Promise<'missing' | 'under way' | 'succeeded' | 'reversed' | 'failed'> {
  const reverse = await findReverse(context);
  if (reverse === undefined) return 'missing';
  const phase = phaseOf(reverse);
  if (hasMoved(reverse)) return phase === 'Succeeded' ? 'succeeded' : 'reversed';
  return phase === 'Failed' || phase === 'RolledBack' ? 'failed' : 'under way';
}
