// `npm run demo -- --real` as people run it: the process of the README's command, without a terminal.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildControlPlane } from '../controlplane/build.ts';
import { processesNaming } from '../controlplane/processes.ts';
import { startDemo } from './process.ts';

/** Of this test alone: whatever the demo writes, and the command line of whatever it starts, is in it. */
let folder: string;

beforeAll(async () => {
  await buildControlPlane();
});

beforeEach(() => {
  // Short: the driver's socket is in it, and a socket's path has to be.
  folder = mkdtempSync(join(tmpdir(), 'zs-demo-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('npm run demo -- --real', () => {
  test('spreads the set, says what happened, and ends with 0', async () => {
    const demo = startDemo(folder, ['--real']);

    expect(await demo.ended, demo.output()).toBe(0);

    const output = demo.output();
    expect(output).toContain('$ kubectl annotate statefulset web --namespace demo');
    for (const pod of ['web-5', 'web-4', 'web-3', 'web-2']) expect(output).toMatch(new RegExp(`✓ ${pod}  cn-beijing-a → cn-beijing-[bc], down for \\d+\\.\\d s`));
    expect(output).toMatch(/Spread as declared after \d:\d\d min: four moves\./);
    expect(output).toMatch(/Overhead in all: \d+\.\d %/);
    for (const promise of ['Zones', 'Data', 'Siblings', 'StatefulSet', 'Downtime', 'Kept']) expect(output).toMatch(new RegExp(`✓ ${promise} `));
    expect(output).not.toContain('✗');
    expect(output).not.toContain('\u001B');
    expectNothingLeft();
  });

  test('Ctrl-C in the middle of a move ends it quietly and leaves nothing behind', async () => {
    const demo = startDemo(folder, ['--real']);
    await demo.says(/web-5 .*snapshot \(6 of 12\)/);

    demo.process.kill('SIGINT');

    expect(await demo.ended, demo.output()).toBe(130);
    expect(demo.output()).not.toMatch(/fail|error/i);
    expectNothingLeft();
  });

  test('a daemon that dies is an error that names its log, which is kept', async () => {
    const demo = startDemo(folder, ['--real']);
    await demo.says(/web-5 .*detach \(5 of 12\)/);

    killDaemon();

    expect(await demo.ended, demo.output()).toBe(1);
    const [, logs = ''] = /The logs of everything that ran are in (\S+)/.exec(demo.output()) ?? [];
    expect(demo.output()).toMatch(/The demo failed\. zonespread controller ended with/);
    expect(readdirSync(logs)).toEqual(expect.arrayContaining(['controller.log', 'webhook.log', 'kube-apiserver.log', 'csi-attacher.log', 'cloud.json']));
    expect(processesNaming(folder)).toEqual([]);
  });

  test('without Go it says what to install', async () => {
    const demo = startDemo(folder, ['--real'], { PATH: folder });

    expect(await demo.ended).toBe(1);
    expect(demo.output()).toMatch(/The demo failed\. .*there is no `go` in PATH\. Install Go 1\.26 or newer/);
    expectNothingLeft();
  });
});

/** The process itself, not what watches over it. */
function killDaemon(): void {
  const line = processesNaming(folder).find((one) => one.includes('cli/main.ts controller') && !one.includes(' supervise '));
  process.kill(Number(line?.split(' ')[0]), 'SIGKILL');
}

function expectNothingLeft(): void {
  expect(readdirSync(folder)).toEqual([]);
  expect(processesNaming(folder)).toEqual([]);
}
