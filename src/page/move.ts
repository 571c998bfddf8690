// Moves as values: one under way with its steps and times, and one that has ended.

import { claimsOf, courseOf, phaseOf, podNameOf, statusOf, STEPS, type HistoryEntry, type OrdinalMigration } from '../migration/record.ts';
import { span } from '../standing/amounts.ts';
import { downWords, leftWords, phaseWords, sayingOf, type Measured } from '../standing/moves.ts';
import type { Tone } from '../standing/sets.ts';
import { describeStep } from '../standing/steps.ts';
import { addressOf } from './addresses.ts';
import { cut } from './limits.ts';

export interface MoveUnderWay {
  /** Name of its record. */
  record: string;
  namespace: string;
  pod: string;
  set: { name: string; address: string };
  from: string;
  to: string;
  why: string;
  tone: Tone;
  /** Empty when it simply goes forward. */
  phase: string;
  saying: string;
  /** 0–100; undefined: it has not begun. */
  progress: number | undefined;
  down: string;
  left: string;
  /** Empty for one that does not go forward. */
  steps: StepOfMove[];
  disks: DiskOfMove[];
}

export interface StepOfMove {
  name: string;
  words: string;
  state: 'done' | 'now' | 'to come';
}

export interface DiskOfMove {
  claim: string;
  sizeGiB: number;
  from: string;
  /** Undefined: it is not made yet. */
  to: string | undefined;
}

export function moveUnderWay(record: OrdinalMigration, measured: Measured): MoveUnderWay {
  const namespace = record.metadata.namespace ?? '';
  const { name } = record.spec.statefulSetRef;
  return {
    record: record.metadata.name,
    namespace,
    pod: podNameOf(record),
    set: { name, address: addressOf({ kind: 'set', namespace, name }) },
    ...journey(record),
    why: record.spec.reason ?? 'Manual',
    tone: phaseOf(record) === 'Frozen' ? 'bad' : 'busy',
    phase: phaseWords(record),
    saying: cut(sayingOf(record)?.words ?? ''),
    progress: phaseOf(record) === 'Pending' ? undefined : Math.min(100, Math.max(0, statusOf(record).progress ?? 0)),
    down: downWords(record, measured.nowMs),
    left: leftWords(record, measured) ?? '',
    steps: stepsOf(record),
    disks: claimsOf(record).map(({ claimName, sizeGiB, source, target }) => ({ claim: claimName, sizeGiB, from: source.diskId, to: target?.diskId })),
  };
}

function journey(record: OrdinalMigration): { from: string; to: string } {
  return { from: claimsOf(record)[0]?.source.zone ?? '', to: record.spec.targetZone };
}

function stepsOf(record: OrdinalMigration): StepOfMove[] {
  const { step } = statusOf(record);
  const at = (STEPS as readonly string[]).indexOf(step ?? '');
  if (at === -1 || courseOf(record) !== 'Forward') return [];
  return STEPS.map((name, index) => ({ name, words: describeStep(name, record.spec.targetZone), state: index < at ? 'done' : index === at ? 'now' : 'to come' }));
}

export interface EndedMove {
  record: string;
  pod: string;
  from: string;
  to: string;
  why: string;
  tone: Tone;
  /** `Succeeded`, `RolledBack: Aborted`. */
  outcome: string;
  message: string;
  /** RFC 3339; empty when nobody wrote it down. */
  finishedAt: string;
  took: string;
  down: string;
  steps: { name: string; took: string; outcome: string }[];
}

export function endedMove(record: OrdinalMigration): EndedMove {
  const { startedAt, finishedAt = '', downtimeSeconds, history = [] } = statusOf(record);
  return {
    record: record.metadata.name,
    pod: podNameOf(record),
    ...journey(record),
    why: record.spec.reason ?? 'Manual',
    ...outcomeOf(record),
    finishedAt,
    took: between(startedAt, finishedAt),
    down: downtimeSeconds === undefined ? '' : span(downtimeSeconds * 1000),
    steps: history.map((entry) => stepTaken(entry)),
  };
}

function outcomeOf(record: OrdinalMigration): Pick<EndedMove, 'tone' | 'outcome' | 'message'> {
  const { reason = '', message = '' } = statusOf(record);
  const phase = phaseOf(record);
  // The message of one that went well says nothing new.
  if (phase === 'Succeeded') return { tone: 'good', outcome: phase, message: '' };
  return { tone: phase === 'RolledBack' ? 'busy' : 'bad', outcome: reason === '' ? phase : `${phase}: ${reason}`, message: cut(message) };
}

function stepTaken({ step, startedAt, finishedAt, outcome = '' }: HistoryEntry): EndedMove['steps'][number] {
  return { name: step, took: between(startedAt, finishedAt), outcome };
}

/** Empty when one of them is no time. */
function between(from: string | undefined, to: string | undefined): string {
  const ms = Date.parse(to ?? '') - Date.parse(from ?? '');
  return Number.isNaN(ms) ? '' : span(ms);
}
