// Every story of the simulated cluster, from its first line to its last.

import { beforeAll, describe, expect, test } from 'vitest';
import { blockedByBudget } from '../../../src/demo/embedded/scenarios/blocked-by-pdb.ts';
import { daemonKilled } from '../../../src/demo/embedded/scenarios/daemon-killed.ts';
import type { Scenario } from '../../../src/demo/embedded/scenarios/scenario.ts';
import { spread } from '../../../src/demo/embedded/scenarios/spread.ts';
import { zoneClosing } from '../../../src/demo/embedded/scenarios/zone-closing.ts';
import { zoneSoldOut } from '../../../src/demo/embedded/scenarios/zone-sold-out.ts';
import { statefulSets } from '../../../src/kubernetes/objects.ts';
import { play, type Played } from './play.ts';

/** Virtual time is quick; a machine that is busy with something else is not. */
const PATIENCE_MS = 120_000;
const PROMISES = ['Zones', 'Data', 'Siblings', 'StatefulSet', 'Downtime', 'Kept'];

describe('spread', { timeout: PATIENCE_MS }, () => {
  let played: Played;

  beforeAll(async () => {
    played = await play(spread);
  }, PATIENCE_MS);

  test('six ordinals of one zone end up in three, each step told as it comes', () => {
    expectKept(played, PROMISES);
    expect(played.text).toContain('$ kubectl annotate statefulset web --namespace demo');
    for (const pod of ['web-5', 'web-4', 'web-3', 'web-2']) {
      expect(played.text).toMatch(new RegExp(`${pod} cn-beijing-a → cn-beijing-[bc] +15 % {2}snapshot \\(6 of 12\\)`));
      expect(played.text).toMatch(new RegExp(`✓ ${pod}  cn-beijing-a → cn-beijing-[bc], down for \\d+\\.\\d s`));
    }
    expect(played.text).toMatch(/cn-beijing-a {3}0 1 2 3 4 5 {3}0 1\n {2}cn-beijing-b {3}– {13}\d \d\n {2}cn-beijing-c {3}– {13}\d \d\n/);
    expect(played.text).toMatch(/[\d,]+ acknowledged writes, none lost/);
    expect(played.text).toContain('npm run demo -- --keep');
    expect(played.text).not.toContain('\u001B');
  });

  test('has one course for each seed', async () => {
    const again = await play(spread);

    expect(withoutOurTime(again.text)).toBe(withoutOurTime(played.text));
  });
});

describe('zone-closing', { timeout: PATIENCE_MS }, () => {
  test('on a terminal the map is redrawn in place, and the cursor comes back', async () => {
    const { good, text } = await play(zoneClosing, { terminal: { isTTY: true, columns: 100, rows: 40 } });

    expect(good).toBe(true);
    const frames = text.split('\u001B[J').filter((frame) => /cn-beijing-c.*\n[\s\S]*step \d+ of 12/.test(frame));
    expect(frames.length).toBeGreaterThan(3);
    expect(frames.every((frame) => frame.includes('demo/web'))).toBe(true);
    expect(text.lastIndexOf('\u001B[?25h')).toBeGreaterThan(text.lastIndexOf('\u001B[?25l'));
    // The map shows the steps; lines of their own would push it away.
    expect(text).not.toContain('snapshot (6 of 12)');
  });

  test('the disks of the zone that is left move, and no other', async () => {
    const played = await play(zoneClosing);

    expectKept(played, [...PROMISES, 'Others']);
    expect(played.text).toContain('nothing to move');
    expect(played.text).toContain('zonespread.io/zones=cn-beijing-a,cn-beijing-b\n');
    expect(played.text).toMatch(/cn-beijing-c {3}\d \d {6}–\n/);
    expect(played.text.match(/✓ web-\d {2}cn-beijing-c → cn-beijing-[ab]/g)).toHaveLength(2);
  });
});

describe('zone-sold-out', { timeout: PATIENCE_MS }, () => {
  test('the move is rolled back, the report says why, and it is done once there are disks again', async () => {
    const played = await play(zoneSoldOut);

    expectKept(played, [...PROMISES, 'Rollback']);
    expect(played.text).toMatch(/sold out: cn-beijing-b[\s\S]*RollingBack: no disk like[\s\S]*↩ web-3 {2}stays in cn-beijing-a: RolledBack, ZoneUnavailable[\s\S]*The report says: ZoneUnavailable[\s\S]*on sale again[\s\S]*✓ web-3 {2}cn-beijing-a → cn-beijing-b/);
    // Why is said once, then what is undone.
    expect(played.text.match(/RollingBack: no disk like/g)).toHaveLength(1);
    expect(played.text).toContain('snapshot (6 of 12): RollingBack: snapshot is undone');
    expect(oneLine(played.text)).toMatch(/web-3 came back on its old disk, down for \d+\.\d s; nothing of the try is left in the cloud/);
  });
});

describe('daemon-killed', { timeout: PATIENCE_MS }, () => {
  // Of these seeds each kills it in another step.
  test.each([
    [11, 'createDisk'],
    [21, 'snapshot'],
  ])('seed %i: the next daemon goes on in the middle of %s', async (seed, step) => {
    const played = await play(daemonKilled, { seed });

    expectKept(played, [...PROMISES, 'Daemon']);
    expect(played.text).toMatch(new RegExp(`kill -9 of the daemon, in the middle of web-\\d: ${step}\n[\\s\\S]*it goes on with web-\\d, \\d+\\.\\d s after the death`));
    expect(oneLine(played.text)).toContain('no disk was made twice');
  });
});

describe('blocked-by-pdb', { timeout: PATIENCE_MS }, () => {
  test('nothing moves and the report says why, until the budget is relaxed', async () => {
    const played = await play(blockedByBudget);

    expectKept(played, [...PROMISES, 'Budget']);
    const [held = '', relaxed = ''] = played.text.split('$ kubectl patch poddisruptionbudget web');
    expect(held).toContain('held DisruptionBudgetExhausted: PodDisruptionBudget web allows no disruption of web-5 now (6 healthy, 6 wanted)');
    expect(held).not.toContain('evict (4 of 12)');
    expect(relaxed).toContain('evict (4 of 12)');
  });
});

describe('a promise that is not kept', { timeout: PATIENCE_MS }, () => {
  test('is named, and the demo has failed: somebody else writes the set', async () => {
    const meddled: Scenario = {
      ...zoneClosing,
      async play(of) {
        const told = await zoneClosing.play(of);
        await of.world.api.mergePatch(statefulSets, { namespace: 'demo', name: 'web' }, { metadata: { labels: { mine: 'now' } } }, { fieldManager: 'stranger' });
        await of.onlooker.until('it shows', () => of.onlooker.set()?.metadata.labels?.['mine'] === 'now');
        return told;
      },
    };

    const { good, text } = await play(meddled);

    expect(good).toBe(false);
    expect(text).toContain('Not as promised');
    expect(oneLine(text)).toMatch(/✗ StatefulSet .*stranger wrote fields of the set/);
  });

  test('a move that ends badly ends the demo with the reason', async () => {
    const unexpected: Scenario = { ...zoneSoldOut, expected: [] };

    await expect(play(unexpected)).rejects.toThrow(/The move of web-3 to cn-beijing-b is RolledBack: ZoneUnavailable: no disk like/);
  });

  test('so does a wait in which nothing happens, with what the report says', async () => {
    const stuck: Scenario = {
      ...spread,
      async play(of) {
        await of.onlooker.start();
        await of.onlooker.until('something comes', () => false);
        throw new Error('it came');
      },
    };

    await expect(play(stuck)).rejects.toThrow(/^Waiting until something comes: nothing has changed for 900 s\.\nThere is no SpreadReport of the set\.$/);
  });

  test('Ctrl-C ends it at once', async () => {
    const controller = new AbortController();
    const onText = (text: string): void => {
      if (text.includes('createDisk (7 of 12)')) controller.abort(new Error('SIGINT'));
    };

    await expect(play(spread, { signal: controller.signal, onText })).rejects.toThrow('SIGINT');
  });
});

function expectKept({ good, text }: Played, promises: readonly string[]): void {
  expect(text).toMatch(/^Spread as declared after \d+:\d\d min: (?:two|four) moves\.$/m);
  for (const promise of promises) expect(text).toMatch(new RegExp(`^ {2}✓ ${promise} `, 'm'));
  expect(text).not.toContain('✗');
  expect(good).toBe(true);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

/** What was brought up says how long it took on this machine. */
function withoutOurTime(text: string): string {
  return text.replaceAll(/^( {2}✓ .{15}).{8}/gm, '$1');
}
