import { describe, expect, it } from 'vitest';
import type { NodeSelectorTerm } from '../../../src/kubernetes/objects.ts';
import { nodeAffinity } from '../../../src/planner/placement/node-affinity.ts';
import { answers, arriving, fitting, landscape, nodesWith } from './landings.ts';

const land = landscape({ nodes: nodesWith({ pool: 'db', rank: '3' }, { pool: 'web', rank: '12' }, {}) });
const required = (...nodeSelectorTerms: NodeSelectorTerm[]) => ({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } });
const where = (key: string, operator: string, ...values: string[]) => ({ key, operator, values });

describe('a pod goes', () => {
  it('anywhere when it does not say', () => {
    expect(fitting(nodeAffinity, arriving(), land)).toEqual(['n1', 'n2', 'n3']);
  });

  it('where its node selector leads', () => {
    expect(answers(nodeAffinity, arriving({ nodeSelector: { pool: 'db' } }), land)).toEqual({
      n1: [],
      n2: ["node(s) didn't match Pod's node affinity/selector"],
      n3: ["node(s) didn't match Pod's node affinity/selector"],
    });
  });

  it.each<[string, string, string[], string[]]>([
    ['pool', 'In', ['db', 'x'], ['n1']],
    ['pool', 'NotIn', ['db'], ['n2', 'n3']],
    ['pool', 'Exists', [], ['n1', 'n2']],
    ['pool', 'DoesNotExist', [], ['n3']],
    ['rank', 'Gt', ['3'], ['n2']],
    ['rank', 'Lt', ['12'], ['n1']],
    ['pool', 'Gt', ['3'], []],
  ])('where %s %s %j holds', (key, operator, values, nodes) => {
    expect(fitting(nodeAffinity, arriving(required({ matchExpressions: [where(key, operator, ...values)] })), land)).toEqual(nodes);
  });

  it('where one of its terms holds, with everything in it', () => {
    const both = { matchExpressions: [where('pool', 'Exists'), where('rank', 'Gt', '5')] };
    expect(fitting(nodeAffinity, arriving(required(both)), land)).toEqual(['n2']);
    expect(fitting(nodeAffinity, arriving(required(both, { matchFields: [where('metadata.name', 'In', 'n3')] })), land)).toEqual(['n2', 'n3']);
    expect(fitting(nodeAffinity, arriving(required({ ...both, matchFields: [where('metadata.name', 'NotIn', 'n2')] })), land)).toEqual([]);
  });

  it('nowhere by a term that says nothing', () => {
    expect(fitting(nodeAffinity, arriving(required({})), land)).toEqual([]);
  });

  it('where both selector and affinity allow', () => {
    expect(fitting(nodeAffinity, arriving({ nodeSelector: { pool: 'db' }, ...required({ matchExpressions: [where('rank', 'Gt', '5')] }) }), land)).toEqual([]);
  });
});
