// The structural schema of a custom kind: prunes what it does not know, fills in defaults, and validates with the words of the API
// server. A keyword that we do not know is refused when the definition is loaded, so that no rule is silently left out.

import { CelError, evaluate } from '../cel/evaluator.ts';
import { CelSyntaxError, freeNames, parseCel, type Expression } from '../cel/parser.ts';
import { duplicate, required, unsupported, wrong, type FieldError } from '../field-errors.ts';
import { at, equal, isObject, listAt, objectAt, textAt, type JsonObject } from '../json.ts';

export interface Rule {
  expression: Expression;
  message: string;
  reason: string;
  /** Mentions oldSelf: it judges changes only. */
  transition: boolean;
}

export interface Schema {
  type: string;
  properties: Map<string, Schema>;
  additional: Schema | boolean;
  items: Schema | undefined;
  required: string[];
  enumeration: unknown[] | undefined;
  default: unknown;
  nullable: boolean;
  keepUnknown: boolean;
  intOrString: boolean;
  format: string;
  pattern: RegExp | undefined;
  limits: Limits;
  /** Keys of a list of type map; `[]` with `set`. */
  listKeys: string[] | undefined;
  isSet: boolean;
  rules: Rule[];
}

type Limits = Partial<Record<'minimum' | 'maximum' | 'minLength' | 'maxLength' | 'minItems' | 'maxItems' | 'minProperties' | 'maxProperties', number>>;

const LIMITS: (keyof Limits)[] = ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'];
const PLAIN = ['type', 'description', 'title', 'example', 'properties', 'additionalProperties', 'items', 'required', 'enum', 'default', 'nullable', 'format', 'pattern'];
const EXTENSIONS = ['preserve-unknown-fields', 'int-or-string', 'list-type', 'list-map-keys', 'map-type', 'validations'];
const KNOWN = new Set<string>([...LIMITS, ...PLAIN, ...EXTENSIONS.map((name) => `x-kubernetes-${name}`)]);

/** The definition cannot be loaded: it says something that this server would not honour. */
export class UnknownSchema extends Error {
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.name = 'UnknownSchema';
    this.field = field;
  }
}

/** @throws UnknownSchema */
export function compileSchema(raw: unknown, field: string): Schema {
  const given = objectAt({ raw }, 'raw');
  const strange = Object.keys(given).find((keyword) => !KNOWN.has(keyword));
  if (strange !== undefined) throw new UnknownSchema(`${field}.${strange}`, 'this simulated API server does not know the keyword');
  const additional = given.additionalProperties;
  const listType = textAt(given, 'x-kubernetes-list-type');
  return {
    type: textAt(given, 'type'),
    properties: new Map(Object.entries(objectAt(given, 'properties')).map(([name, property]) => [name, compileSchema(property, `${field}.properties[${name}]`)])),
    additional: isObject(additional) ? compileSchema(additional, `${field}.additionalProperties`) : additional === true,
    items: given.items === undefined ? undefined : compileSchema(given.items, `${field}.items`),
    required: listAt(given, 'required').map(String),
    enumeration: Array.isArray(given.enum) ? given.enum : undefined,
    default: given.default,
    nullable: given.nullable === true,
    keepUnknown: given['x-kubernetes-preserve-unknown-fields'] === true,
    intOrString: given['x-kubernetes-int-or-string'] === true,
    format: textAt(given, 'format'),
    pattern: given.pattern === undefined ? undefined : new RegExp(textAt(given, 'pattern'), 'u'),
    limits: Object.fromEntries(LIMITS.flatMap((name) => (typeof given[name] === 'number' ? [[name, given[name]]] : []))),
    listKeys: listType === 'map' ? listAt(given, 'x-kubernetes-list-map-keys').map(String) : undefined,
    isSet: listType === 'set',
    rules: listAt(given, 'x-kubernetes-validations').map((rule, index) => compileRule(rule, `${field}.x-kubernetes-validations[${index}]`)),
  };
}

function compileRule(raw: unknown, field: string): Rule {
  const known = new Set(['rule', 'message', 'reason']);
  const strange = Object.keys(objectAt({ raw }, 'raw')).find((key) => !known.has(key));
  if (strange !== undefined) throw new UnknownSchema(`${field}.${strange}`, 'this simulated API server does not know the field');
  const text = textAt(raw, 'rule');
  try {
    const expression = parseCel(text);
    const names = freeNames(expression);
    const unknown = [...names].find((name) => name !== 'self' && name !== 'oldSelf');
    if (unknown !== undefined) throw new CelSyntaxError(`undeclared reference to '${unknown}'`);
    return { expression, message: textAt(raw, 'message') || `failed rule: ${text}`, reason: textAt(raw, 'reason') || 'FieldValueInvalid', transition: names.has('oldSelf') };
  } catch (error) {
    if (error instanceof CelSyntaxError) throw new UnknownSchema(`${field}.rule`, `compilation failed: ${error.message}`);
    throw error;
  }
}

/** Fields at the root of every object, which are not the schema's business. */
const ROOT = new Set(['apiVersion', 'kind', 'metadata']);

/** Without unknown fields, with defaults. Nothing is copied where nothing changes. */
export function shaped(schema: Schema, object: JsonObject): JsonObject {
  return withDefaults(schema, prunedFields(schema, object, true)) as JsonObject;
}

function pruned(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return eachItem(schema, value, pruned);
  return isObject(value) ? prunedFields(schema, value, false) : value;
}

function prunedFields(schema: Schema, value: JsonObject, root: boolean): JsonObject {
  const keepUnknown = schema.keepUnknown || schema.additional === true;
  const kept: JsonObject = {};
  for (const [name, field] of Object.entries(value)) {
    const ofRoot = root && ROOT.has(name);
    const property = ofRoot ? undefined : propertyOf(schema, name);
    if (property !== undefined) kept[name] = pruned(property, field);
    else if (keepUnknown || ofRoot) kept[name] = field;
  }
  return kept;
}

function eachItem({ items }: Schema, list: unknown[], change: (schema: Schema, item: unknown) => unknown): unknown[] {
  return items === undefined ? list : list.map((item) => change(items, item));
}

function propertyOf(schema: Schema, name: string): Schema | undefined {
  return schema.properties.get(name) ?? additionalOf(schema);
}

function additionalOf({ additional }: Schema): Schema | undefined {
  return typeof additional === 'boolean' ? undefined : additional;
}

function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return eachItem(schema, value, withDefaults);
  if (!isObject(value)) return value;
  const filled: JsonObject = {};
  for (const [name, field] of Object.entries(value)) {
    const property = propertyOf(schema, name);
    filled[name] = property === undefined ? field : withDefaults(property, notNull(property, field));
  }
  for (const [name, property] of schema.properties) {
    if (filled[name] === undefined && property.default !== undefined) filled[name] = withDefaults(property, property.default);
  }
  return filled;
}

/** A null that is not allowed counts as absent where there is a default. */
function notNull(schema: Schema, field: unknown): unknown {
  return field === null && !schema.nullable && schema.default !== undefined ? schema.default : field;
}

/** Everything that is wrong with the object, and with its change. */
export function validateSchema(schema: Schema, object: JsonObject, previous: JsonObject | undefined): FieldError[] {
  const rest = (value: JsonObject): JsonObject => Object.fromEntries(Object.entries(value).filter(([name]) => !ROOT.has(name)));
  const errors = validate(schema, rest(object), '');
  if (!hasRules(schema)) return errors;
  if (errors.some(({ type }) => BLOCKING.has(type))) return [...errors, wrong('<nil>', null, NOT_CHECKED)];
  return [...errors, ...validateRules(schema, { value: rest(object), old: previous === undefined ? undefined : rest(previous), field: '' })];
}

/** Rules are not run on what is no value of the schema. */
const BLOCKING = new Set<FieldError['type']>(['NotSupported', 'Required', 'TooLong', 'TooMany', 'TypeInvalid']);
const NOT_CHECKED = 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

function hasRules({ rules, properties, additional, items }: Schema): boolean {
  const children = [...properties.values(), ...(typeof additional === 'boolean' ? [] : [additional]), ...(items === undefined ? [] : [items])];
  return rules.length > 0 || children.some(hasRules);
}

function validate(schema: Schema, value: unknown, field: string): FieldError[] {
  if (value === null && schema.nullable) return [];
  const type = typeError(schema, value, field);
  if (type !== undefined) return [type];
  const errors = [...enumErrors(schema, value, field), ...limitErrors(schema, value, field), ...textErrors(schema, value, field)];
  if (Array.isArray(value)) return [...errors, ...validateItems(schema, value, field)];
  return isObject(value) ? [...errors, ...validateFields(schema, value, field)] : errors;
}

function typeError(schema: Schema, value: unknown, field: string): FieldError | undefined {
  if (schema.intOrString) return typeof value === 'string' || Number.isInteger(value) ? undefined : notOf('integer,string', value, field);
  if (schema.type === '') return undefined;
  const actual = typeOf(value);
  if (actual === schema.type || (schema.type === 'number' && actual === 'integer')) return undefined;
  return notOf(schema.type, value, field);
}

function notOf(type: string, value: unknown, field: string): FieldError {
  const shown = typeOf(value) === 'object' ? 'object' : typeOf(value);
  return { type: 'TypeInvalid', field, value: shown, detail: `${field} in body must be of type ${type}: "${shown}"` };
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function enumErrors({ enumeration }: Schema, value: unknown, field: string): FieldError[] {
  if (enumeration === undefined || enumeration.some((one) => equal(one, value))) return [];
  return [unsupported(field, value, enumeration)];
}

const MEASURES: [keyof Limits, keyof Limits, (value: unknown) => number | undefined, (limit: number, over: boolean) => string][] = [
  ['minimum', 'maximum', (value) => (typeof value === 'number' ? value : undefined), (limit, over) => `should be ${over ? 'less' : 'greater'} than or equal to ${limit}`],
  ['minLength', 'maxLength', (value) => (typeof value === 'string' ? Array.from(value).length : undefined), (limit, over) => `should be at ${over ? 'most' : 'least'} ${limit} chars long`],
  ['minItems', 'maxItems', (value) => (Array.isArray(value) ? value.length : undefined), (limit, over) => `should have at ${over ? 'most' : 'least'} ${limit} items`],
  ['minProperties', 'maxProperties', (value) => (isObject(value) ? Object.keys(value).length : undefined), (limit, over) => `should have at ${over ? 'most' : 'least'} ${limit} properties`],
];

function limitErrors({ limits }: Schema, value: unknown, field: string): FieldError[] {
  return MEASURES.flatMap(([least, most, measure, words]) => {
    const measured = measure(value);
    if (measured === undefined) return [];
    const [low, high] = [limits[least], limits[most]];
    if (low !== undefined && measured < low) return [wrong(field, value, `${field} in body ${words(low, false)}`)];
    if (high === undefined || measured <= high) return [];
    if (most === 'maxLength') return [{ type: 'TooLong', field, detail: `may not be more than ${high} bytes` }];
    if (most === 'maxItems') return [{ type: 'TooMany', field, detail: `${measured}: must have at most ${high} items` }];
    return [wrong(field, value, `${field} in body ${words(high, true)}`)];
  });
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

function textErrors({ pattern, format }: Schema, value: unknown, field: string): FieldError[] {
  if (typeof value !== 'string') return [];
  const errors: FieldError[] = [];
  if (pattern !== undefined && !pattern.test(value)) errors.push(wrong(field, value, `${field} in body should match '${pattern.source}'`));
  if (format === 'date-time' && !DATE_TIME.test(value)) errors.push({ type: 'TypeInvalid', field, value, detail: `${field.slice(field.lastIndexOf('.') + 1)} in body must be of type date-time: ${JSON.stringify(value)}` });
  return errors;
}

function validateItems(schema: Schema, list: unknown[], field: string): FieldError[] {
  const { items, listKeys, isSet } = schema;
  const errors = items === undefined ? [] : list.flatMap((item, index) => validate(items, item, `${field}[${index}]`));
  if (listKeys === undefined && !isSet) return errors;
  const keys = list.map((item) => (listKeys === undefined ? item : Object.fromEntries(listKeys.map((key) => [key, at(item, key)]))));
  return [...errors, ...keys.flatMap((key, index) => (keys.findIndex((other) => equal(other, key)) < index ? [duplicate(`${field}[${index}]`, key)] : []))];
}

function validateFields(schema: Schema, object: JsonObject, field: string): FieldError[] {
  const path = (name: string): string => (field === '' ? name : `${field}.${name}`);
  const missing = schema.required.filter((name) => object[name] === undefined && !(field === '' && ROOT.has(name)));
  return [
    ...missing.map((name) => required(path(name))),
    ...Object.entries(object).flatMap(([name, value]) => {
      const property = propertyOf(schema, name);
      return property === undefined ? [] : validate(property, value, path(name));
    }),
  ];
}

interface Judged {
  value: unknown;
  old: unknown;
  field: string;
}

function validateRules(schema: Schema, judged: Judged): FieldError[] {
  const own = schema.rules.flatMap((rule) => ruleErrors(rule, judged));
  const { value, old, field } = judged;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return own;
    return [...own, ...value.flatMap((item: unknown, index) => validateRules(items, { value: item, old: counterpart(schema, item, old), field: `${field}[${index}]` }))];
  }
  if (!isObject(value)) return own;
  const fields = Object.entries(value).flatMap(([name, item]) => {
    const property = propertyOf(schema, name);
    return property === undefined ? [] : validateRules(property, { value: item, old: at(old, name), field: field === '' ? name : `${field}.${name}` });
  });
  return [...own, ...fields];
}

/** Items of a list can be told apart only by their keys. */
function counterpart({ listKeys }: Schema, item: unknown, old: unknown): unknown {
  if (listKeys === undefined || !Array.isArray(old)) return undefined;
  return old.find((one: unknown) => listKeys.every((key) => equal(at(one, key), at(item, key))));
}

function ruleErrors(rule: Rule, { value, old, field }: Judged): FieldError[] {
  if (rule.transition && old === undefined) return [];
  try {
    if (evaluate(rule.expression, { self: value, oldSelf: old }) === true) return [];
    return [wrong(field, undefined, rule.message)];
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return [wrong(field, undefined, `${error.message} evaluating rule: ${rule.message}`)];
  }
}
