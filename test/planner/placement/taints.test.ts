import { describe, expect, it } from 'vitest';
import { taints, unschedulable } from '../../../src/planner/placement/taints.ts';
import { node } from '../../builders/kubernetes.ts';
import { answers, arriving, fitting, landscape } from './landings.ts';

const gpu = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };

describe('a taint', () => {
  const land = landscape({ nodes: [node({ name: 'n1', taints: [gpu] })] });

  it('keeps a pod away, and is named as the scheduler does', () => {
    expect(answers(taints, arriving(), land)).toEqual({ n1: ['node(s) had untolerated taint {dedicated: gpu}'] });
  });

  it.each<[Record<string, unknown>, boolean]>([
    [{ key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }, true],
    [{ key: 'dedicated', value: 'gpu' }, true],
    [{ key: 'dedicated', operator: '', value: 'gpu', effect: '' }, true],
    [{ key: 'dedicated', operator: 'Exists' }, true],
    [{ operator: 'Exists' }, true],
    [{ key: '', operator: 'Exists', effect: 'NoSchedule' }, true],
    [{ key: 'dedicated', value: 'cpu' }, false],
    [{ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'other', operator: 'Exists' }, false],
    [{ key: 'dedicated', operator: 'Lt', value: '5' }, false],
  ])('is tolerated by %j: %s', (toleration, passes) => {
    expect(fitting(taints, arriving({ tolerations: [toleration] }), land)).toEqual(passes ? ['n1'] : []);
  });

  it('that only prefers, keeps nobody away; NoExecute does', () => {
    const nodes = [node({ name: 'n1', taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }), node({ name: 'n2', taints: [{ key: 'x', effect: 'NoExecute' }] })];
    expect(answers(taints, arriving(), landscape({ nodes }))).toEqual({ n1: [], n2: ['node(s) had untolerated taint {x: }'] });
  });

  it('that is not tolerated is found behind one that is', () => {
    const nodes = [node({ name: 'n1', taints: [gpu, { key: 'flaky', effect: 'NoSchedule' }] })];
    expect(answers(taints, arriving({ tolerations: [{ key: 'dedicated', operator: 'Exists' }] }), landscape({ nodes }))).toEqual({ n1: ['node(s) had untolerated taint {flaky: }'] });
  });
});

describe('a cordoned node', () => {
  const cordoned = node({ name: 'n1' });
  cordoned.spec.unschedulable = true;
  const land = landscape({ nodes: [cordoned] });

  it('takes nobody', () => {
    expect(answers(unschedulable, arriving(), land)).toEqual({ n1: ['node(s) were unschedulable'] });
  });

  it('but who tolerates it', () => {
    expect(answers(unschedulable, arriving({ tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }] }), land)).toEqual({ n1: [] });
  });
});
