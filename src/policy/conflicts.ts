// Values that are right one by one and wrong together, and those that do less, or more, than their writer may think.

import { keyOf, type Values } from './annotations.ts';
import { problem, type Declared, type Problem } from './problem.ts';

interface Together {
  declared: Declared[];
  values: Values;
  /** podManagementPolicy Parallel. */
  parallel: boolean;
}

export function conflicts(together: Together): Problem[] {
  return [pinOutsideZones, severalAtOnceInOrder, nothingToRestoreFrom].flatMap((conflict) => conflict(together));
}

function pinOutsideZones({ declared, values: { pin, zones } }: Together): Problem[] {
  const pins = declared.find(({ name }) => name === 'pin');
  if (pins === undefined || pin === undefined || zones?.kind !== 'list') return [];
  const stray = Object.entries(pin).find(([, zone]) => !zones.zones.includes(zone));
  return stray === undefined ? [] : [problem(pins, `ordinal ${stray[0]} is pinned to "${stray[1]}", which is not in ${keyOf('zones')} (${zones.zones.join(',')})`)];
}

function severalAtOnceInOrder({ declared, values, parallel }: Together): Problem[] {
  const limit = declared.find(({ name }) => name === 'max-unavailable');
  if (limit === undefined || parallel || (values['max-unavailable'] ?? 1) <= 1) return [];
  const way = limit.on === 'Namespace' ? `; give this StatefulSet its own ${keyOf('max-unavailable')}: "1"` : '';
  return [problem(limit, `podManagementPolicy is OrderedReady, which starts one pod after the other${way}`)];
}

/** `restore-source` goes back to a disk that is behind; what was written since lives only in what the retentions keep. */
function nothingToRestoreFrom({ declared, values }: Together): Problem[] {
  if (values['on-unready'] !== 'restore-source') return [];
  return declared
    .filter(({ name }) => (name === 'snapshot-retention' || name === 'source-retention') && values[name] === 0)
    .map((retention) => problem(retention, `with ${keyOf('on-unready')} "restore-source" the newer disk and its snapshot must be kept for a while`));
}

export function remarks({ values, declared }: Together): string[] {
  const holder = (name: Declared['name']): string => declared.find((one) => one.name === name)?.on ?? 'StatefulSet';
  const found: string[] = [];
  if (values.approve !== undefined && values.mode !== 'plan') {
    found.push(`${holder('approve')} annotation ${keyOf('approve')} has no effect unless ${keyOf('mode')} is "plan".`);
  }
  if (values['on-unready'] === 'restore-source') {
    found.push(`${holder('on-unready')} annotation ${keyOf('on-unready')}: "restore-source" goes back to the old disk when a pod does not get Ready: what was written to the new one meanwhile is then only on that disk, which is kept for the retention.`);
  }
  return found;
}
