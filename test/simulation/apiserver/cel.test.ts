// The part of CEL that conditions and rules are written in.

import { describe, expect, it } from 'vitest';
import { validatingConfiguration } from '../../../src/admission/registration.ts';
import { CelError, evaluate } from '../../../src/simulation/apiserver/cel/evaluator.ts';
import { CelSyntaxError, freeNames, parseCel } from '../../../src/simulation/apiserver/cel/parser.ts';

const object = { metadata: { name: 'web-2', labels: { app: 'web', 'zonespread.io/in-flight': 'true' } }, spec: { replicas: 3, names: ['a', 'b'] } };
const value = (text: string): unknown => evaluate(parseCel(text), { object, oldObject: null });

describe('CEL', () => {
  it.each<[string, unknown]>([
    ['1 + 2 * 3 == 7', true],
    ['(1 + 2) * 3', 9],
    ['7 / 2', 3],
    ['-object.spec.replicas', -3],
    ["'a' + \"b\" + r'\\n'", 'ab\\n'],
    ['object.spec.replicas >= 3 && !(object.spec.replicas > 3)', true],
    ["object.metadata.name in ['web-1', 'web-2']", true],
    ["'app' in object.metadata.labels", true],
    ["object.metadata.labels['zonespread.io/in-flight']", 'true'],
    ["object.metadata.labels[?'none'].orValue('-')", '-'],
    ["object.?spec.?ordinals.start.orValue(0)", 0],
    ['has(object.spec.ordinals) ? 1 : 2', 2],
    ['oldObject == null', true],
    ["object.spec.names.exists(n, n == 'b')", true],
    ["object.metadata.labels.exists(key, key.startsWith('zonespread.io/'))", true],
    ["object.spec.names.all(n, n.matches('^[ab]$'))", true],
    ["object.spec.names.exists_one(n, n == 'a')", true],
    ["object.spec.names.filter(n, n != 'a')", ['b']],
    ["object.spec.names.map(n, n + '!')", ['a!', 'b!']],
    ['size(object.spec.names) + object.metadata.name.size()', 7],
    ["{'a': 1}.a == 1 && [1, 2,] == [1, 2]", true],
    ["string(object.spec.replicas) == '3' && int('4') == 4", true],
    ['object.?spec.hasValue() && object.?none.hasValue() == false', true],
  ])('%s is %j', (text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  it('takes a missing field for an error, unless the other side of an or or an and decides', () => {
    expect(() => value('object.spec.none == 1')).toThrow(CelError);
    expect(value('object.spec.none == 1 || true')).toBe(true);
    expect(value('object.spec.none == 1 && false')).toBe(false);
    expect(() => value('object.spec.none == 1 || false')).toThrow('no such key: none');
    expect(value("object.spec.names.exists(n, n == 'a' || n.none == 1)")).toBe(true);
  });

  it.each(['1 +', 'a b', '(1', '[1 2]', 'a.', "'open"])('does not read %s', (text) => {
    expect(() => parseCel(text)).toThrow(CelSyntaxError);
  });

  it('knows which names come from outside', () => {
    expect([...freeNames(parseCel("self.items.all(i, i.zone == oldSelf.zone) && has(self.x)"))]).toEqual(['self', 'oldSelf']);
  });

  it("reads every condition of the product's registration", () => {
    const { webhooks } = validatingConfiguration({ target: { url: 'https://x' }, bundle: '', ownNamespace: 'z', namespaces: [], controller: { username: 'daemon "quoted"', dedicated: true } });
    const expressions = webhooks.flatMap(({ matchConditions }) => matchConditions.map(({ expression }) => expression));
    expect(expressions.length).toBeGreaterThan(5);
    for (const expression of expressions) expect([...freeNames(parseCel(expression))].every((name) => ['object', 'oldObject', 'request'].includes(name))).toBe(true);
  });
});
