// No fact is forgotten: each is played by a scenario, or stands with its reason among those that are not.

import { describe, expect, it } from 'vitest';
import { DIFFERENCES } from './differences.ts';
import { FACTS, type FactId } from './facts.ts';
import { NOT_COVERED } from './not-covered.ts';
import { recordedNames } from './recorded.ts';
import { SCENARIOS } from './scenarios/all.ts';

const ids = Object.keys(FACTS) as FactId[];
const played = new Set(SCENARIOS.flatMap(({ facts }) => facts));
const names = SCENARIOS.map(({ name }) => name);

describe('the facts that the product stands on', () => {
  it.each(ids)('%s is covered by a scenario, or it is said why not', (id) => {
    expect([...(played.has(id) ? ['a scenario'] : []), ...(NOT_COVERED[id] === undefined ? [] : ['a reason'])]).toHaveLength(1);
  });
});

describe('the scenarios', () => {
  it('have names of their own', () => {
    expect(new Set(names).size).toBe(names.length);
  });

  it('were all recorded on a real control plane, and nothing else was', () => {
    expect(recordedNames().toSorted()).toEqual(names.toSorted());
  });

  it('that differ are scenarios', () => {
    expect(DIFFERENCES.map(({ scenario }) => scenario).filter((name) => !names.includes(name))).toEqual([]);
  });
});
