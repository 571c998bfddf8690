// How sets stand: what the daemon says about each in its report, and the records of its moves. Read once, or followed as it changes.

import { spreadReports, type SpreadReport } from '../controller/spread-report.ts';
import type { StatefulSet } from '../kubernetes/objects.ts';
import { ended, ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';
import { keyOf } from '../policy/annotations.ts';
import { failed } from './exit.ts';
import { listSets } from './names.ts';
import type { Session } from './session.ts';

export interface SetStanding {
  namespace: string;
  name: string;
  /** Undefined: no report says anything yet, or nothing is declared that it could be about. */
  report: SpreadReport | undefined;
  /** Whether zones are declared, as far as the set itself tells. */
  declares: boolean;
  /** Of moves that have not ended, oldest first. */
  underWay: OrdinalMigration[];
}

/** What standings are made of. */
export interface Seen {
  reports: readonly SpreadReport[];
  records: readonly OrdinalMigration[];
  sets: readonly StatefulSet[];
}

export async function readSeen({ api, scope }: Pick<Session, 'api' | 'scope'>): Promise<Seen> {
  const within = scope === undefined ? {} : { namespace: scope };
  const [reports, records, sets] = await Promise.all([api.list(spreadReports, within), api.list(ordinalMigrations, within), listSets(api, scope)]);
  return { reports, records, sets };
}

/** By namespace and name. @param only names; empty: all that there is something to say about */
export function standingsOf({ reports, records, sets }: Seen, only: readonly string[] = []): SetStanding[] {
  const standings = new Standings();
  for (const report of reports) standings.at(report.metadata.namespace, report.metadata.name).report = report;
  for (const { metadata } of sets) {
    const declares = metadata.annotations?.[keyOf('zones')] !== undefined;
    if (declares || only.includes(metadata.name)) standings.at(metadata.namespace, metadata.name).declares = declares;
  }
  for (const record of records.filter((one) => !ended(one)).toSorted(byAge)) standings.at(record.metadata.namespace, record.spec.statefulSetRef.name).underWay.push(record);
  return standings.all().filter(({ name }) => only.length === 0 || only.includes(name));
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

/** @throws VerbEnded (failed) for a name that no set has. */
export function requireAll(standings: readonly SetStanding[], names: readonly string[], where: string): void {
  const missing = names.find((name) => !standings.some((standing) => standing.name === name));
  if (missing !== undefined) throw failed(`there is no StatefulSet ${missing} in ${where}`);
}
