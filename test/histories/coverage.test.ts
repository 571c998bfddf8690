// "Sometimes" counters: what a run of many histories must have met.

import { describe, expect, it } from 'vitest';
import { Coverage } from '../../src/histories/coverage.ts';
import { expectedCoverage } from '../../src/histories/expected.ts';

describe('coverage', () => {
  it('names what was never met', () => {
    const coverage = new Coverage();
    coverage.met('step: snapshot');
    coverage.add({ 'fault: conflict': 3 });
    expect(coverage.missing(['fault: conflict', 'step: detach', 'step: snapshot'])).toEqual(['step: detach']);
    expect(coverage.counts()).toEqual({ 'fault: conflict': 3, 'step: snapshot': 1 });
  });

  it('expects every step, undo, crash site, fault and act', () => {
    const expected = expectedCoverage();
    for (const what of ['Forward: swapClaim', 'Undo: keepSource', 'Restore: restoreSnapshot', 'killed at: Forward snapshot', 'phase: Frozen']) expect(expected).toContain(what);
    expect(new Set(expected).size).toBe(expected.length);
    expect(expected.filter((what) => what.startsWith('fault: ')).length).toBeGreaterThan(30);
    expect(expected.filter((what) => what.startsWith('act: ')).length).toBeGreaterThan(20);
  });
});
