// The proof of the placement: generated worlds on the real kube-scheduler, where our verdict per zone is held against what it does with the
// pod. A sample of seeds here, hundreds of them with ZONESPREAD_E2E_FULL=1; ZONESPREAD_WORLD=17 runs one and says what each answered.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../src/kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../src/kubernetes/config.ts';
import { startControlPlane, type ControlPlane } from '../controlplane/start.ts';
import { compareWorld, type Comparison } from './agreement.ts';
import { prepareStage } from './stage.ts';

const FULL = process.env['ZONESPREAD_E2E_FULL'] === '1';
const ONE = process.env['ZONESPREAD_WORLD'];
const SEEDS = ONE === undefined ? Array.from({ length: FULL ? 500 : 60 }, (_, index) => index + 1) : [Number(ONE)];
const MOST_DISAGREEMENT = 0.02;

describe('placement and the real scheduler', () => {
  let controlPlane: ControlPlane;
  let connection: ClusterConnection;
  const comparisons: Comparison[] = [];

  beforeAll(async () => {
    // Nodes come Ready here, and are not to be tainted before the node controller has seen that.
    controlPlane = await startControlPlane({ apiServerFlags: ['--disable-admission-plugins=ServiceAccount,TaintNodesByCondition'] });
    connection = loadCluster({ kubeconfig: controlPlane.kubeconfig });
    const api = createApi({ http: connection.http });
    await prepareStage(api);
    for (const seed of SEEDS) comparisons.push(...(await compareWorld(api, seed, { nodes: FULL || ONE !== undefined })));
    process.stdout.write(`${figures(comparisons)}\n`);
  });

  afterAll(async () => {
    await connection?.close();
    await controlPlane?.stop();
  });

  it('never accept a zone, or a node of it, that the scheduler refuses', () => {
    expect(comparisons.filter(({ outcome }) => outcome === 'accepted')).toEqual([]);
  });

  it('disagree in two of a hundred at most, and then we are the ones who refuse', () => {
    const refused = comparisons.filter(({ outcome }) => outcome === 'refused');
    expect(refused.length, JSON.stringify(refused, undefined, 1)).toBeLessThanOrEqual(comparisons.length * MOST_DISAGREEMENT);
  });

  it('give the same reasons, node by node, in the same words', () => {
    expect(comparisons.filter(({ sameReasons }) => sameReasons === false)).toEqual([]);
  });

  it.runIf(ONE === undefined)('meet many worlds that take the pod, and many that do not', () => {
    const share = comparisons.filter(({ fits }) => fits).length / comparisons.length;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.75);
  });
});

function figures(all: readonly Comparison[]): string {
  const count = (of: (one: Comparison) => boolean): number => all.filter(of).length;
  const compared = all.filter(({ sameReasons }) => sameReasons !== undefined);
  const words = new Map<string, number>();
  for (const { ours, fits } of all) if (!fits) for (const word of ours.split(', ')) words.set(word.replace(/^\d+ /, ''), (words.get(word.replace(/^\d+ /, '')) ?? 0) + 1);
  return [
    `${SEEDS.length} worlds, ${all.length} questions: ${count(({ fits }) => fits)} fit; ${count(({ outcome }) => outcome === 'agree')} agree, ${count(({ outcome }) => outcome === 'refused')} refused by us alone, ${count(({ outcome }) => outcome === 'accepted')} accepted by us alone`,
    `reasons: ${compared.filter(({ sameReasons }) => sameReasons === true).length} of ${compared.length} alike`,
    ...[...words].toSorted(([, a], [, b]) => b - a).map(([word, times]) => `  ${times} × ${word}`),
    ...(ONE === undefined ? [] : all.map((one) => JSON.stringify(one))),
  ].join('\n');
}
