// A failing history is made smaller for as long as it fails in the same way.

import { describe, expect, it } from 'vitest';
import { drawPlan } from '../../src/histories/draw.ts';
import type { HistoryPlan } from '../../src/histories/plan.ts';
import { shrink } from '../../src/histories/shrink.ts';

/** One that has a lot to leave out. */
function busyPlan(): HistoryPlan {
  const plan = drawPlan(1);
  return {
    ...plan,
    sets: [{ ...plan.sets[0]!, replicas: 4, templates: ['data', 'logs'] }, { ...plan.sets[0]!, name: 'db' }],
    faults: ['conflict', 'lost answer', 'snapshot fails', 'webhook down', 'cut'].map((name, index) => ({ name, from: index, to: 100, chance: 0.5 })),
    acts: ['scale down', 'roll out', 'delete a pod'].map((name, index) => ({ name, at: index, lot: 0.5 })),
  };
}

describe('shrinking', () => {
  it('leaves only what the failure needs', async () => {
    const needs = ({ faults, acts }: HistoryPlan): boolean => faults.some(({ name }) => name === 'snapshot fails') && acts.some(({ name }) => name === 'roll out');
    const { plan, played } = await shrink(busyPlan(), { fails: (candidate) => Promise.resolve(needs(candidate)) });
    expect(plan.faults.map(({ name }) => name)).toEqual(['snapshot fails']);
    expect(plan.acts.map(({ name }) => name)).toEqual(['roll out']);
    expect(plan.sets).toHaveLength(1);
    expect(plan.sets[0]).toMatchObject({ replicas: 1, templates: ['data'] });
    expect(played).toBeGreaterThan(5);
  });

  it('gives the plan back when nothing can be left out', async () => {
    const plan = busyPlan();
    expect((await shrink(plan, { fails: () => Promise.resolve(false) })).plan).toBe(plan);
  });

  it('plays no more histories than it is allowed to', async () => {
    let asked = 0;
    const fails = (): Promise<boolean> => {
      asked += 1;
      return Promise.resolve(true);
    };
    await shrink(busyPlan(), { fails, limit: 3 });
    expect(asked).toBe(3);
  });
});
