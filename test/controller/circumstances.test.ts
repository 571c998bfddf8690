import { describe, expect, it } from 'vitest';
import { circumstancesOf, mendedSince, type Given } from '../../src/controller/circumstances.ts';
import type { NodeFacts } from '../../src/layout/nodes.ts';
import { statefulSet } from '../builders/kubernetes.ts';
import { policy } from '../builders/policy.ts';
import { record } from './records.ts';

const node = (name: string, zone: string, changes: Partial<NodeFacts> = {}): NodeFacts => ({ name, zone, ready: true, schedulable: true, taints: [], labels: { tier: 'db' }, diskCategories: undefined, drivers: undefined, ...changes });

const THEN: Given = { set: statefulSet(), policy: policy(), nodes: [node('n1', 'a'), node('n2', 'b'), node('n3', 'b')] };

function failedWith(reason: string, circumstances: string | undefined = circumstancesOf(THEN, 'b')) {
  return record({ phase: 'RolledBack', reason, ...(circumstances === undefined ? {} : { metadata: { annotations: { 'zonespread.io/circumstances': circumstances } } }) });
}

/** Whether a failure for that reason counts less now. */
function mended(reason: string, now: Partial<Given>): boolean {
  return mendedSince(failedWith(reason), (zone) => circumstancesOf({ ...THEN, ...now }, zone));
}

describe('what made a move fail may have been mended', () => {
  it('not when everything is as it was, in whatever order it is told', () => {
    expect(mended('SnapshotFailed', {})).toBe(false);
    expect(mended('Unschedulable', { nodes: THEN.nodes.toReversed(), set: { ...THEN.set, spec: Object.fromEntries(Object.entries(THEN.set.spec).toReversed()) as typeof THEN.set.spec } })).toBe(false);
  });

  it('when the policy is another', () => {
    expect(mended('SnapshotFailed', { policy: { ...THEN.policy, readyTimeoutMs: 1 } })).toBe(true);
  });

  it('when the spec of the set is another, but not when it was scaled', () => {
    expect(mended('SnapshotFailed', { set: { ...THEN.set, spec: { ...THEN.set.spec, minReadySeconds: 77 } } })).toBe(true);
    expect(mended('SnapshotFailed', { set: { ...THEN.set, spec: { ...THEN.set.spec, replicas: 77 } } })).toBe(false);
  });

  it.each<[string, NodeFacts[]]>([
    ['has a node more', [...THEN.nodes, node('n4', 'b')]],
    ['has a node less', [node('n1', 'a'), node('n2', 'b')]],
    ['has a node that is not Ready', [node('n1', 'a'), node('n2', 'b', { ready: false }), node('n3', 'b')]],
    ['has a node with another taint', [node('n1', 'a'), node('n2', 'b', { taints: [{ key: 'x', effect: 'NoSchedule' }] }), node('n3', 'b')]],
  ])('when the zone %s, if the failure was about nodes', (_what, nodes) => {
    expect(mended('Unschedulable', { nodes })).toBe(true);
    expect(mended('SnapshotFailed', { nodes })).toBe(false);
  });

  it('not when it is another zone whose nodes are others', () => {
    expect(mended('Unschedulable', { nodes: [...THEN.nodes, node('n4', 'a')] })).toBe(false);
  });

  it.each([undefined, '', 'nonsense'])('never, as far as anybody knows, of a record that says nothing about then: %s', (circumstances) => {
    const untold = circumstances === undefined ? record({ phase: 'RolledBack' }) : failedWith('Unschedulable', circumstances);
    expect(mendedSince(untold, () => 'p.s.n')).toBe(false);
  });
});
