// Every invariant of the design, in the order of its numbers.

import type { InvariantOf } from '../world.ts';
import { writesAreAsRead } from './as-read.ts';
import { deletionsAreDue } from './deletions.ts';
import { endingsAreTrue } from './endings.ts';
import { epochsGrow } from './epochs.ts';
import { evacuationsHold } from './evacuations.ts';
import { podsGoGently } from './gentle-removal.ts';
import { handsOff } from './hands-off.ts';
import { fewInFlight } from './in-flight.ts';
import { intentComesFirst } from './intent-first.ts';
import { disksOfMovesStay } from './kept-disks.ts';
import { labelsStay } from './labels-stay.ts';
import { nothingLeaks } from './leaks.ts';
import { startsHaveLineage } from './lineage.ts';
import { noWriteIsLost } from './lost-writes.ts';
import { marksGo } from './marks-go.ts';
import { oneDiskAttached } from './one-disk-attached.ts';
import { oneVolumePerHandle } from './one-volume-per-handle.ts';
import { podsRun } from './pods-run.ts';
import { recordsEnd } from './records-end.ts';
import { spreadIsKept } from './spread-kept.ts';
import { noStaleDiskAttached } from './stale-disks.ts';
import { volumesGoAlone } from './volume-deletions.ts';

export const INVARIANTS: readonly InvariantOf[] = [
  noWriteIsLost,
  startsHaveLineage,
  oneDiskAttached,
  deletionsAreDue,
  disksOfMovesStay,
  volumesGoAlone,
  fewInFlight,
  podsGoGently,
  intentComesFirst,
  handsOff,
  nothingLeaks,
  endingsAreTrue,
  recordsEnd,
  marksGo,
  labelsStay,
  podsRun,
  spreadIsKept,
  evacuationsHold,
  epochsGrow,
  writesAreAsRead,
  oneVolumePerHandle,
  noStaleDiskAttached,
];
