// A move under way, in words and times: where from and to, what it does now, how long the pod is down, how long it will still take.

import { isInstant } from '../alicloud/answers.ts';
import { estimatesOf } from '../controller/measured-moves.ts';
import { claimsOf, courseOf, phaseOf, statusOf, STEPS, type OrdinalMigration } from '../migration/record.ts';
import type { Estimates } from '../planner/estimate.ts';
import { formatDuration } from '../policy/duration.ts';
import { span } from './amounts.ts';
import { describeStep } from './steps.ts';

export interface Measured {
  nowMs: number;
  /** Made when they are first asked for. */
  estimates: () => Estimates;
}

/** @param records of all moves that are known: what those took says how long another one will */
export function measuredBy(records: readonly OrdinalMigration[], nowMs: number): Measured {
  let estimates: Estimates | undefined;
  return { nowMs, estimates: () => (estimates ??= estimatesOf(records, nowMs)) };
}

export function journeyOf(record: OrdinalMigration): string {
  const from = claimsOf(record)[0]?.source.zone;
  return from === undefined ? `→ ${record.spec.targetZone}` : `${from} → ${record.spec.targetZone}`;
}

/** Only said when it is not the ordinary: empty for a move that simply goes forward. */
export function phaseWords(record: OrdinalMigration): string {
  const { reason = '' } = statusOf(record);
  const phase = phaseOf(record);
  if (phase === 'Running') return '';
  if (phase === 'Pending') return reason === '' ? 'about to begin' : `waits: ${reason}`;
  return phase === 'RollingBack' ? `is being undone${reason === '' ? '' : `: ${reason}`}` : `${phase}${reason === '' ? '' : `: ${reason}`}`;
}

/** What it does now; where it waits or went wrong, why. Undefined: it has not begun. */
export function sayingOf(record: OrdinalMigration): { words: string; ordinary: boolean } | undefined {
  const { step, message } = statusOf(record);
  if (phaseOf(record) !== 'Running' && message !== undefined && message !== '') return { words: message, ordinary: false };
  return step === undefined ? undefined : { words: stepWords(record, step), ordinary: true };
}

function stepWords(record: OrdinalMigration, step: string): string {
  const at = (STEPS as readonly string[]).indexOf(step);
  const place = at === -1 || courseOf(record) !== 'Forward' ? '' : ` (${at + 1} of ${STEPS.length})`;
  const { readySince, terms } = statusOf(record);
  const watched = step === 'ready' && readySince !== undefined && terms !== undefined;
  return `${step}${place}: ${watched ? `Ready on its new disk, and watched for ${formatDuration(terms.healthDurationMs)}` : describeStep(step, record.spec.targetZone)}`;
}

/** Empty while nobody has noticed it. */
export function downWords(record: OrdinalMigration, nowMs: number): string {
  const { downtimeSeconds, unavailableSince } = statusOf(record);
  if (downtimeSeconds !== undefined) return `was down for ${span(downtimeSeconds * 1000)}`;
  return unavailableSince === undefined ? '' : `down for ${span(nowMs - Date.parse(unavailableSince))}`;
}

/** `about 2 min left`; undefined when it is not simply going forward. */
export function leftWords(record: OrdinalMigration, measured: Measured): string | undefined {
  const left = leftMsOf(record, measured);
  if (left === undefined) return undefined;
  return left > 0 ? `about ${span(left)} left` : 'longer than expected';
}

/** As likely too little as too much; 0 when it has taken longer than that. Undefined when it is not simply going forward. */
export function leftMsOf(record: OrdinalMigration, { nowMs, estimates }: Measured): number | undefined {
  const { startedAt, terms } = statusOf(record);
  if (phaseOf(record) !== 'Running' || startedAt === undefined || terms === undefined) return undefined;
  const disks = claimsOf(record).map(({ sizeGiB, source: { category } }) => ({ category, sizeGiB, instantSnapshots: isInstant(category) }));
  const { total } = estimates().ofDisks(disks, terms);
  // The cluster's clock and ours may differ.
  return Math.max(0, total.middleMs - Math.max(0, nowMs - Date.parse(startedAt)));
}
