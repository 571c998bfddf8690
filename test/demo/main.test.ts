// `npm run demo` as a process: its exit codes, its output without a terminal, and the cluster that stays up for kubectl.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDemo, type Demo } from './process.ts';

/** A machine that is busy with something else starts a process slowly. */
const PATIENCE_MS = 120_000;

/** For whatever the demo writes. */
let folder: string;
let running: Demo | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zs-demo-'));
});

afterEach(() => {
  running?.process.kill('SIGKILL');
  running = undefined;
  rmSync(folder, { recursive: true, force: true });
});

describe('npm run demo', { timeout: PATIENCE_MS }, () => {
  test('ends with 0 when everything held, in plain lines, and leaves nothing behind', async () => {
    const demo = start(['--speed', 'max', '--scenario', 'zone-closing']);

    expect(await demo.ended, demo.output()).toBe(0);

    expect(demo.output()).toContain('Spread as declared');
    expect(demo.output()).not.toContain('\u001B');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('Ctrl-C ends it with 130, says that nothing is left, and nothing of a failure', async () => {
    const demo = start(['--speed', '1']);
    await demo.says(/✓ cluster/);

    demo.process.kill('SIGINT');

    expect(await demo.ended, demo.output()).toBe(130);
    expect(demo.output()).toContain('nothing is left');
    expect(demo.output()).not.toMatch(/fail|error/i);
  });

  test('wrong flags end it with 2', async () => {
    const demo = start(['--scenario', 'sunny-day']);

    expect(await demo.ended).toBe(2);
    expect(demo.output()).toContain('there is no scenario "sunny-day"');
  });
});

describe('--keep', { timeout: PATIENCE_MS }, () => {
  test('leaves a cluster up that answers, moves on when it is told to, and ends with Ctrl-C', async () => {
    const demo = start(['--keep', '--speed', '600']);
    await demo.says(/Ctrl-C ends it\./);
    const kubeconfig = /export KUBECONFIG=(\S+)/.exec(demo.output())?.[1] ?? '';
    const server = /server: "([^"]+)"/.exec(readFileSync(kubeconfig, 'utf8'))?.[1] ?? '';

    const reports = await ask(server, '/apis/zonespread.io/v1alpha1/spreadreports');
    expect(reports).toMatchObject({ items: [{ metadata: { namespace: 'demo', name: 'web' }, status: { satisfied: true, skew: 0 } }] });

    const path = '/apis/apps/v1/namespaces/demo/statefulsets/web';
    await ask(server, path, { metadata: { annotations: { 'zonespread.io/zones': 'cn-beijing-b,cn-beijing-c' } } });
    await demo.says(/cn-beijing-a: – │ cn-beijing-b: \d \d \d │ cn-beijing-c: \d \d \d\n/);

    await ask(server, path, { metadata: { annotations: { 'zonespread.io/zones': 'cn-beijing-a,cn-beijing-b' } } });
    await demo.says(/nothing moves: CoolDown: web-\d has moved only just/);

    demo.process.kill('SIGINT');
    expect(await demo.ended, demo.output()).toBe(0);
    expect(existsSync(kubeconfig)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });
});

function start(args: string[]): Demo {
  running = startDemo(folder, args);
  return running;
}

/** GET, or a merge patch. */
async function ask(server: string, path: string, patch?: object): Promise<unknown> {
  const answer = await fetch(`${server}${path}`, patch === undefined ? {} : { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify(patch) });
  const body: unknown = await answer.json();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(body)}`);
  return body;
}
