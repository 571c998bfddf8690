// `npm run demo -- --keep` with a real kubectl, as its last lines invite to.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildControlPlane } from '../controlplane/build.ts';
import { startDemo, type Demo } from './process.ts';

let folder: string;
let kubectl: (line: string, ...more: string[]) => Promise<string>;
let demo: Demo;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zs-keep-'));
  const binary = (await buildControlPlane()).kubectl;
  demo = startDemo(folder, ['--keep', '--speed', '600']);
  await demo.says(/Ctrl-C ends it\./);
  const kubeconfig = /export KUBECONFIG=(\S+)/.exec(demo.output())?.[1] ?? '';
  kubectl = (line, ...more) => run(binary, [...line.split(' '), ...more], { KUBECONFIG: kubeconfig });
});

afterAll(() => {
  demo.process.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('every command that it invites to works, and the set moves on', async () => {
  expect(await kubectl('get spreadreports,ordinalmigrations --all-namespaces')).toMatch(/^demo +spreadreport\.zonespread\.io\/web .* true [\s\S]*^demo +ordinalmigration\.zonespread\.io\/web-5-\w+ .* Succeeded /m);
  expect(await kubectl('get sr,om -A')).toContain('cn-beijing-a:2 cn-beijing-b:2 cn-beijing-c:2');
  expect(await kubectl('describe statefulset web')).toMatch(/Replicas: +6 desired \| 6 total[\s\S]*MigrationSucceeded/);
  expect(await kubectl('annotate statefulset web --overwrite zonespread.io/zones=cn-beijing-b,cn-beijing-c')).toContain('web annotated');
  await demo.says(/cn-beijing-a: – │ cn-beijing-b: \d \d \d │ cn-beijing-c: \d \d \d\n/);
  expect(await kubectl('scale statefulset web --replicas 8')).toContain('web scaled');
  await kubectl('wait spreadreport web --timeout=60s', '--for=jsonpath={.status.summary}=cn-beijing-b:4 cn-beijing-c:4');
  await kubectl('wait spreadreport web --timeout=60s --for=condition=Satisfied');
  expect(await kubectl('get pods')).toMatch(/^web-7 /m);
});

test('a wrong annotation is refused by the webhook, in words', async () => {
  await expect(kubectl('annotate statefulset web --overwrite zonespread.io/max-skew=none')).rejects.toThrow(/zonespread\.io\/max-skew/);
});

test('Ctrl-C ends it, and nothing is left', async () => {
  demo.process.kill('SIGINT');

  expect(await demo.ended, demo.output()).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});

/** @throws Error with what it wrote to standard error */
async function run(binary: string, args: string[], environment: Record<string, string>): Promise<string> {
  const child = spawn(binary, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, error] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${error}`);
  return out;
}
