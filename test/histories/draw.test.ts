// What is drawn: the same from the same seed, valid, and over many seeds everything there is.

import { describe, expect, it } from 'vitest';
import { ACTS } from '../../src/histories/acts.ts';
import { drawPlan } from '../../src/histories/draw.ts';
import { FAULTS } from '../../src/histories/faults.ts';
import type { HistoryPlan } from '../../src/histories/plan.ts';
import { annotationsOf } from '../../src/histories/manifests.ts';
import { checkAnnotations } from '../../src/policy/policy.ts';

const plans: HistoryPlan[] = Array.from({ length: 500 }, (_, index) => drawPlan(index + 1));
const sets = plans.flatMap((plan) => plan.sets);

function values<T>(of: (plan: HistoryPlan) => T): Set<T> {
  return new Set(plans.map(of));
}

describe('a drawn plan', () => {
  it('is the same from the same seed, and another from another', () => {
    expect(drawPlan(7)).toEqual(drawPlan(7));
    expect(new Set(plans.map((plan) => JSON.stringify({ ...plan, seed: 0 }))).size).toBe(plans.length);
  });

  it('is plain data', () => {
    expect(JSON.parse(JSON.stringify(drawPlan(3)))).toEqual(drawPlan(3));
  });

  it('declares only what the product accepts', () => {
    const wrong = sets.flatMap(({ policy, podManagement }) => checkAnnotations({ on: 'StatefulSet', annotations: annotationsOf(policy), podManagementPolicy: podManagement }).problems);
    expect(wrong).toEqual([]);
  });

  it('keeps faults and acts within the trouble, in order', () => {
    for (const { faults, acts, troubleMs } of plans) {
      expect(faults.every(({ from, to, chance }) => from >= 0 && from < to && to <= troubleMs && chance > 0 && chance <= 1)).toBe(true);
      expect(acts.every(({ at, lot }) => at >= 0 && at < troubleMs && lot >= 0 && lot < 1)).toBe(true);
      expect(acts.map(({ at }) => at)).toEqual(acts.map(({ at }) => at).toSorted((left, right) => left - right));
    }
  });

  it('gives every step the time that it needs', () => {
    for (const { cluster, product } of plans) {
      const { createDiskMs, attachMs, detachMs } = cluster.cloud;
      expect(product.stepTimeoutMs).toBeGreaterThan(1.4 * Math.max(createDiskMs, attachMs, detachMs));
    }
  });
});

describe('500 plans', () => {
  it('have every fault and every act', () => {
    const faults = new Set(plans.flatMap((plan) => plan.faults.map(({ name }) => name)));
    const acts = new Set(plans.flatMap((plan) => plan.acts.map(({ name }) => name)));
    expect(faults).toEqual(new Set(Object.keys(FAULTS)));
    expect(acts).toEqual(new Set(Object.keys(ACTS)));
  });

  it('have calm ones and hostile ones', () => {
    const troubles = plans.map(({ faults, acts }) => faults.length + acts.length);
    expect(troubles.filter((count) => count === 0).length).toBeGreaterThan(5);
    expect(troubles.filter((count) => count <= 3).length).toBeGreaterThan(80);
    expect(troubles.filter((count) => count >= 12).length).toBeGreaterThan(30);
  });

  it('have every shape of a cluster, a set and a product', () => {
    expect(values(({ cluster }) => cluster.kubernetes)).toEqual(new Set(['1.30', '1.36']));
    expect(values(({ cluster }) => cluster.zones)).toEqual(new Set([2, 3, 4]));
    expect(values(({ cluster }) => cluster.nodesPerZone)).toEqual(new Set([1, 2]));
    expect(values(({ cluster }) => cluster.detachingSnapshots)).toEqual(new Set(['refused', 'inconsistent']));
    expect(values(({ sets: all }) => all.length)).toEqual(new Set([1, 2]));
    expect(values(({ product }) => product.daemons)).toEqual(new Set([1, 2]));
    expect(new Set(sets.map(({ replicas }) => replicas))).toEqual(new Set([1, 2, 3, 4]));
    expect(new Set(sets.map(({ templates }) => templates.length))).toEqual(new Set([1, 2]));
    expect(new Set(sets.map(({ binding, reclaim }) => `${binding} ${reclaim}`)).size).toBe(4);
    expect(new Set(sets.map(({ podManagement, update }) => `${podManagement} ${update}`)).size).toBe(4);
    expect(new Set(sets.map(({ claimRetention: { whenDeleted, whenScaled } }) => `${whenDeleted} ${whenScaled}`)).size).toBe(4);
    expect(new Set(sets.map(({ mayBeDown }) => mayBeDown))).toEqual(new Set([undefined, 1, 2]));
    const declared = ['zones', 'pin', 'max-skew', 'mode', 'max-unavailable', 'on-unready', 'ready-timeout', 'health-duration', 'source-retention', 'snapshot-retention', 'move-last', 'window', 'paused'];
    expect(new Set(sets.flatMap(({ policy }) => Object.keys(policy)))).toEqual(new Set(declared));
    expect(sets.some(({ policy }) => policy['zones'] === '*')).toBe(true);
    expect(new Set(sets.map(({ policy }) => policy['on-unready']))).toEqual(new Set([undefined, 'reverse', 'restore-source']));
  });

  it('have slow clouds, sluggish control planes and clocks that run wrong', () => {
    expect(plans.some(({ cluster }) => cluster.cloud.tagVisibilityLagMs > 300_000)).toBe(true);
    expect(plans.some(({ cluster }) => cluster.cloud.createDiskMs > 45_000)).toBe(true);
    expect(plans.some(({ cluster }) => cluster.pace.watch[1] > 2_000)).toBe(true);
    const rates = plans.flatMap(({ product }) => product.clockRates);
    expect(Math.min(...rates)).toBeLessThan(0.75);
    expect(Math.max(...rates)).toBeGreaterThan(1.35);
    expect(rates.every((rate) => rate >= 0.7 && rate <= 1.4)).toBe(true);
  });
});
