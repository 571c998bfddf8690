// `npm run page:look -- <folder>`: writes pictures of the status page, light and dark, wide and narrow, before, during and after moves.
// Look at them before and after the page is changed.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { ordinalMigrations, phaseOf, statusOf } from '../../src/migration/record.ts';
import { startBrowser } from './browser.ts';
import { hostileSight, ordinarySight, serveSight } from './sights.ts';
import { startPageStage } from './stage.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write('say where to: npm run page:look -- <folder>\n');
  process.exit(2);
}

const SHAPES = [
  { shape: 'light', colorScheme: 'light', width: 1280 },
  { shape: 'dark', colorScheme: 'dark', width: 1280 },
  { shape: 'narrow', colorScheme: 'light', width: 400 },
] as const;

async function pictures(browser: Browser, name: string, url: string): Promise<void> {
  for (const { shape, colorScheme, width } of SHAPES) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForTimeout(200);
    const file = join(folder ?? '', `${name}-${shape}.png`);
    await page.screenshot({ path: file, fullPage: true });
    process.stdout.write(`${file}\n`);
    await context.close();
  }
}

await mkdir(folder, { recursive: true });
const browser = await startBrowser();
try {
  const ordinary = await serveSight(ordinarySight());
  await pictures(browser, 'all', ordinary.url);
  await pictures(browser, 'set', `${ordinary.url}/sets/db/web`);
  await pictures(browser, 'unknown', `${ordinary.url}/sets/db/nobody`);
  await ordinary.close();
  const hostile = await serveSight(hostileSight());
  await pictures(browser, 'hostile', hostile.url);
  await hostile.close();
  const stage = await startPageStage();
  await stage.declare();
  const records = () => stage.world.cluster.simulated.server.readAll(ordinalMigrations);
  await stage.until(() => records().filter((record) => phaseOf(record) === 'Succeeded').length === 2 && records().some((record) => statusOf(record).step === 'snapshot'));
  await pictures(browser, 'day-all', stage.leader);
  await pictures(browser, 'day-set', `${stage.leader}/sets/demo/web`);
  await pictures(browser, 'day-stand-by', stage.standBy);
  await stage.stop();
} finally {
  await browser.close();
}
