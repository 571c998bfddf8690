// A set in a line of the overview, as a value: its state, its zones and what becomes of each ordinal.

import type { ReportedZone, SpreadReportStatus } from '../controller/spread-report.ts';
import { several } from '../standing/amounts.ts';
import { silenceWords, toneOf, type SetStanding, type Tone } from '../standing/sets.ts';
import { marksOf, type Mark } from '../standing/zone-marks.ts';
import { addressOf } from './addresses.ts';
import { cut } from './limits.ts';

/** `idle`: nothing is declared. */
export type SetTone = Tone | 'idle';

export interface SetInShort {
  namespace: string;
  name: string;
  address: string;
  state: string;
  tone: SetTone;
  skew: number | undefined;
  /** Moves that are planned and have not begun. */
  planned: number;
  zones: ZoneInShort[];
}

export interface ZoneInShort {
  zone: string;
  actual: number;
  desired: number;
  /** As ranges: `0-3,7`. */
  ordinals: string;
  marks: Mark[];
  /** For those who do not see the marks. */
  words: string;
}

export function toneOfSet({ report, declares }: SetStanding): SetTone {
  if (report?.status !== undefined) return toneOf(report.status);
  return declares ? 'bad' : 'idle';
}

export function inShort(standing: SetStanding): SetInShort {
  const { namespace, name, report } = standing;
  const head = { namespace, name, tone: toneOfSet(standing), address: addressOf({ kind: 'set', namespace, name }) };
  return report?.status === undefined ? { ...head, ...unreported(standing) } : { ...head, ...reported(report.status) };
}

type Standing = Omit<SetInShort, 'namespace' | 'name' | 'address' | 'tone'>;

function unreported(standing: SetStanding): Standing {
  return { state: silenceWords(standing), skew: undefined, planned: 0, zones: [] };
}

function reported(status: SpreadReportStatus): Standing {
  const { state = '', skew, plan, zones = [] } = status;
  return { state: cut(state), skew, planned: plan?.total ?? 0, zones: zones.map((zone) => zoneInShort(zone, status)) };
}

export function zoneInShort(zone: ReportedZone, status: SpreadReportStatus): ZoneInShort {
  const marks = marksOf(zone, status);
  return { zone: zone.zone, actual: zone.actual, desired: zone.desired, ordinals: zone.ordinals, marks, words: zoneWords(zone, marks) };
}

/** `four ordinals, 0-2,5; two are wanted; leaving: 2, 5`. */
function zoneWords({ actual, desired, ordinals }: ReportedZone, marks: readonly Mark[]): string {
  const by = (fate: Mark['fate']): string => marks.filter((mark) => mark.fate === fate).map(({ ordinal }) => ordinal).join(', ');
  const [leaving, coming] = [by('leaves'), by('comes')];
  return [
    `${several(actual, 'ordinal')}${ordinals === '' ? '' : ` (${ordinals})`}`,
    ...(actual === desired ? [] : [`${desired} wanted`]),
    ...(leaving === '' ? [] : [`to leave: ${leaving}`]),
    ...(coming === '' ? [] : [`to come: ${coming}`]),
  ].join('; ');
}

/** Whether there is anything that a person might want to look at. */
export function isOpen(tone: SetTone): boolean {
  return tone !== 'good' && tone !== 'idle';
}
