// What the documents say to type, typed: nothing but their own commands, in their order and letter by letter, with the real helm and
// kubectl on a real control plane. A newcomer with the chart's README and docs/upgrade.md; a person whom no daemon helps, with docs/failure-modes.md.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProductPart } from '../../src/demo/real/installation.ts';
import { claims, namespaces } from '../../src/kubernetes/objects.ts';
import type { OrdinalMigration } from '../../src/migration/record.ts';
import type { ClusterUnderTest } from '../e2e/cluster-under-test.ts';
import { expectNoLostWrites, expectSiblingsStayedReady } from '../e2e/expect.ts';
import { claimRecord } from '../e2e/reading.ts';
import { startRealWorld, type Place, type RealWorldOfPeople } from '../e2e/real-world.ts';
import { Scene } from '../e2e/scene.ts';
import { runsInFull } from '../e2e/scenarios/sample.ts';
import { NAMESPACE } from '../helm/helm.ts';
import { ChartRelease } from '../helm/release.ts';
import { commandsIn, read, ROOT, type Block } from './markdown.ts';
import { Shell } from './shell.ts';

/** The zones, the set and the namespace of the README's examples: whoever has others types theirs. */
const PLACE: Place = { region: 'cn-beijing', zones: { a: 'cn-beijing-h', b: 'cn-beijing-i', c: 'cn-beijing-j' } };
const REGISTRY = { '<your registry>': 'registry.example' };

const README = blocksOf('charts/zonespread/README.md').flatMap(textsOf);
const INSTALLED = README.findIndex((command) => command.startsWith('helm install ')) + 1;
const UPGRADE = blocksOf('docs/upgrade.md').flatMap(textsOf);
const BY_HAND = new Map(blocksOf('docs/failure-modes.md').flatMap((block) => (block.mark.startsWith('by hand: ') ? [[block.mark.slice('by hand: '.length), textsOf(block)] as const] : [])));

describe.skipIf((process.env['ZONESPREAD_E2E_KUBECONFIG'] ?? '') !== '')('by the documents alone', () => {
  const shell = new Shell();
  let world: RealWorldOfPeople;
  let scene: Scene;

  beforeAll(async () => {
    world = await startRealWorld({ installation: new InstalledByHand(shell), place: PLACE });
  });
  afterAll(async () => {
    await world?.stop();
    shell.close();
  });

  test('a newcomer gets from an empty cluster to a set that is spread, and to a new release and back', () =>
    inNamespace('shop', { replicas: 3 }, async () => {
      const { a, b, c } = world.zones;
      await scene.startDaemon();
      expect(scene.spread()).toEqual({ [a]: 3 });

      const said: { command: string; shown: string }[] = [];
      for (const command of README.slice(INSTALLED)) said.push({ command, shown: await typed(command) });

      expect(scene.spread()).toEqual({ [a]: 1, [b]: 1, [c]: 1 });
      const shownBy = (part: string): string[] => said.filter(({ command }) => command.includes(part)).map(({ shown }) => shown);
      expect(shownBy('get spreadreports')).toEqual([expect.stringMatching(/^web .* false +2 /m), expect.stringMatching(/^web .* true +0 /m)]);
      expect(shownBy('describe spreadreport')).toEqual([expect.stringContaining('zonespread.io/max-skew is 1')]);
      expect(shownBy('--watch')).toEqual([expect.stringMatching(/^web-[12]-[a-z]{5} .* Succeeded /m)]);
      expectSiblingsStayedReady(scene, []);

      const upgrade: string[] = [];
      for (const command of UPGRADE) upgrade.push(await typed(command));
      expect(upgrade.join('')).toMatch(/Release "zonespread" has been upgraded[^]*Rollback was a success/);
    }));

  test('a person brings a pod back, and ends a move, without any daemon', () =>
    inNamespace('by-hand', { replicas: 2 }, async () => {
      const { a, b } = world.zones;
      await scene.annotate({ zones: `${a},${b}` });

      // Behind the gate on its old volume (in full runs); gone over to its new one, and back; the same, and on.
      const ways: { abandoned: () => Promise<void>; steps: string[]; on: 'source' | 'target'; spread: Record<string, number> }[] = [
        ...(runsInFull() ? [{ abandoned: whileItWasDetached, steps: ['look', 'let go', 'start'], on: 'source' as const, spread: { [a]: 2 } }] : []),
        { abandoned: whileItWasBound, steps: ['look', 'let go', 'back'], on: 'source', spread: { [a]: 2 } },
        { abandoned: whileItWasBound, steps: ['look', 'let go', 'start'], on: 'target', spread: { [a]: 1, [b]: 1 } },
      ];
      for (const { abandoned, steps, on, spread } of ways) {
        await abandoned();
        await byHand(scene.migration(), { steps, on });
        expect(scene.spread()).toEqual(spread);
      }

      await scene.startDaemon();
      await scene.until('a new daemon finds everything as declared', () => scene.report()?.status?.satisfied === true);
      expect(scene.inFlight()).toEqual([]);
    }));

  async function whileItWasDetached(): Promise<void> {
    const heal = world.kubelets.behaviour.keepsVolumesInUse({ zone: world.zones.a });
    await abandonedAt('detach', () => true);
    heal();
  }

  /** The daemon goes with the swap half done; then the new volume is bound, as it would have been. */
  async function whileItWasBound(): Promise<void> {
    const lift = await world.forbidBinding(scene.namespace, 'target');
    await abandonedAt('swapClaim', (record) => scene.claims.get(claimRecord(record).claimName)?.spec.volumeName === claimRecord(record).target?.pv);
    await lift();
    // What the daemon does to have the volume controller look again.
    const claim = scene.claim(1);
    await world.api.mergePatch(claims, { namespace: scene.namespace, name: claim.metadata.name }, { metadata: { annotations: { 'example.com/look': 'again' } } });
    await scene.until('the claim is bound to its new volume', () => scene.claim(1).status?.phase === 'Bound');
  }

  /** Ends the daemon there, for good. */
  async function abandonedAt(step: string, isThere: (record: OrdinalMigration) => boolean): Promise<void> {
    await scene.startDaemon();
    await scene.untilMigration(`a migration is at ${step}`, (record) => record.status?.step === step && isThere(record));
    await scene.stopDaemon();
    await scene.catchUp();
  }

  async function byHand(record: OrdinalMigration, { steps, on }: { steps: readonly string[]; on: 'source' | 'target' }): Promise<void> {
    const claim = claimRecord(record);
    const volume = claim[on]?.pv ?? '';
    const fillings = {
      '<migration>': record.metadata.name,
      '<namespace>': scene.namespace,
      '<claim>': claim.claimName,
      '<pod>': scene.podName(record.spec.ordinal),
      '<source volume>': claim.source.pv,
      '<target volume>': claim.target?.pv ?? '',
      '<volume>': volume,
      '<policy>': claim.source.reclaimPolicy,
    };
    const type = async (step: string): Promise<void> => {
      const commands = BY_HAND.get(step);
      if (commands === undefined) throw new Error(`docs/failure-modes.md has no commands marked "by hand: ${step}"`);
      for (const command of commands) await shell.run(command, fillings);
    };
    for (const step of steps) await type(step);
    await scene.until('the pod is Ready again', () => scene.readyOrdinals().length === scene.ordinals().length);
    await scene.catchUp();
    expect(scene.volume(record.spec.ordinal).metadata.name).toBe(volume);
    expectNoLostWrites(scene);
    for (const step of ['tidy', 'done']) await type(step);
    await scene.catchUp();
    expect(scene.volume(record.spec.ordinal)).toMatchObject({ spec: { persistentVolumeReclaimPolicy: 'Delete' } });
    expect(scene.volume(record.spec.ordinal).metadata.labels ?? {}).not.toHaveProperty('zonespread.io/migration');
  }

  async function inNamespace(name: string, { replicas }: { replicas: number }, act: () => Promise<void>): Promise<void> {
    scene = new Scene(world, name);
    try {
      await scene.open();
      // A minute for each move is right for a database, and long for a test: a namespace may say so for its sets.
      await world.api.mergePatch(namespaces, { name }, { metadata: { annotations: { 'zonespread.io/health-duration': '1s' } } });
      await scene.createSet({ replicas });
      await act();
      expect(scene.readyOrdinals()).toEqual(scene.ordinals());
      expectNoLostWrites(scene);
      await scene.stopDaemon();
    } finally {
      await scene.close();
    }
  }

  /** As a person does: looks again where there is nothing to see yet, and looks on until the set is spread. */
  async function typed(command: string): Promise<string> {
    if (command.startsWith('helm test ')) return withTestPod(() => shell.run(command));
    if (command.includes('--watch')) return shell.during(command, () => scene.untilSpread(spreadOut(), { timeoutMs: 90_000 }));
    if (!command.includes('get spreadreports')) return shell.run(command);
    const wanted = scene.migrations.all().length > 0 ? / true / : / false +[1-9]/;
    return scene.until(`\`${command}\` shows ${String(wanted)}`, async () => {
      const shown = await shell.run(command);
      return wanted.test(shown) && shown;
    });
  }

  function spreadOut(): Record<string, number> {
    return Object.fromEntries(Object.values(world.zones).map((zone) => [zone, 1]));
  }

  async function withTestPod(run: () => Promise<string>): Promise<string> {
    const ran = run();
    const heal = await Promise.race([testPod(), ran.then(() => Promise.reject(new Error('helm test ended before its pod did')))]);
    return ran.finally(heal);
  }

  /** Ends well when its program does, asking the processes that stand for the pods behind the Services. */
  async function testPod(): Promise<() => void> {
    const name = 'zonespread-test';
    const pod = await scene.until('the pod of helm test is there', async () => {
      const text = await shell.run(`kubectl get pod ${name} --namespace ${NAMESPACE} --ignore-not-found --output json`);
      return text !== '' && (JSON.parse(text) as { spec: { containers: { command: string[] }[] } });
    });
    const [, ...program] = pod.spec.containers[0]?.command ?? [];
    const reachable = program.map((part) => part.replace(/^http:\/\/zonespread-(controller|webhook)-metrics\.zonespread-system:8080/, (_all, of: ProductPart) => world.address(of)));
    expect(reachable.filter((part) => part.startsWith('http://127.0.0.1:'))).toHaveLength(2);
    await promisify(execFile)(process.execPath, reachable);
    return world.kubelets.behaviour.completes({ namespace: NAMESPACE, pod: name });
  }
});

/** Everything up to `helm install`, as it stands in the README. */
class InstalledByHand extends ChartRelease {
  readonly #shell: Shell;

  constructor(shell: Shell) {
    super();
    this.#shell = shell;
  }

  protected override async bringIn(cluster: ClusterUnderTest): Promise<string> {
    await this.#shell.open(cluster);
    let said = '';
    for (const command of README.slice(0, INSTALLED)) said = await this.#shell.run(command, REGISTRY);
    return said;
  }
}

function blocksOf(name: string): Block[] {
  return read(name, readFileSync(join(ROOT, name), 'utf8')).blocks.filter(({ language }) => language === 'sh');
}

function textsOf(block: Block): string[] {
  return commandsIn(block).map(({ text }) => text);
}
