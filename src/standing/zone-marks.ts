// What becomes of each ordinal of a zone: it stays, it is to leave, it is to come.

import type { ReportedZone, SpreadReportStatus } from '../controller/spread-report.ts';
import { ordinalsIn } from './ranges.ts';

export interface Mark {
  ordinal: number;
  fate: 'stays' | 'leaves' | 'comes';
  /** Its move is under way. */
  moving: boolean;
}

/** Those that are there by number, then those that are to come by number. */
export function marksOf({ zone, ordinals }: ReportedZone, { inFlight = [], plan }: SpreadReportStatus): Mark[] {
  const planned = plan?.moves ?? [];
  const moving = new Set(inFlight.map(({ ordinal }) => ordinal));
  const leaving = new Set([...moving, ...planned.map(({ ordinal }) => ordinal)]);
  const here = ordinalsIn(ordinals);
  // One that is being undone does not come.
  const arriving = [...inFlight.filter(({ to, phase }) => to === zone && phase !== 'RollingBack'), ...planned.filter(({ to }) => to === zone)].map(({ ordinal }) => ordinal);
  const coming = [...new Set(arriving)].filter((ordinal) => !here.includes(ordinal)).toSorted((a, b) => a - b);
  return [
    ...here.map((ordinal): Mark => ({ ordinal, fate: leaving.has(ordinal) ? 'leaves' : 'stays', moving: moving.has(ordinal) })),
    ...coming.map((ordinal): Mark => ({ ordinal, fate: 'comes', moving: moving.has(ordinal) })),
  ];
}
