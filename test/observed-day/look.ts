// `npm run dashboards:look -- <folder> [hour]`: writes each dashboard as an HTML page with the observed day in it, as if somebody looked at that
// hour (default 9.2, when a move is frozen). Open them in a browser before and after a panel is changed.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DASHBOARDS } from '../../scripts/dashboards/all.ts';
import { startPrometheus } from '../prometheus/start.ts';
import { playDay } from './day.ts';
import { pictureOf } from './picture.ts';

const [folder, hour = '9.2'] = process.argv.slice(2);
if (folder === undefined || !/^\d+(?:\.\d+)?$/.test(hour)) {
  process.stderr.write('say where to: npm run dashboards:look -- <folder> [hour of the day, e.g. 17.3]\n');
  process.exit(2);
}
const day = await playDay();
const prometheus = await startPrometheus({ past: day.pieces });
try {
  await mkdir(folder, { recursive: true });
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
    const file = join(folder, `${name}.html`);
    await writeFile(file, await pictureOf(prometheus, dashboard, { start: day.start, end: day.end, step: 120, now: day.start + Number(hour) * 3600 }));
    process.stdout.write(`${file}\n`);
  }
} finally {
  await prometheus.stop();
}
