// Whether the custom resources are installed: without them every watch would fail for ever, and nobody would know why.

import type { Api } from '../kubernetes/api.ts';
import { MIGRATION_API_VERSION, ordinalMigrations } from '../migration/record.ts';
import { spreadReports } from './spread-report.ts';
import { zoneEvacuations } from './zone-evacuation.ts';

/** @throws Error for people that says which are missing and how to install them. */
export async function requireCustomResources(api: Api): Promise<void> {
  const served = (await api.discover(MIGRATION_API_VERSION)) ?? [];
  const missing = [ordinalMigrations, spreadReports, zoneEvacuations].filter(({ plural }) => !served.includes(plural)).map(({ plural, group }) => `${plural}.${group}`);
  if (missing.length === 0) return;
  throw new Error(`the API server does not serve ${missing.join(', ')} (${MIGRATION_API_VERSION}); install the custom resources first: kubectl apply --server-side -f charts/zonespread/crds/`);
}
