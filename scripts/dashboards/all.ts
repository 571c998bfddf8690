// Every dashboard, by the name of its file in charts/zonespread/files/dashboards/.

import { grafanaJson, type Dashboard } from './grafana.ts';
import { HEALTH } from './health.ts';
import { MIGRATIONS } from './migrations.ts';
import { SPREAD } from './spread.ts';

export const DASHBOARDS: Readonly<Record<string, Dashboard>> = { spread: SPREAD, migrations: MIGRATIONS, health: HEALTH };

/** The file's text. */
export function fileOf(dashboard: Dashboard): string {
  return `${JSON.stringify(grafanaJson(dashboard), undefined, 2)}\n`;
}
