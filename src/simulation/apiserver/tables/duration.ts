// How long ago something was, as kubectl shows ages: at most two units, coarser the longer ago (k8s.io/apimachinery, duration.HumanDuration).

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

interface Scale {
  below: number;
  unit: [number, string];
  /** Shown when it is not 0. */
  rest?: [number, string];
}

const SCALES: Scale[] = [
  { below: 2 * MINUTE, unit: [SECOND, 's'] },
  { below: 10 * MINUTE, unit: [MINUTE, 'm'], rest: [SECOND, 's'] },
  { below: 3 * HOUR, unit: [MINUTE, 'm'] },
  { below: 8 * HOUR, unit: [HOUR, 'h'], rest: [MINUTE, 'm'] },
  { below: 2 * DAY, unit: [HOUR, 'h'] },
  { below: 8 * DAY, unit: [DAY, 'd'], rest: [HOUR, 'h'] },
  { below: 2 * YEAR, unit: [DAY, 'd'] },
  { below: 8 * YEAR, unit: [YEAR, 'y'], rest: [DAY, 'd'] },
  { below: Infinity, unit: [YEAR, 'y'] },
];

/** Clocks may differ by a second or so: what is a little in the future counts as now. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / SECOND);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const { unit, rest: finer } = SCALES.find(({ below }) => ms < below) as Scale;
  const [size, letter] = unit;
  const left = finer === undefined ? 0 : Math.floor((ms % size) / finer[0]);
  return `${Math.floor(ms / size)}${letter}${left === 0 || finer === undefined ? '' : `${left}${finer[1]}`}`;
}

/** Since a timestamp; `<unknown>` when there is none. */
export function humanAge(timestamp: string, now: number): string {
  return timestamp === '' ? '<unknown>' : humanDuration(now - Date.parse(timestamp));
}
