// A newcomer: nothing but the commands of the chart's README, in their order and letter by letter, from an empty cluster to a set that is
// spread. The real helm and kubectl on a real control plane; beside the pods the program runs as their Deployments have it.

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namespaces } from '../../src/kubernetes/objects.ts';
import type { ClusterUnderTest } from '../e2e/cluster-under-test.ts';
import { expectNoLostWrites, expectSiblingsStayedReady } from '../e2e/expect.ts';
import { startRealWorld, type Place, type RealWorldOfPeople } from '../e2e/real-world.ts';
import { Scene } from '../e2e/scene.ts';
import { commandsIn, read, ROOT } from './markdown.ts';
import { buildHelm } from '../helm/build.ts';
import { NAMESPACE } from '../helm/helm.ts';
import { ChartRelease } from '../helm/release.ts';

const README = 'charts/zonespread/README.md';
/** What a reader has to put in. */
const PLACEHOLDERS: Readonly<Record<string, string>> = { '<your registry>': 'registry.example' };
/** The zones, the set and the namespace that the README has in its examples: whoever has others types theirs. */
const PLACE: Place = { region: 'cn-beijing', zones: { a: 'cn-beijing-h', b: 'cn-beijing-i', c: 'cn-beijing-j' } };
const SET_NAMESPACE = 'shop';

const commands = read(README, readFileSync(join(ROOT, README), 'utf8')).blocks.filter(({ language }) => language === 'sh').flatMap((block) => commandsIn(block).map(({ text }) => text));
const installed = commands.findIndex((command) => command.startsWith('helm install ')) + 1;

describe.skipIf((process.env['ZONESPREAD_E2E_KUBECONFIG'] ?? '') !== '')('a newcomer with the README of the chart', () => {
  let shell: Shell;
  let world: RealWorldOfPeople;
  let scene: Scene;

  beforeAll(async () => {
    shell = new Shell();
    world = await startRealWorld({ installation: new InstalledByHand(shell), place: PLACE });
    scene = new Scene(world, SET_NAMESPACE);
    await scene.open();
    // A minute for each move is right for a database, and long for a test: a namespace may say so for its sets.
    await world.api.mergePatch(namespaces, { name: SET_NAMESPACE }, { metadata: { annotations: { 'zonespread.io/health-duration': '1s' } } });
    await scene.createSet({ replicas: 3 });
    await scene.startDaemon();
  });
  afterAll(async () => {
    await scene?.close();
    await world?.stop();
    shell?.remove();
  });

  test('gets from an empty cluster to a set that is spread', async () => {
    const { a, b, c } = world.zones;
    expect(scene.spread()).toEqual({ [a]: 3 });

    const said: Record<string, string[]> = {};
    for (const command of commands.slice(installed)) (said[command] ??= []).push(await typed(command));

    expect(scene.spread()).toEqual({ [a]: 1, [b]: 1, [c]: 1 });
    expect(scene.readyOrdinals()).toEqual([0, 1, 2]);
    expect(reports(said)).toEqual([expect.stringMatching(/^web .* [Ff]alse +2 /m), expect.stringMatching(/^web .* [Tt]rue +0 /m)]);
    expect(watched(said)).toEqual([expect.stringMatching(/^web-[12]-[a-z]{5} .* Succeeded /m)]);
    expectNoLostWrites(scene);
    expectSiblingsStayedReady(scene, []);
  });

  /** As a person does: looks again where there is nothing to see yet, and looks on until the set is spread. */
  async function typed(command: string): Promise<string> {
    if (command.startsWith('helm test ')) return withTestPod(() => shell.run(command));
    if (command.includes('--watch')) return shell.during(command, () => scene.untilSpread(spreadOut(), { timeoutMs: 90_000 }));
    if (!command.includes('get spreadreports')) return shell.run(command);
    const settled = scene.migrations.all().length > 0;
    return scene.until(`\`${command}\` shows ${settled ? 'that the set is as declared' : 'a plan'}`, async () => {
      const shown = await shell.run(command);
      return (settled ? / [Tt]rue /.test(shown) : / [Ff]alse +[1-9]/.test(shown)) && shown;
    });
  }

  function spreadOut(): Record<string, number> {
    return Object.fromEntries(Object.values(world.zones).map((zone) => [zone, 1]));
  }

  /** Its pod ends well when its program does, asking the processes that stand for the pods behind the Services. */
  async function withTestPod(run: () => Promise<string>): Promise<string> {
    const ran = run();
    await Promise.race([ran.then(() => Promise.reject(new Error('helm test ended before its pod did'))), testPod()]);
    return ran;
  }

  async function testPod(): Promise<void> {
    const name = 'zonespread-test';
    const found = await scene.until('the pod of helm test is there', async () => {
      const text = await shell.run(`kubectl get pod ${name} --namespace ${NAMESPACE} --ignore-not-found --output json`);
      return text !== '' && (JSON.parse(text) as { spec: { containers: { command: string[] }[] } });
    });
    const [, ...program] = found.spec.containers[0]?.command ?? [];
    const reachable = program.map((part) => part.replace(/^http:\/\/zonespread-(controller|webhook)-metrics\.zonespread-system:8080/, (_all, of: 'controller' | 'webhook') => world.address(of)));
    expect(reachable.filter((part) => part.startsWith('http://127.0.0.1:'))).toHaveLength(2);
    await promisify(execFile)(process.execPath, reachable);
    world.kubelets.behaviour.completes({ namespace: NAMESPACE, pod: name });
  }
});

function reports(said: Record<string, string[]>): string[] {
  return Object.entries(said).flatMap(([command, shown]) => (command.includes('get spreadreports') ? shown : []));
}

function watched(said: Record<string, string[]>): string[] {
  return Object.entries(said).flatMap(([command, shown]) => (command.includes('--watch') ? shown : []));
}

/** Everything up to `helm install`, as it stands there. */
class InstalledByHand extends ChartRelease {
  readonly #shell: Shell;

  constructor(shell: Shell) {
    super();
    this.#shell = shell;
  }

  protected override async bringIn(cluster: ClusterUnderTest): Promise<string> {
    await this.#shell.open(cluster);
    let said = '';
    for (const command of commands.slice(0, installed)) said = await this.#shell.run(command);
    return said;
  }
}

/** Of somebody who has kubectl and helm on the PATH, and sits in a checkout. */
class Shell {
  readonly #folder = mkdtempSync(join(tmpdir(), 'zonespread-newcomer-'));
  #environment: NodeJS.ProcessEnv = {};

  async open({ kubeconfig, binaries }: ClusterUnderTest): Promise<void> {
    symlinkSync(binaries.kubectl, join(this.#folder, 'kubectl'));
    symlinkSync(await buildHelm(), join(this.#folder, 'helm'));
    this.#environment = { PATH: `${this.#folder}:/usr/bin:/bin`, HOME: this.#folder, KUBECONFIG: kubeconfig };
  }

  /** What it prints. @throws with what it complains of */
  async run(command: string): Promise<string> {
    return (await promisify(execFile)('sh', ['-c', filledIn(command)], { cwd: ROOT, env: this.#environment })).stdout;
  }

  /** One that goes on until it is interrupted, when `over` resolves. */
  async during(command: string, over: () => Promise<unknown>): Promise<string> {
    const child = spawn('sh', ['-c', `exec ${filledIn(command)}`], { cwd: ROOT, env: this.#environment, stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = new Promise<void>((resolve, reject) => child.once('error', reject).once('close', () => resolve()));
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
    try {
      await over();
    } finally {
      child.kill('SIGINT');
    }
    await closed;
    return shown;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function filledIn(command: string): string {
  return Object.entries(PLACEHOLDERS).reduce((text, [placeholder, value]) => text.replaceAll(placeholder, value), command);
}
