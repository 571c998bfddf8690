import { describe, expect, it } from 'vitest';
import { matchesExpressions, matchesRequirements, matchesSelector, parseSelector, selectorText } from '../../src/kubernetes/selector.ts';

const primary = { app: 'web', role: 'primary', 'apps.kubernetes.io/pod-index': '2' };

describe('label selectors', () => {
  it.each([
    ['', true],
    ['role=primary', true],
    ['role==primary', true],
    ['role=replica', false],
    ['role!=primary', false],
    ['tier!=gold', true],
    ['role in (primary, replica)', true],
    ['role in (replica)', false],
    ['role notin (replica),app=web', true],
    ['tier notin (gold)', true],
    ['role', true],
    ['!role', false],
    ['!tier , app', true],
    ['apps.kubernetes.io/pod-index=2', true],
    ['role=', false],
  ])('%j holds for the primary: %s', (text, holds) => {
    expect(matchesRequirements(parseSelector(text), primary)).toBe(holds);
  });

  it.each(['role=a=b', 'role in a,b', 'in (a)', '=a', 'role in (a', 'a b', ',', 'role in (a;b)', 'ro le=a', '-x=a', 'x=-a', 'Upper.Prefix/x=a', `${'k'.repeat(64)}=a`])('refuses %j, naming the part', (text) => {
    expect(() => parseSelector(text)).toThrow(/^label selector ".*": ".*" (cannot be read; allowed are|is no label key|is no label value)/);
  });

  it('selects nothing without a selector and everything with an empty one', () => {
    expect(matchesSelector(undefined, primary)).toBe(false);
    expect(matchesSelector({}, primary)).toBe(true);
    expect(matchesSelector({}, undefined)).toBe(true);
  });

  it('wants all labels and all expressions', () => {
    expect(matchesSelector({ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'role', operator: 'In', values: ['primary'] }] }, primary)).toBe(true);
    expect(matchesSelector({ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'role', operator: 'DoesNotExist' }] }, primary)).toBe(false);
    expect(matchesSelector({ matchLabels: { app: 'db' } }, primary)).toBe(false);
    expect(matchesSelector({ matchExpressions: [{ key: 'role', operator: 'Like', values: ['p%'] }] }, primary)).toBe(false);
  });

  it('compares whole numbers for node selector terms', () => {
    const cores = { cores: '16' };
    expect(matchesExpressions([{ key: 'cores', operator: 'Gt', values: ['8'] }, { key: 'cores', operator: 'Lt', values: ['32'] }], cores)).toBe(true);
    expect(matchesExpressions([{ key: 'cores', operator: 'Gt', values: ['16'] }], cores)).toBe(false);
    expect(matchesExpressions([{ key: 'cores', operator: 'Gt', values: ['many'] }], cores)).toBe(false);
    expect(matchesExpressions([{ key: 'absent', operator: 'Gt', values: ['1'] }], cores)).toBe(false);
  });

  it('writes the string form so that it reads back', () => {
    const selector = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'role', operator: 'NotIn', values: ['a', 'b'] }, { key: 'x', operator: 'Exists' }, { key: 'y', operator: 'DoesNotExist' }] };
    expect(selectorText(selector)).toBe('app=web,role notin (a,b),x,!y');
    expect(parseSelector(selectorText(selector))).toHaveLength(4);
  });
});
