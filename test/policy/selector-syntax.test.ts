import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSelector } from '../../src/kubernetes/selector.ts';
import { selectorProblem } from '../../src/policy/selector-syntax.ts';

function readable(text: string): boolean {
  try {
    parseSelector(text);
    return true;
  } catch {
    return false;
  }
}

it.each(['role=primary', 'role == primary', 'role!=primary', 'role', '!role', 'role in (a, b)', 'app.kubernetes.io/role notin (a),tier=x', 'role='])('%j is a selector', (text) => {
  expect(selectorProblem(text)).toBeUndefined();
});

it.each(['', ' ', 'role=a=b', 'role in a', 'role in (a', 'a,,b', 'a,', '-role=x', 'role=x y', 'UPPER.io/role=x.', '/role', 'a/b/c', `${'k'.repeat(64)}=v`, 'role>1'])('%j is none', (text) => {
  expect(selectorProblem(text)).toBeTypeOf('string');
});

it('speaks the language of the selector that is matched later', () => {
  const piece = fc.constantFrom('role', 'app.io/role', 'a', 'B-', '=', '==', '!=', '!', ',', '(', ')', ' ', 'in', 'notin', '-', '.', '/', '_x', 'a-b', '', 'a'.repeat(70));
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 9 }), (pieces) => {
      const text = pieces.join('');
      fc.pre(text.trim() !== '');
      expect({ text, selector: selectorProblem(text) === undefined }).toEqual({ text, selector: readable(text.trim()) });
    }),
    { numRuns: 5000 },
  );
});

it('reads a hostile text in no time', () => {
  const started = performance.now();
  selectorProblem(`a${',a'.repeat(120_000)}-`);
  selectorProblem(`a in (${'a,'.repeat(120_000)}`);
  selectorProblem('a-'.repeat(120_000));
  selectorProblem(`${'a.'.repeat(120_000)}/`);
  expect(performance.now() - started).toBeLessThan(2000);
});
