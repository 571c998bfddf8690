// Evaluates a CEL expression on JSON. A field that is not there is an error, as in CEL, and `||` and `&&` get over an error on one side
// when the other side decides. What we do not know is an error of its own, so that nothing is judged by half an expression.

import { equal, isObject } from '../json.ts';
import { isMacro, type Expression } from './parser.ts';

/** The expression cannot be evaluated on these values. */
export class CelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelError';
  }
}

export type Variables = Record<string, unknown>;

/** A value that may be absent: what `.?field` gives. */
class Optional {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

type Of<K extends Expression['kind']> = Extract<Expression, { kind: K }>;

/** @throws CelError */
export function evaluate(expression: Expression, variables: Variables): unknown {
  const evaluateKind = EVALUATORS[expression.kind] as (expression: Expression, variables: Variables) => unknown;
  return evaluateKind(expression, variables);
}

const EVALUATORS: { [K in Expression['kind']]: (expression: Of<K>, variables: Variables) => unknown } = {
  literal: ({ value }) => value,
  name: ({ name }, variables) => named(name, variables),
  list: ({ items }, variables) => items.map((item) => evaluate(item, variables)),
  map: ({ entries }, variables) => Object.fromEntries(entries.map(([key, value]) => [String(evaluate(key, variables)), evaluate(value, variables)])),
  select: ({ target, field, optional }, variables) => selected(evaluate(target, variables), field, optional),
  index: ({ target, index, optional }, variables) => indexed(evaluate(target, variables), evaluate(index, variables), optional),
  call: (expression, variables) => called(expression, variables),
  unary: ({ operator, operand }, variables) => negated(operator, evaluate(operand, variables)),
  binary: (expression, variables) => combined(expression, variables),
  conditional: ({ condition, whenTrue, otherwise }, variables) => evaluate(truth(evaluate(condition, variables)) ? whenTrue : otherwise, variables),
};

function named(name: string, variables: Variables): unknown {
  if (!Object.hasOwn(variables, name)) throw new CelError(`undeclared reference to '${name}'`);
  return variables[name];
}

function selected(target: unknown, field: string, optional: boolean): unknown {
  if (target instanceof Optional) return target.value === undefined ? target : new Optional(fieldOf(target.value, field));
  if (optional) return new Optional(fieldOf(target, field));
  const value = fieldOf(target, field);
  if (value === undefined) throw new CelError(`no such key: ${field}`);
  return value;
}

function fieldOf(target: unknown, field: string): unknown {
  return isObject(target) && Object.hasOwn(target, field) ? target[field] : undefined;
}

function indexed(target: unknown, index: unknown, optional: boolean): unknown {
  const container = target instanceof Optional ? target.value : target;
  const value = Array.isArray(container) ? (container[Number(index)] as unknown) : fieldOf(container, String(index));
  if (optional || target instanceof Optional) return new Optional(value);
  if (value === undefined) throw new CelError(Array.isArray(container) ? `index out of bounds: ${String(index)}` : `no such key: ${String(index)}`);
  return value;
}

function negated(operator: string, value: unknown): unknown {
  if (operator === '!') return !truth(value);
  return -numberOf(value);
}

function combined({ operator, left, right }: Of<'binary'>, variables: Variables): unknown {
  if (operator === '||' || operator === '&&') return decided([left, right].map((side) => () => evaluate(side, variables)), operator === '||');
  const [a, b] = [evaluate(left, variables), evaluate(right, variables)];
  const operation = OPERATIONS[operator];
  if (operation === undefined) throw new CelError(`no such operator: ${operator}`);
  return operation(a, b);
}

/** An error on one side counts only when the other side does not decide. */
function decided(sides: (() => unknown)[], deciding: boolean): boolean {
  const errors: unknown[] = [];
  for (const side of sides) {
    try {
      if (truth(side()) === deciding) return deciding;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return !deciding;
}

const OPERATIONS: Record<string, (a: unknown, b: unknown) => unknown> = {
  '==': (a, b) => same(a, b),
  '!=': (a, b) => !same(a, b),
  '<': (a, b) => compared(a, b) < 0,
  '<=': (a, b) => compared(a, b) <= 0,
  '>': (a, b) => compared(a, b) > 0,
  '>=': (a, b) => compared(a, b) >= 0,
  in: (a, b) => contained(a, b),
  '+': (a, b) => added(a, b),
  '-': (a, b) => numberOf(a) - numberOf(b),
  '*': (a, b) => numberOf(a) * numberOf(b),
  '/': (a, b) => Math.trunc(numberOf(a) / numberOf(b)),
  '%': (a, b) => numberOf(a) % numberOf(b),
};

function same(a: unknown, b: unknown): boolean {
  if (a instanceof Optional || b instanceof Optional) return a instanceof Optional && b instanceof Optional && equal(a.value, b.value);
  return equal(a, b);
}

function contained(item: unknown, container: unknown): boolean {
  if (Array.isArray(container)) return container.some((one) => equal(one, item));
  if (isObject(container)) return Object.hasOwn(container, String(item));
  throw new CelError("no such overload: 'in'");
}

function compared(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  return numberOf(a) - numberOf(b);
}

function added(a: unknown, b: unknown): unknown {
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  if (Array.isArray(a) && Array.isArray(b)) return [...(a as unknown[]), ...(b as unknown[])];
  return numberOf(a) + numberOf(b);
}

function truth(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new CelError('no such overload: a condition is not a bool');
  return value;
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new CelError('no such overload: not a number');
  return value;
}

function called(call: Of<'call'>, variables: Variables): unknown {
  if (call.target === undefined) return callGlobal(call, variables);
  const target = evaluate(call.target, variables);
  if (isMacro(call.name)) return iterated(call, target, variables);
  const args = call.args.map((argument) => evaluate(argument, variables));
  return method(target, call.name, args);
}

function callGlobal({ name, args }: Of<'call'>, variables: Variables): unknown {
  const [argument] = args;
  if (argument === undefined) throw new CelError(`no such overload: ${name}()`);
  if (name === 'has') return isThere(argument, variables);
  const value = evaluate(argument, variables);
  if (name === 'size') return sizeOf(value);
  if (name === 'string') return String(value);
  if (name === 'int' || name === 'double') return Number(value);
  if (name === 'type' || name === 'dyn') return value;
  throw new CelError(`undeclared reference to '${name}'`);
}

function isThere(argument: Expression, variables: Variables): boolean {
  if (argument.kind !== 'select') throw new CelError('invalid argument to has() macro');
  return fieldOf(evaluate(argument.target, variables), argument.field) !== undefined;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Array.from(value).length;
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  throw new CelError('no such overload: size');
}

function method(target: unknown, name: string, args: unknown[]): unknown {
  if (target instanceof Optional) return ofOptional(target, name, args);
  if (name === 'size') return sizeOf(target);
  const [argument] = args;
  const ofText = TEXT_METHODS[name];
  if (ofText === undefined || typeof target !== 'string' || typeof argument !== 'string') throw new CelError(`no such overload: ${name}`);
  return ofText(target, argument);
}

const TEXT_METHODS: Record<string, (text: string, argument: string) => unknown> = {
  startsWith: (text, argument) => text.startsWith(argument),
  endsWith: (text, argument) => text.endsWith(argument),
  contains: (text, argument) => text.includes(argument),
  matches: (text, argument) => new RegExp(argument, 'u').test(text),
  split: (text, argument) => text.split(argument),
};

function ofOptional({ value }: Optional, name: string, args: unknown[]): unknown {
  if (name === 'orValue') return value ?? args[0];
  if (name === 'hasValue') return value !== undefined;
  if (name !== 'value') throw new CelError(`no such overload: optional.${name}`);
  if (value === undefined) throw new CelError('optional.none() dereference');
  return value;
}

function iterated({ name, args }: Of<'call'>, target: unknown, variables: Variables): unknown {
  const [variable, body] = args;
  if (variable?.kind !== 'name' || body === undefined) throw new CelError(`invalid arguments to ${name}() macro`);
  const items: unknown[] = Array.isArray(target) ? target : keysOf(target);
  const tests = items.map((item) => () => evaluate(body, { ...variables, [variable.name]: item }));
  switch (name) {
    case 'map':
      return tests.map((test) => test());
    case 'filter':
      return items.filter((_, index) => truth(tests[index]?.()));
    case 'exists_one':
      return tests.filter((test) => truth(test())).length === 1;
    default:
      return decided(tests, name === 'exists');
  }
}

function keysOf(value: unknown): string[] {
  if (!isObject(value)) throw new CelError('no such overload: not a list or a map');
  return Object.keys(value);
}
