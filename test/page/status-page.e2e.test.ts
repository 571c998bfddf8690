// The status page in a real Chromium: the daemon's own on the simulated cluster while moves go by, and made-up ones for what no cluster
// would say. `npm run page:look -- <folder>` makes pictures of the same for people.

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spreadReports } from '../../src/controller/spread-report.ts';
import { ordinalMigrations, phaseOf, statusOf, type OrdinalMigration } from '../../src/migration/record.ts';
import { systemClock, type Clock } from '../../src/ports/clock.ts';
import { moving } from '../cli/command-line-of.ts';
import { ask, faintTexts, startBrowser, watchTrouble, type Trouble } from './browser.ts';
import { EMPTY_SIGHT, endedRecord, HOSTILE, hostileSight, ordinarySight, record, serveSight, type ServedSight } from './sights.ts';
import { startPageStage, type PageStage } from './stage.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser?.close());

const open: (() => Promise<unknown>)[] = [];

async function visit(url: string, options: BrowserContextOptions = {}): Promise<{ page: Page; trouble: Trouble }> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  open.push(() => context.close());
  const page = await context.newPage();
  const trouble = watchTrouble(page, new URL(url).origin);
  await page.goto(url);
  return { page, trouble };
}

/** A tick of the page lasts a tenth of a second. */
const HASTY: Clock = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() * 10, sleep: (ms, signal) => systemClock.sleep(ms / 10, signal) };

async function serve(sight = ordinarySight(), port = 0): Promise<ServedSight> {
  const served = await serveSight(sight, HASTY, port);
  open.push(() => served.close());
  return served;
}

async function leaveAll(): Promise<void> {
  for (const leave of open.splice(0).toReversed()) await leave();
}

/** On a machine that has much to do. */
const SOON = { timeout: 15_000 };
const NO_TROUBLE: Trouble = { errors: [], strangers: [] };

function live(page: Page): Promise<void> {
  return page.locator('#live[data-live="on"]').waitFor(SOON);
}

describe('a spread on the simulated cluster', () => {
  let stage: PageStage;
  beforeAll(async () => {
    stage = await startPageStage();
  });
  afterAll(async () => {
    await leaveAll();
    await stage?.stop();
  });

  const records = (): OrdinalMigration[] => stage.world.cluster.simulated.server.readAll(ordinalMigrations);

  it('is followed live, move by move, by the leader and by the one that waits', async () => {
    await stage.declare();
    await stage.until(() => stage.world.cluster.simulated.server.readAll(spreadReports).length === 1);
    const leader = await visit(`${stage.leader}/sets/demo/web`);
    const standBy = await visit(stage.standBy);
    await standBy.page.getByText('This replica waits for the lease').waitFor();
    expect(await leader.page.locator('#role').textContent()).toBe('leader');
    await stage.speed(60);
    await live(leader.page);
    // Nobody reloads anything from here on.
    await leader.page.getByRole('heading', { name: 'Under way' }).waitFor({ timeout: 20_000 });
    await standBy.page.getByRole('heading', { name: 'Under way' }).waitFor({ timeout: 20_000 });
    await stage.until(() => records().some((one) => statusOf(one).step === 'snapshot'));
    await stage.speed(5);
    await leader.page.locator('[aria-current="step"]', { hasText: 'snapshot' }).waitFor();
    await stage.until(() => records().filter((one) => phaseOf(one) === 'Succeeded').length === 4);
    await stage.speed(60);
    await leader.page.locator('.state', { hasText: 'as declared' }).waitFor({ timeout: 20_000 });
    await standBy.page.locator('.state', { hasText: 'as declared' }).waitFor({ timeout: 20_000 });
    expect(await leader.page.getByRole('table', { name: 'Moves that have ended' }).getByRole('row').count()).toBe(5);
    expect([leader.trouble, standBy.trouble]).toEqual([NO_TROUBLE, NO_TROUBLE]);
    // The leader goes; whoever looks at the other one sees it take over.
    await leader.page.close();
    await stage.stopLeader();
    await stage.speed(60);
    await standBy.page.locator('#role', { hasText: 'leader' }).waitFor({ timeout: 20_000 });
    await standBy.page.getByText('This replica waits for the lease').waitFor({ state: 'detached' });
    expect(standBy.trouble).toEqual(NO_TROUBLE);
  }, 60_000);
});

describe('live updates', () => {
  afterAll(leaveAll);

  it('leave focus, what is unfolded and what is typed where they are', async () => {
    const { url, outlook } = await serve();
    const { page } = await visit(`${url}/sets/db/web`);
    await live(page);
    const summary = page.locator('details summary').first();
    await summary.press('Enter');
    await ask(page, "document.querySelector('.scroller').same = true");
    // The row that has the focus is joined by one above it, and a move ends.
    outlook.change({ ...ordinarySight(), records: [endedRecord('web-2-bcdfg'), ...ordinarySight().records.slice(1)] });
    await page.getByRole('row', { name: /^web-2 Succeeded/ }).first().waitFor();
    expect(await ask(page, "document.activeElement.closest('tr').textContent")).toContain('web-0');
    expect(await page.locator('details[open]').count()).toBe(1);
    expect(await ask(page, "document.querySelector('.scroller').same")).toBe(true);
    await page.goto(url);
    await live(page);
    await page.getByLabel('Namespace').fill('sho');
    outlook.change(ordinarySight());
    await page.getByRole('heading', { name: 'Under way' }).waitFor();
    expect(await page.getByLabel('Namespace').inputValue()).toBe('sho');
  });

  it('take focus to the content when what had it is gone', async () => {
    const { url, outlook } = await serve();
    const { page } = await visit(url);
    await live(page);
    await page.getByRole('link', { name: 'queue' }).focus();
    outlook.change({ ...ordinarySight(), sets: [] });
    await page.getByRole('link', { name: 'queue' }).waitFor({ state: 'detached' });
    expect(await ask(page, 'document.activeElement.id')).toBe('main');
  });

  it('are told to those who listen when something of note changes, not when a bar gets longer', async () => {
    const { url, outlook } = await serve();
    const { page } = await visit(`${url}/sets/db/web`);
    const status = page.locator('[role="status"][aria-live="polite"]');
    await live(page);
    const progressed = { ...ordinarySight(), records: [record('web-2-bcdfg', { status: moving({ progress: 77 }) })] };
    outlook.change(progressed);
    await expect.poll(() => page.locator('progress').getAttribute('value'), SOON).toBe('77');
    expect(await status.textContent()).toBe('');
    const [first, ...others] = progressed.reports;
    outlook.change({ ...progressed, reports: [{ ...first!, status: { ...first!.status, state: 'web-2 is frozen: NotReady' } }, ...others] });
    await expect.poll(() => status.textContent(), SOON).toBe('web: web-2 is frozen: NotReady');
  });

  it('go on by themselves after the replica was away', async () => {
    const first = await serve();
    const { page } = await visit(first.url);
    await live(page);
    await first.close();
    await page.locator('#live[data-live="lost"]').waitFor();
    expect(await page.locator('#live').textContent()).toBe('not live: trying again');
    await serve(EMPTY_SIGHT, Number(new URL(first.url).port));
    await page.getByText('No StatefulSet in any namespace').waitFor(SOON);
    await live(page);
  });
});

describe('without JavaScript', () => {
  afterAll(leaveAll);

  it('the page has everything but the live part, and says so', async () => {
    const { url } = await serve();
    const { page, trouble } = await visit(url, { javaScriptEnabled: false });
    expect(await page.locator('#live').textContent()).toBe('not live: reload to see it anew');
    await page.getByLabel('Namespace').fill('shop');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await page.getByRole('heading', { level: 3 }).allTextContents()).toEqual(['orders', 'queue']);
    await page.getByRole('link', { name: 'orders' }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('orders');
    expect(await page.getByText('allows no disruption').isVisible()).toBe(true);
    expect(trouble).toEqual(NO_TROUBLE);
  });
});

/** The focused element in words, and whether one sees that it has the focus. */
const WHERE = `(() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const seen = element.checkVisibility() && outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  const words = element === document.body ? '' : element.textContent || element.getAttribute('name');
  return element.tagName.toLowerCase() + ' ' + words + (seen ? '' : ' (unseen)');
})()`;

describe('the keyboard', () => {
  afterAll(leaveAll);

  it('gets everywhere, in the order of the page, and one sees where it is', async () => {
    const { url } = await serve();
    const { page } = await visit(url);
    const walk: string[] = [];
    for (let at = 0; at < 10; at += 1) {
      await page.keyboard.press('Tab');
      walk.push(await ask(page, WHERE));
    }
    expect(walk).toEqual(['a Skip to content', 'a zonespread', 'input namespace', 'input only', 'button Show', 'a db/web-2', 'a cache', 'a web', 'a orders', 'a queue']);
  });

  it('skips to the content, opens a set, unfolds its steps and scrolls a wide table', async () => {
    const { url } = await serve();
    const { page } = await visit(url, { viewport: { width: 400, height: 800 } });
    await page.keyboard.press('Tab');
    expect(await page.getByRole('link', { name: 'Skip to content' }).boundingBox().then((box) => (box?.y ?? -1) >= 0)).toBe(true);
    await page.keyboard.press('Enter');
    expect(await ask(page, 'document.activeElement.id')).toBe('main');
    await page.getByRole('link', { name: 'web', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'web' }).waitFor();
    const plan = page.getByRole('group', { name: 'Plan, scrollable' });
    await plan.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => plan.evaluate((element) => element.scrollLeft), SOON).toBeGreaterThan(0);
    await page.locator('summary').first().focus();
    await page.keyboard.press('Enter');
    expect(await page.getByText('keepSource').first().isVisible()).toBe(true);
    expect(await page.locator('details[open]').count()).toBe(1);
  });
});

describe('those who listen', () => {
  afterAll(leaveAll);

  it('get landmarks, headings, and words for every mark on the overview', async () => {
    const { url } = await serve();
    const { page } = await visit(url);
    const tree = await page.locator('body').ariaSnapshot();
    for (const words of ['- banner:', '- main:', '- heading "Sets" [level=1]', '- search "Filter sets":', '- region "Under way":', '- progressbar "Progress of web-2"', '- region "Zone maps":', '- heading "web" [level=3]:', 'cn-beijing-h four ordinals (0-2,5); 2 wanted; to leave: 2, 5', 'in namespace shop']) expect(tree).toContain(words);
    expect(tree).not.toContain('↗');
  });

  it('get tables with names, and row and column of each cell, for a set', async () => {
    const { url } = await serve();
    const { page } = await visit(`${url}/sets/db/web`);
    const tree = await page.locator('body').ariaSnapshot();
    for (const words of ['- table "Which ordinal has its disks in which zone, and where it is to go":', '- columnheader "5"', '- rowheader "cn-beijing-h"', '- cell "is to leave, moving now"', '- cell "is to come, moving now"', '- list "Steps of the move of web-2":', '- navigation "Where this is":', '- table "Moves in their order, with the reason and the cost of each":']) expect(tree).toContain(words);
    expect(await page.locator('[aria-current="step"]').textContent()).toBe('createDisk (now)');
    const headings = await page.locator('h1, h2, h3').evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])));
    expect(headings[0]).toBe(1);
    expect(headings.every((level, at) => at === 0 || level - (headings[at - 1] ?? 0) <= 1)).toBe(true);
    const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('those who look', () => {
  afterAll(leaveAll);

  it.each(['light', 'dark'] as const)('can read every text, %s', async (colorScheme) => {
    const { url, outlook } = await serve();
    outlook.complete = false;
    outlook.role = 'waiting';
    for (const path of ['/', '/sets/db/web', '/sets/db/cache', '/sets/shop/queue', '/sets/db/nobody']) {
      const { page } = await visit(`${url}${path}`, { colorScheme });
      expect(await faintTexts(page), path).toEqual([]);
      const ground = await ask(page, 'getComputedStyle(document.documentElement).backgroundColor');
      expect(ground).toBe(colorScheme === 'dark' ? 'rgb(14, 18, 23)' : 'rgb(245, 246, 248)');
    }
  });

  it.each([320, 1280])('have no page that is wider than their window of %i px, whatever names are in it', async (width) => {
    for (const { url, paths } of [{ ...(await serve()), paths: ['/', '/sets/db/web'] }, { ...(await serve(hostileSight())), paths: ['/', `/sets/${HOSTILE[8]}/${HOSTILE[8]}`] }]) {
      for (const path of paths) {
        const { page } = await visit(`${url}${path}`, { viewport: { width, height: 800 } });
        expect(await ask(page, 'document.documentElement.scrollWidth'), path.slice(0, 20)).toBeLessThanOrEqual(width);
      }
    }
  });

  it('see nothing move when they want nothing to', async () => {
    const { url } = await serve();
    const { page } = await visit(url);
    expect(await ask(page, 'document.getAnimations().length')).toBe(0);
    const moved = await visit(url, { reducedMotion: 'no-preference' });
    expect(await ask(moved.page, 'document.getAnimations().length')).toBeGreaterThan(0);
  });
});

const FOUND = `({
  pwned: 'pwned' in window,
  strange: document.querySelectorAll('body script, img, svg, iframe, object, embed, form [formaction], [onload], [onerror], main style').length,
  headings: document.querySelectorAll('h1').length,
  links: [...document.querySelectorAll('a')].filter((link) => link.origin !== location.origin || link.protocol === 'javascript:').length,
})`;

describe('hostile names', () => {
  afterAll(leaveAll);

  it('never become elements, run nothing and lead nowhere, at first and live', async () => {
    const { url, outlook } = await serve(hostileSight());
    // The other names have their turn in status-page.test.ts, without a browser.
    for (const path of ['/', ...[0, 3, 9].map((at) => encodeURIComponent(HOSTILE[at]!)).map((name) => `/sets/${name}/${name}`)]) {
      const { page, trouble } = await visit(`${url}${path}`);
      await live(page);
      // Another picture, so that it comes by the stream, too.
      const { records } = hostileSight();
      outlook.change({ ...hostileSight(), records: records.map((one) => ({ ...one, status: { ...one.status, progress: 61 } })) });
      await page.locator('progress[value="61"]').first().waitFor();
      outlook.change(hostileSight());
      const found = await ask(page, FOUND);
      expect(found, path).toEqual({ pwned: false, strange: 0, headings: 1, links: 0 });
      expect(trouble, path).toEqual(NO_TROUBLE);
      await page.context().close();
    }
  });

  it('are shown as they are written', async () => {
    const { url } = await serve(hostileSight());
    const { page } = await visit(url);
    expect(await page.getByRole('heading', { level: 3 }).allTextContents()).toContain('<script>window.pwned = 1</script>');
  });

  it('lead to their own pages', async () => {
    const { url } = await serve(hostileSight());
    const { page } = await visit(url);
    await page.getByRole('link', { name: '</title></main><h1>pwned</h1>', exact: true }).first().click();
    await page.locator('h1', { hasText: '</title></main><h1>pwned</h1>' }).waitFor();
  });
});

it('has a Content-Security-Policy that a browser holds to', async () => {
  const { url } = await serve();
  const { page, trouble } = await visit(url);
  await ask(page, "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.pwned = 1' }))");
  expect(await ask(page, "'pwned' in window")).toBe(false);
  await expect.poll(() => trouble.errors.join(' '), SOON).toContain('Content Security Policy');
  await leaveAll();
});
