// `npm run dashboards`: writes the dashboards' JSON into the chart.

import { mkdirSync, writeFileSync } from 'node:fs';
import { DASHBOARDS, fileOf } from './all.ts';

const folder = new URL('../../charts/zonespread/files/dashboards/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, dashboard] of Object.entries(DASHBOARDS)) writeFileSync(new URL(`${name}.json`, folder), fileOf(dashboard));
