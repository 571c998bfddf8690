import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildLayout } from '../../src/layout/layout.ts';
import { plan, type Plan, type PlanInputs } from '../../src/planner/plan.ts';
import { disk } from '../builders/cloud.ts';
import { node, NOW_MS } from '../builders/kubernetes.ts';
import { policy, zones } from '../builders/policy.ts';
import { addDisk, moveOrdinal, spreadSet, type MutableInputs, type SpreadSetOptions } from '../builders/spread-set.ts';

function planFor(options: SpreadSetOptions | MutableInputs, changes: Partial<PlanInputs> = {}): Plan {
  const inputs = 'set' in options ? options : spreadSet(options);
  return plan({ layout: buildLayout(inputs), policy: policy(), nowMs: NOW_MS, ...changes });
}

function moves({ moves: planned }: Plan): string[] {
  return planned.map(({ ordinal, from, to }) => `${ordinal}:${from}→${to}`);
}

function staying(planned: Plan, ordinal: number) {
  return planned.staying.find((one) => one.ordinal === ordinal);
}

const allInA: SpreadSetOptions = { zones: ['a', 'a', 'a', 'a', 'a', 'a'] };

describe('six replicas, all in a, declared for a, b, c', () => {
  const planned = planFor(allInA);

  it('become two in each zone by four moves, the highest ordinals first', () => {
    expect(moves(planned)).toEqual(['5:a→b', '4:a→c', '3:a→b', '2:a→c']);
    expect(planned.zones).toEqual([
      { zone: 'a', desired: 2, actual: 6, ordinals: [0, 1, 2, 3, 4, 5] },
      { zone: 'b', desired: 2, actual: 0, ordinals: [] },
      { zone: 'c', desired: 2, actual: 0, ordinals: [] },
    ]);
  });

  it('say for each move why, how big, and what all of it costs', () => {
    expect(planned.moves[0]).toEqual({
      ordinal: 5,
      podName: 'web-5',
      from: 'a',
      to: 'b',
      reason: 'Spread',
      why: 'web-5 goes to zone b, which has 0 of the set\'s ordinals while zone a has 6; zonespread.io/max-skew is 1.',
      sizeGiB: 20,
      estimate: { downtime: { middleMs: 90_000, highMs: 90_000 }, total: { middleMs: 150_000, highMs: 150_000 }, measuredMoves: 0 },
      moveLast: false,
    });
    expect(planned.cost).toEqual({ moves: 4, sizeGiB: 80, estimatedMinutes: 10, highMinutes: 10, measuredMoves: 0 });
  });

  it('say for each other ordinal why it stays', () => {
    expect(planned.staying).toEqual([
      { ordinal: 0, reason: 'InPlace', message: 'the disks of web-0 are in zone a, where they may stay' },
      { ordinal: 1, reason: 'InPlace', message: 'the disks of web-1 are in zone a, where they may stay' },
    ]);
  });

  it('are not satisfied yet, and the plan says so', () => {
    expect(planned).toMatchObject({ skew: 6, satisfied: false, unsatisfied: { reason: 'MovesPlanned', message: '4 moves planned' } });
  });

  it('have a digest of exactly the moves', () => {
    expect(planned.digest).toBe(createHash('sha256').update('5 a b\n4 a c\n3 a b\n2 a c\n').digest('hex'));
    expect(planFor({ ...allInA, sizesGiB: [20, 20, 40, 40, 40, 40] }).digest).not.toBe(planned.digest);
    expect(planFor(allInA, { nowMs: NOW_MS + 1 }).digest).toBe(planned.digest);
  });

  it('are satisfied once they are there', () => {
    const inputs = spreadSet(allInA);
    for (const { ordinal, to } of planned.moves) moveOrdinal(inputs, ordinal, to);
    const after = planFor(inputs);
    expect(after).toMatchObject({ moves: [], satisfied: true, skew: 0, cost: { moves: 0, sizeGiB: 0, estimatedMinutes: 0 } });
    expect(after.unsatisfied).toBeUndefined();
  });
});

describe('which ordinals move', () => {
  it('none when the zones are even enough', () => {
    expect(planFor({ zones: ['a', 'b', 'c', 'b'] })).toMatchObject({ moves: [], satisfied: true, skew: 1 });
    expect(moves(planFor({ zones: ['a', 'a', 'b', 'c'] }))).toEqual([]);
    expect(moves(planFor(allInA, { policy: policy({ maxSkew: 6 }) }))).toEqual([]);
  });

  it('those in a zone that is not declared leave it, whatever the skew', () => {
    const planned = planFor({ zones: ['z', 'a', 'b'] });
    expect(moves(planned)).toEqual(['0:z→c']);
    expect(planned.moves[0]).toMatchObject({ reason: 'Evacuate', why: 'web-0 leaves zone z, which is not in zonespread.io/zones (a,b,c).' });
    expect(planned.zones.at(-1)).toEqual({ zone: 'z', desired: 0, actual: 1, ordinals: [0] });
  });

  it('a zone that is taken out of the policy is evacuated, and the others take in what was there', () => {
    const planned = planFor({ zones: ['a', 'b', 'c', 'c', 'b', 'a'] }, { policy: policy(zones('a,b')) });
    expect(planned.moves.map(({ ordinal, from, reason }) => [ordinal, from, reason])).toEqual([[3, 'c', 'Evacuate'], [2, 'c', 'Evacuate']]);
    expect(planned.zones.map(({ zone, desired }) => [zone, desired])).toEqual([['a', 3], ['b', 3], ['c', 0]]);
  });

  it('a pinned ordinal goes where it is pinned, and others make up for it', () => {
    const planned = planFor({ zones: ['a', 'b', 'c'] }, { policy: policy({ pins: { 0: 'c', 7: 'a' } }) });
    expect(planned.moves[0]).toMatchObject({ ordinal: 2, reason: 'Spread' });
    expect(planned.moves[1]).toMatchObject({ ordinal: 0, to: 'c', reason: 'Pin', why: 'web-0 is pinned to zone c by zonespread.io/pin.' });
    expect(planned.moves).toHaveLength(2);
  });

  it('a pod that matches move-last goes last', () => {
    const planned = planFor({ ...allInA, podLabels: (ordinal) => (ordinal === 5 ? { role: 'primary' } : {}) }, { policy: policy({ moveLast: 'role=primary' }) });
    expect(moves(planned)).toEqual(['4:a→c', '3:a→b', '2:a→b', '1:a→c']);
    const unavoidable = planFor({ zones: ['z', 'z'], podLabels: (ordinal) => (ordinal === 1 ? { role: 'primary' } : {}) }, { policy: policy({ moveLast: 'role in (primary)' }) });
    expect(unavoidable.moves.map(({ ordinal, moveLast }) => [ordinal, moveLast])).toEqual([
      [0, false],
      [1, true],
    ]);
  });

  it('all claims of a pod go together, and only those that are elsewhere', () => {
    const inputs = spreadSet({ zones: ['a'], templates: ['data', 'log'] });
    expect(planFor(inputs, { policy: policy(zones('b')) }).moves).toMatchObject([{ from: 'a', to: 'b', sizeGiB: 40 }]);
    addDisk(inputs, { name: 'log-web-0', zone: 'b', sizeGiB: 7 });
    expect(planFor(inputs, { policy: policy(zones('a,b')) }).moves).toMatchObject([{ from: 'a+b', to: 'a', sizeGiB: 7, reason: 'Evacuate' }]);
  });

  it('ordinals outside [start, start+replicas) do not count', () => {
    const inputs = spreadSet({ zones: ['a', 'b', 'a', 'a'], start: 3 });
    inputs.set.spec.replicas = 2;
    expect(planFor(inputs)).toMatchObject({ moves: [], satisfied: true });
  });

  it('ordinals without a zonal disk do not count, and say why', () => {
    const inputs = spreadSet({ zones: ['a', 'a'] });
    inputs.claims.pop();
    inputs.volumes[0]!.spec.nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.kubernetes.io/region', operator: 'In', values: ['r'] }] }] } };
    expect(planFor(inputs).staying).toEqual([
      { ordinal: 0, reason: 'NoZonalDisk', message: 'web-0 has no disk that belongs to one zone' },
      { ordinal: 1, reason: 'NoZonalDisk', message: 'web-1 has no disk yet (claim data-web-1 is not bound)' },
    ]);
  });
});

describe('a set that is scaled is planned for as it will be', () => {
  it('up: ordinals count as soon as their claims are bound, before that nothing moves for them', () => {
    const inputs = spreadSet({ zones: ['a', 'b', 'c', 'a', 'a'] });
    inputs.pods = inputs.pods.slice(0, 3);
    const claims = inputs.claims;
    inputs.claims = claims.slice(0, 3);
    expect(planFor(inputs)).toMatchObject({ moves: [], satisfied: true, skew: 0 });
    expect(planFor(inputs).staying.slice(3).map(({ reason }) => reason)).toEqual(['NoZonalDisk', 'NoZonalDisk']);
    inputs.claims = claims; // Left over from an earlier scale-down, say: the pods will start on them.
    expect(moves(planFor(inputs))).toEqual(['4:a→b']);
  });

  it('down: ordinals that leave count no more, although their pods and disks are still there', () => {
    const inputs = spreadSet({ zones: ['a', 'a', 'b', 'b', 'c', 'c'] });
    expect(planFor(inputs)).toMatchObject({ moves: [], satisfied: true });
    inputs.set.spec.replicas = 4;
    const planned = planFor(inputs);
    expect(moves(planned)).toEqual(['3:b→c']);
    expect(planned.zones.map(({ zone, desired, actual }) => [zone, desired, actual])).toEqual([['a', 2, 2], ['b', 1, 2], ['c', 1, 0]]);
  });

  it('down to nothing: nothing is left to plan', () => {
    const inputs = spreadSet({ zones: ['a', 'a'] });
    inputs.set.spec.replicas = 0;
    expect(planFor(inputs)).toMatchObject({ moves: [], staying: [], satisfied: true, skew: 0 });
  });

  it('by moving its start: the same ordinals count, wherever the range begins', () => {
    const inputs = spreadSet({ zones: ['a', 'a', 'b', 'c'], start: 2 });
    inputs.set.spec.ordinals = { start: 3 };
    inputs.set.spec.replicas = 3;
    expect(planFor(inputs)).toMatchObject({ moves: [], satisfied: true });
  });
});

describe('zones of *', () => {
  it('are those seen and those that have disks, in the order of the alphabet', () => {
    const planned = planFor({ zones: ['b', 'b'], nodeZones: ['a', 'b', 'c'] }, { policy: policy(zones('*')), zonesSeen: ['c', 'a'] });
    expect(planned.zones.map(({ zone }) => zone)).toEqual(['a', 'b', 'c']);
    expect(moves(planned)).toEqual(['1:b→a']);
  });

  it('do not lose a zone because it was not seen: nothing leaves it', () => {
    expect(planFor({ zones: ['x', 'a'], nodeZones: ['a'] }, { policy: policy(zones('*')), zonesSeen: ['a'] })).toMatchObject({ moves: [], satisfied: true });
  });

  it('may not be known yet', () => {
    const inputs = spreadSet({ zones: ['a'] });
    inputs.claims = [];
    expect(planFor(inputs, { policy: policy(zones('*')) })).toMatchObject({ moves: [], satisfied: true, skew: 0, zones: [] });
  });
});

describe('when the policy cannot be met, the nearest layout is planned', () => {
  it('a mistyped zone', () => {
    const planned = planFor(allInA, { policy: policy(zones('a,b,typo')) });
    expect(moves(planned)).toEqual(['5:a→b', '4:a→b', '3:a→b']);
    expect(planned).toMatchObject({ satisfied: false, unsatisfied: { reason: 'ZoneUnavailable', message: expect.stringContaining('zone typo has no nodes (zones with nodes: a, b, c)') } });
    expect(planned.unsatisfied?.message).toContain('the nearest layout is planned (3 moves)');
  });

  it('a zone whose nodes are all gone keeps what it has', () => {
    expect(planFor({ zones: ['a', 'b', 'c'], nodeZones: ['a'] })).toMatchObject({ moves: [], satisfied: true });
  });

  it('a zone that is sold out', () => {
    const planned = planFor({ zones: ['a', 'a', 'a'] }, { unusableZones: new Map([['c', 'cloud_essd is sold out']]) });
    expect(moves(planned)).toEqual(['2:a→b']);
    expect(planned.unsatisfied).toMatchObject({ reason: 'ZoneUnavailable', message: expect.stringContaining('zone c takes no disks now: cloud_essd is sold out') });
  });

  it('a zone without a node for disks of that category', () => {
    const inputs = spreadSet({ zones: ['a', 'a'] });
    inputs.nodes = [node({ zone: 'a' }), node({ zone: 'b', categories: ['cloud_auto'] })];
    const planned = planFor(inputs, { policy: policy(zones('a,b')) });
    expect(planned.moves).toEqual([]);
    expect(planned.unsatisfied?.message).toContain('zone b has no node for web-1: 0/1 nodes are available: 1 node(s) cannot attach cloud_essd disks (node-b)');
    expect(staying(planned, 0)?.reason).toBe('ZoneUnavailable');
  });

  it('disks in an undeclared zone stay when nothing can take them', () => {
    const planned = planFor({ zones: ['z'], nodeZones: ['z'] });
    expect(planned).toMatchObject({ moves: [], satisfied: false, unsatisfied: { reason: 'ZoneUnavailable' }, staying: [{ ordinal: 0, reason: 'ZoneUnavailable' }] });
    expect(planned.unsatisfied?.message).toContain('the layout is as near as it can be');
  });

  it('pins that leave no even layout', () => {
    const planned = planFor({ zones: ['a', 'a', 'a'] }, { policy: policy({ pins: { 0: 'a', 1: 'a', 2: 'a' } }) });
    expect(planned).toMatchObject({ moves: [], unsatisfied: { reason: 'PinsConflict', message: expect.stringContaining('zonespread.io/pin (0=a, 1=a, 2=a) does not go with zonespread.io/max-skew "1"') } });
  });

  it('a pin to a zone that takes nothing stays where it is', () => {
    const planned = planFor({ zones: ['a', 'b'], nodeZones: ['a', 'b'] }, { policy: policy({ pins: { 0: 'c' } }) });
    expect(planned).toMatchObject({ moves: [], unsatisfied: { reason: 'ZoneUnavailable' } });
    expect(staying(planned, 0)).toMatchObject({ reason: 'ZoneUnavailable' });
    expect(staying(planned, 1)).toMatchObject({ reason: 'InPlace' });
  });

  it('an ordinal that can never move: another one goes instead, if there is one', () => {
    const inputs = spreadSet({ zones: ['a', 'a', 'a'] });
    inputs.disks.set('d-data-web-2', disk({ id: 'd-data-web-2', prepaid: true }));
    expect(moves(planFor(inputs))).toEqual(['1:a→c', '0:a→b']);
    inputs.disks.set('d-data-web-1', disk({ id: 'd-data-web-1', locks: ['financial'] }));
    const planned = planFor(inputs);
    expect(moves(planned)).toEqual(['0:a→b']);
    expect(planned.unsatisfied).toMatchObject({ reason: 'OrdinalsHeld', message: expect.stringContaining('web-2 cannot move: disk d-data-web-2 is a subscription') });
    expect(staying(planned, 1)).toMatchObject({ reason: 'DiskLocked' });
  });

  it('somebody else’s veto counts the same', () => {
    const planned = planFor({ zones: ['a', 'a'] }, { policy: policy(zones('a,b')), forbidden: (ordinal, zone) => (zone === 'b' && ordinal === 1 ? 'not this one' : undefined) });
    expect(moves(planned)).toEqual(['0:a→b']);
  });
});

describe('time', () => {
  it('an ordinal in its cool-down stays, another goes instead', () => {
    const until = new Map([[5, NOW_MS + 60_000]]);
    expect(moves(planFor(allInA, { recentMoves: until }))).toEqual(['4:a→c', '3:a→b', '2:a→b', '1:a→c']);
    expect(moves(planFor(allInA, { recentMoves: until, nowMs: NOW_MS + 60_000 }))).toEqual(['5:a→b', '4:a→c', '3:a→b', '2:a→c']);
  });

  it('and when only the cool-down is in the way, the plan says until when', () => {
    const planned = planFor({ zones: ['z'] }, { recentMoves: new Map([[0, NOW_MS + 60_000]]) });
    expect(planned).toMatchObject({ moves: [], unsatisfied: { reason: 'CoolDown', message: expect.stringContaining('web-0 until 2026-11-20T00:01:00.000Z') }, staying: [{ reason: 'CoolDown' }] });
  });

  it('moves under way count as done, and are not planned again', () => {
    const planned = planFor(allInA, { inFlight: new Map([[5, 'c']]) });
    expect(moves(planned)).toEqual(['4:a→c', '3:a→b', '2:a→b']);
    expect(staying(planned, 5)).toEqual({ ordinal: 5, reason: 'InFlight', message: 'web-5 is being moved to zone c' });
    expect(planned.zones[2]).toMatchObject({ zone: 'c', desired: 2, actual: 0 });
    expect(planned.unsatisfied?.message).toBe('3 moves planned, 1 ordinal being moved');
    expect(planFor({ zones: ['a', 'b', 'b'] }, { inFlight: new Map([[2, 'c']]) })).toMatchObject({ moves: [], satisfied: false, unsatisfied: { reason: 'InFlight', message: '1 ordinal being moved' } });
  });

  it('an ordinal whose claim is just being swapped counts where it goes', () => {
    const inputs = spreadSet(allInA);
    inputs.claims = inputs.claims.filter(({ metadata }) => metadata.name !== 'data-web-5');
    expect(moves(planFor(inputs, { inFlight: new Map([[5, 'c']]) }))).toEqual(['4:a→c', '3:a→b', '2:a→b']);
  });

  it('a move by hand out of the declared zones is said to lead elsewhere', () => {
    const planned = planFor({ zones: ['a', 'b', 'c'], nodeZones: ['a', 'b', 'c', 'z'] }, { inFlight: new Map([[0, 'z']]), policy: policy({ maxSkew: 2 }) });
    expect(planned).toMatchObject({ moves: [], satisfied: true });
    const outside = planFor({ zones: ['z', 'b', 'c'] }, { inFlight: new Map([[0, 'y']]), policy: policy({ maxSkew: 2 }) });
    expect(outside.unsatisfied).toMatchObject({ reason: 'InFlight', message: expect.stringContaining('moves under way lead elsewhere (web-0 to y)') });
  });

  it('whichever moves of a plan are carried out, the plan after them is the rest of it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'a', 'b', 'c', 'z'), { minLength: 2, maxLength: 12 }), fc.func(fc.boolean()), (now, isDone) => {
        const inputs = spreadSet({ zones: now });
        const before = planFor(inputs);
        for (const { ordinal, to } of before.moves) if (isDone(ordinal)) moveOrdinal(inputs, ordinal, to);
        expect(moves(planFor(inputs))).toEqual(moves({ ...before, moves: before.moves.filter(({ ordinal }) => !isDone(ordinal)) }));
      }),
      { numRuns: 200 },
    );
  });

  it('the plan after each move is the rest of the plan before it', () => {
    const inputs = spreadSet({ zones: ['a', 'a', 'a', 'a', 'a', 'a', 'a', 'z'] });
    let left = planFor(inputs).moves;
    while (left.length > 0) {
      moveOrdinal(inputs, left[0]!.ordinal, left[0]!.to);
      const rest = left.slice(1).map(({ ordinal, from, to }) => ({ ordinal, from, to }));
      left = planFor(inputs).moves;
      expect(left.map(({ ordinal, from, to }) => ({ ordinal, from, to }))).toEqual(rest);
    }
  });
});

describe('a zone that is being evacuated', () => {
  it('empties, and no longer counts for the skew', () => {
    const planned = planFor({ zones: ['a', 'b', 'c'] }, { evacuatedZones: new Map([['b', 'it is closing']]) });
    expect(moves(planned)).toEqual(['1:b→a']);
    expect(planned.moves[0]).toMatchObject({ reason: 'Evacuate', why: 'web-1 leaves zone b, which is being evacuated: it is closing.' });
    expect(planFor({ zones: ['a', 'c'] }, { evacuatedZones: new Map([['b', 'it is closing']]) })).toMatchObject({ satisfied: true, skew: 0 });
  });

  it.for([
    ['there', ['a', 'b', 'c']],
    ['elsewhere', ['a', 'a', 'c']],
  ] as const)('is not left, nor entered, by who is pinned to it and is %s, and the pin is named', ([, now]) => {
    const planned = planFor({ zones: [...now] }, { policy: policy({ pins: { 1: 'b' } }), evacuatedZones: new Map([['b', 'it is closing']]) });
    const message = 'web-1 is pinned to zone b by zonespread.io/pin, and that zone is being evacuated: it is closing; pin it elsewhere or not at all, or delete the evacuation';
    expect(planned).toMatchObject({ moves: [], unsatisfied: { reason: 'PinsConflict', message: `${message}; the layout is as near as it can be` } });
    expect(staying(planned, 1)).toEqual({ ordinal: 1, reason: 'ZoneUnavailable', message });
    expect(staying(planned, 0)).toMatchObject({ reason: 'InPlace' });
  });
});

function isLess(a: number[], b: number[]): boolean {
  const index = a.findIndex((value, position) => value !== b[position]);
  return index >= 0 && a[index]! < b[index]!;
}

const ZONES = ['a', 'b', 'c', 'd'];
const worlds = fc.record({
  now: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'z'), { minLength: 1, maxLength: 8 }),
  declared: fc.shuffledSubarray(ZONES, { minLength: 1 }),
  withNodes: fc.shuffledSubarray(ZONES, { minLength: 1 }),
  pins: fc.dictionary(fc.constantFrom('0', '1', '2', '3'), fc.constantFrom(...ZONES), { maxKeys: 2 }),
  maxSkew: fc.integer({ min: 1, max: 3 }),
  prepaid: fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 2 }),
});

describe('for any set', () => {
  it('the same inputs give the same plan, in whatever order the objects come', () => {
    fc.assert(
      fc.property(worlds, ({ now, declared, withNodes, maxSkew }) => {
        const inputs = spreadSet({ zones: now, nodeZones: withNodes });
        const shuffled = { ...inputs, pods: inputs.pods.toReversed(), claims: inputs.claims.toReversed(), volumes: inputs.volumes.toReversed(), nodes: inputs.nodes.toReversed() };
        const declaredPolicy = { policy: policy({ zones: { kind: 'list', zones: declared }, maxSkew }) };
        expect(planFor(shuffled, declaredPolicy)).toEqual(planFor(inputs, declaredPolicy));
      }),
      { numRuns: 200 },
    );
  });

  it('after the plan there is nothing left to plan, and what could be met is met', () => {
    fc.assert(
      fc.property(worlds, ({ now, declared, withNodes, pins, maxSkew, prepaid }) => {
        const inputs = spreadSet({ zones: now, nodeZones: withNodes });
        for (const ordinal of prepaid) if (ordinal < now.length) inputs.disks.get(`d-data-web-${ordinal}`)!.prepaid = true;
        const allowedPins = Object.fromEntries(Object.entries(pins).filter(([, zone]) => declared.includes(zone)));
        const changes = { policy: policy({ zones: { kind: 'list', zones: declared }, maxSkew, pins: allowedPins }) };
        const first = planFor(inputs, changes);
        for (const { ordinal, to } of first.moves) moveOrdinal(inputs, ordinal, to);
        const second = planFor(inputs, changes);
        expect(moves(second)).toEqual([]);
        expect(second.satisfied).toBe(first.satisfied || first.unsatisfied?.reason === 'MovesPlanned');
        for (const { zone, desired } of first.zones) expect(second.zones.find((other) => other.zone === zone)?.actual ?? 0).toBe(desired);
      }),
      { numRuns: 500 },
    );
  });

  it('no other layout is better: fewer disks outside, then less excess skew, then fewer moves, then fewer GiB', () => {
    const small = fc.record({
      now: fc.array(fc.record({ zone: fc.constantFrom('a', 'b', 'c', 'd', 'z'), sizeGiB: fc.constantFrom(20, 40) }), { minLength: 1, maxLength: 6 }),
      declared: fc.shuffledSubarray(ZONES, { minLength: 1 }),
      withNodes: fc.shuffledSubarray(ZONES, { minLength: 1 }),
      pins: fc.dictionary(fc.constantFrom('0', '1', '2', '3'), fc.constantFrom(...ZONES), { maxKeys: 2 }),
      vetoes: fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom(...ZONES)), { maxLength: 5 }),
      maxSkew: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(small, ({ now, declared, withNodes, pins, vetoes, maxSkew }) => {
        const allowedPins = Object.fromEntries(Object.entries(pins).filter(([, zone]) => declared.includes(zone)));
        const isVetoed = (ordinal: number, zone: string): boolean => vetoes.some(([other, forbiddenZone]) => other === ordinal && forbiddenZone === zone);
        const planned = planFor(
          { zones: now.map(({ zone }) => zone), sizesGiB: now.map(({ sizeGiB }) => sizeGiB), nodeZones: withNodes },
          { policy: policy({ zones: { kind: 'list', zones: declared }, maxSkew, pins: allowedPins }), forbidden: (ordinal, zone) => (isVetoed(ordinal, zone) ? 'vetoed' : undefined) },
        );
        const score = (zonesThen: string[]): number[] => {
          const counts = declared.map((zone) => zonesThen.filter((other) => other === zone).length);
          const moved = zonesThen.flatMap((zone, ordinal) => (zone === now[ordinal]!.zone ? [] : [now[ordinal]!.sizeGiB]));
          return [zonesThen.filter((zone) => !declared.includes(zone)).length, Math.max(0, Math.max(...counts) - Math.min(...counts) - maxSkew), moved.length, moved.reduce((sum, size) => sum + size, 0)];
        };
        const choices = now.map(({ zone }, ordinal) => {
          const reachable = declared.filter((other) => other === zone || (withNodes.includes(other) && !isVetoed(ordinal, other)));
          const pin = allowedPins[ordinal];
          if (pin === undefined) return [...new Set([...reachable, zone])];
          return reachable.includes(pin) ? [pin] : [zone];
        });
        const every = choices.reduce<string[][]>((partial, options) => partial.flatMap((done) => options.map((zone) => [...done, zone])), [[]]);
        const best = every.map(score).reduce((least, other) => (isLess(other, least) ? other : least));
        const ends = now.map(({ zone }, ordinal) => planned.moves.find((move) => move.ordinal === ordinal)?.to ?? zone);
        expect(score(ends)).toEqual(best);
      }),
      { numRuns: 1000 },
    );
  });

  it('every ordinal either moves or stays, with a reason', () => {
    fc.assert(
      fc.property(worlds, ({ now, declared, withNodes }) => {
        const planned = planFor({ zones: now, nodeZones: withNodes }, { policy: policy({ zones: { kind: 'list', zones: declared } }) });
        const spoken = [...planned.moves, ...planned.staying].map(({ ordinal }) => ordinal).toSorted((a, b) => a - b);
        expect(spoken).toEqual(now.map((_, ordinal) => ordinal));
      }),
      { numRuns: 200 },
    );
  });
});
