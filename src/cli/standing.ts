// Reads how sets stand, and says no to a name that no set has.

import { spreadReports } from '../controller/spread-report.ts';
import { ordinalMigrations } from '../migration/record.ts';
import type { Seen, SetStanding } from '../standing/sets.ts';
import { failed } from './exit.ts';
import { listSets } from './names.ts';
import type { Session } from './session.ts';

export async function readSeen({ api, scope }: Pick<Session, 'api' | 'scope'>): Promise<Seen> {
  const within = scope === undefined ? {} : { namespace: scope };
  const [reports, records, sets] = await Promise.all([api.list(spreadReports, within), api.list(ordinalMigrations, within), listSets(api, scope)]);
  return { reports, records, sets };
}

/** @throws VerbEnded (failed) for a name that no set has. */
export function requireAll(standings: readonly SetStanding[], names: readonly string[], where: string): void {
  const missing = names.find((name) => !standings.some((standing) => standing.name === name));
  if (missing !== undefined) throw failed(`there is no StatefulSet ${missing} in ${where}`);
}
