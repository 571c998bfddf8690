// The Common Expression Language, read into a tree: what admission conditions and validation rules are written in. Macros (`exists`, `all`
// …) stay calls; the evaluator knows them.

export type Expression =
  | { kind: 'literal'; value: unknown }
  | { kind: 'name'; name: string }
  | { kind: 'list'; items: Expression[] }
  | { kind: 'map'; entries: [Expression, Expression][] }
  | { kind: 'select'; target: Expression; field: string; optional: boolean }
  | { kind: 'index'; target: Expression; index: Expression; optional: boolean }
  | { kind: 'call'; target: Expression | undefined; name: string; args: Expression[] }
  | { kind: 'unary'; operator: string; operand: Expression }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }
  | { kind: 'conditional'; condition: Expression; whenTrue: Expression; otherwise: Expression };

/** The text is no CEL that we know. */
export class CelSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelSyntaxError';
  }
}

interface Token {
  kind: 'number' | 'string' | 'name' | 'sign' | 'end';
  text: string;
  value?: unknown;
  at: number;
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?u?)|(r?"(?:[^"\\\n]|\\.)*"|r?'(?:[^'\\\n]|\\.)*')|([A-Za-z_][A-Za-z0-9_]*)|(&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()[\]{}]))/y;

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new CelSyntaxError(`Syntax error at ${start}: ${text.slice(start, start + 20)}`);
    found.push(tokenOf(match, start));
  }
  return [...found, { kind: 'end', text: '', at: text.length }];
}

function tokenOf([, number, quoted, name, sign = '']: RegExpExecArray, at: number): Token {
  if (number !== undefined) return { kind: 'number', text: number, value: Number(number.replace(/u$/, '')), at };
  if (quoted !== undefined) return { kind: 'string', text: quoted, value: unquoted(quoted), at };
  if (name !== undefined) return { kind: 'name', text: name, at };
  return { kind: 'sign', text: sign, at };
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', a: '\u0007' };

function unquoted(text: string): string {
  if (text.startsWith('r')) return text.slice(2, -1);
  return text.slice(1, -1).replaceAll(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([^]))/g, (_, unicode?: string, hex?: string, one = '') => {
    const code = unicode ?? hex;
    return code === undefined ? (ESCAPES[one] ?? one) : String.fromCodePoint(Number.parseInt(code, 16));
  });
}

/** @throws CelSyntaxError */
export function parseCel(text: string): Expression {
  const parser = new Parser(tokens(text));
  const expression = parser.expression();
  parser.expectEnd();
  return expression;
}

/** Loosest first; all of one level are left-associative. */
const LEVELS: string[][] = [['||'], ['&&'], ['==', '!=', '<', '<=', '>', '>=', 'in'], ['+', '-'], ['*', '/', '%']];
const CONSTANTS: Record<string, unknown> = { true: true, false: false, null: null };

class Parser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(list: Token[]) {
    this.#tokens = list;
  }

  expression(): Expression {
    const condition = this.#binary(0);
    if (!this.#take('?')) return condition;
    const whenTrue = this.#binary(0);
    this.#expect(':');
    return { kind: 'conditional', condition, whenTrue, otherwise: this.expression() };
  }

  expectEnd(): void {
    if (this.#next.kind !== 'end') this.#fail();
  }

  #binary(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    while (operators.includes(this.#next.text) && this.#next.kind !== 'string') {
      const operator = this.#shift().text;
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1) };
    }
    return left;
  }

  #unary(): Expression {
    for (const operator of ['!', '-']) if (this.#take(operator)) return { kind: 'unary', operator, operand: this.#unary() };
    return this.#member(this.#primary());
  }

  #member(start: Expression): Expression {
    let target = start;
    for (;;) {
      if (this.#take('.')) target = this.#field(target);
      else if (this.#take('[')) {
        const optional = this.#take('?');
        const index = this.expression();
        this.#expect(']');
        target = { kind: 'index', target, index, optional };
      } else return target;
    }
  }

  #field(target: Expression): Expression {
    const optional = this.#take('?');
    const name = this.#name();
    if (!optional && this.#take('(')) return { kind: 'call', target, name, args: this.#list(')') };
    return { kind: 'select', target, field: name, optional };
  }

  #primary(): Expression {
    const token = this.#shift();
    if (token.kind === 'number' || token.kind === 'string') return { kind: 'literal', value: token.value };
    if (token.kind === 'name') return this.#named(token.text);
    if (token.text === '(') {
      const inner = this.expression();
      this.#expect(')');
      return inner;
    }
    if (token.text === '[') return { kind: 'list', items: this.#list(']') };
    if (token.text === '{') return { kind: 'map', entries: this.#entries() };
    this.#at -= 1;
    return this.#fail();
  }

  #named(name: string): Expression {
    if (Object.hasOwn(CONSTANTS, name)) return { kind: 'literal', value: CONSTANTS[name] };
    return this.#take('(') ? { kind: 'call', target: undefined, name, args: this.#list(')') } : { kind: 'name', name };
  }

  #list(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#take(end)) {
      items.push(this.expression());
      if (!this.#take(',') && this.#next.text !== end) this.#fail();
    }
    return items;
  }

  #entries(): [Expression, Expression][] {
    const entries: [Expression, Expression][] = [];
    while (!this.#take('}')) {
      const key = this.expression();
      this.#expect(':');
      entries.push([key, this.expression()]);
      if (!this.#take(',') && this.#next.text !== '}') this.#fail();
    }
    return entries;
  }

  #name(): string {
    if (this.#next.kind !== 'name') this.#fail();
    return this.#shift().text;
  }

  #take(sign: string): boolean {
    if (this.#next.kind !== 'sign' || this.#next.text !== sign) return false;
    this.#at += 1;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) this.#fail();
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', at: 0 };
  }

  #shift(): Token {
    const token = this.#next;
    this.#at += 1;
    return token;
  }

  #fail(): never {
    const { text, at, kind } = this.#next;
    throw new CelSyntaxError(`Syntax error at ${at}: ${kind === 'end' ? 'unexpected end' : `unexpected "${text}"`}`);
  }
}

/** Names that an expression takes from outside: not the variables of its own macros. */
export function freeNames(expression: Expression): Set<string> {
  const names = new Set<string>();
  collect(expression, new Set(), names);
  return names;
}

const MACROS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

export function isMacro(name: string): boolean {
  return MACROS.has(name);
}

function collect(expression: Expression, bound: Set<string>, names: Set<string>): void {
  if (expression.kind === 'name') {
    if (!bound.has(expression.name)) names.add(expression.name);
    return;
  }
  const inner = macroVariable(expression, bound);
  for (const child of childrenOf(expression)) collect(child, inner, names);
}

function macroVariable(expression: Expression, bound: Set<string>): Set<string> {
  const [variable] = expression.kind === 'call' && isMacro(expression.name) ? expression.args : [];
  return variable?.kind === 'name' ? new Set([...bound, variable.name]) : bound;
}

function childrenOf(expression: Expression): Expression[] {
  const parts = Object.values<unknown>(expression).flat(2);
  return parts.filter((part): part is Expression => typeof part === 'object' && part !== null && 'kind' in part);
}
