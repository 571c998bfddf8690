// How sets stand: what the daemon says about each in its report, and the records of its moves that have not ended.

import type { SpreadReport, SpreadReportStatus } from '../controller/spread-report.ts';
import type { Namespace, StatefulSet } from '../kubernetes/objects.ts';
import { ended, type OrdinalMigration } from '../migration/record.ts';
import { keyOf } from '../policy/annotations.ts';

export interface SetStanding {
  namespace: string;
  name: string;
  /** Undefined: no report says anything yet, or nothing is declared that it could be about. */
  report: SpreadReport | undefined;
  /** Whether zones are declared, as far as what was seen tells. */
  declares: boolean;
  /** Of moves that have not ended, oldest first. */
  underWay: OrdinalMigration[];
}

/** What standings are made of. */
export interface Seen {
  reports: readonly SpreadReport[];
  records: readonly OrdinalMigration[];
  sets: readonly StatefulSet[];
  /** Whose annotations are defaults for their sets, where they were asked for. */
  namespaces?: readonly Namespace[];
}

/** By namespace and name. @param only names; empty: all that there is something to say about */
export function standingsOf({ reports, records, sets, namespaces = [] }: Seen, only: readonly string[] = []): SetStanding[] {
  const standings = new Standings();
  for (const report of reports) standings.at(report.metadata.namespace, report.metadata.name).report = report;
  const declaring = new Set(namespaces.filter(declaresZones).map(({ metadata }) => metadata.name));
  for (const set of sets) {
    const { namespace, name } = set.metadata;
    const declares = declaresZones(set) || declaring.has(namespace ?? '');
    if (declares || only.includes(name)) standings.at(namespace, name).declares = declares;
  }
  for (const record of records.filter((one) => !ended(one)).toSorted(byAge)) standings.at(record.metadata.namespace, record.spec.statefulSetRef.name).underWay.push(record);
  return standings.all().filter(({ name }) => only.length === 0 || only.includes(name));
}

function declaresZones({ metadata }: StatefulSet | Namespace): boolean {
  return metadata.annotations?.[keyOf('zones')] !== undefined;
}

class Standings {
  readonly #known = new Map<string, SetStanding>();

  at(namespace: string | undefined, name: string): SetStanding {
    const key = `${namespace}/${name}`;
    const known = this.#known.get(key) ?? { namespace: namespace ?? '', name, report: undefined, declares: false, underWay: [] };
    this.#known.set(key, known);
    return known;
  }

  all(): SetStanding[] {
    return [...this.#known].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, standing]) => standing);
  }
}

function byAge(a: OrdinalMigration, b: OrdinalMigration): number {
  return (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1;
}

export type Tone = 'good' | 'busy' | 'bad';

/** Whether people should be content, watch, or do something. */
export function toneOf({ satisfied, inFlight = [], blocked = [] }: SpreadReportStatus): Tone {
  if (inFlight.some(({ phase }) => phase === 'Frozen')) return 'bad';
  if (inFlight.length > 0) return 'busy';
  if (satisfied === true) return 'good';
  return blocked.length > 0 ? 'bad' : 'busy';
}

/** Of a set without a report. */
export function silenceWords({ declares, underWay }: SetStanding): string {
  if (declares) return 'no report yet: is the controller running? (doctor tells)';
  return underWay.length > 0 ? 'declares no zones: moved by hand' : 'declares no zones';
}
