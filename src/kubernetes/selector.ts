// Label selectors: the structured form of objects and the string form of annotations and queries, matched against labels.

import type { LabelSelector } from './objects.ts';

export type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

/** One condition on one label; all of a list must hold. */
export interface Requirement {
  key: string;
  operator: Operator;
  values: string[];
}

export type Labels = Record<string, string> | undefined;

/** As Kubernetes has it: no selector selects nothing, an empty one everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  return Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels?.[key] === value) && matchesExpressions(selector.matchExpressions, labels);
}

/** The `matchExpressions` of label selectors and node selector terms (`Gt` and `Lt` occur in the latter only). An unknown operator matches nothing. */
export function matchesExpressions(expressions: LabelSelector['matchExpressions'], labels: Labels): boolean {
  return (expressions ?? []).every(({ key, operator, values }) => isOperator(operator) && matchesRequirement({ key, operator, values: values ?? [] }, labels));
}

export function matchesRequirements(requirements: Requirement[], labels: Labels): boolean {
  return requirements.every((requirement) => matchesRequirement(requirement, labels));
}

export function matchesRequirement({ key, operator, values }: Requirement, labels: Labels): boolean {
  return CONDITIONS[operator](labels?.[key], values);
}

const CONDITIONS: Record<Operator, (value: string | undefined, values: string[]) => boolean> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value), // A missing label is "not in", as in Kubernetes.
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  Gt: (value, [bound]) => comparesTo(value, bound, (label, limit) => label > limit),
  Lt: (value, [bound]) => comparesTo(value, bound, (label, limit) => label < limit),
};

/**
 * The string form: `role=primary`, `role==primary`, `role!=primary`, `role in (a,b)`, `role notin (a,b)`, `role`, `!role`, joined by
 * commas; empty selects everything. @throws Error for people, naming the part that is wrong and what is allowed.
 */
export function parseSelector(text: string): Requirement[] {
  return splitRequirements(text).map((part) => parseRequirement(part, text));
}

/** The string form of a structured selector, for list queries. */
export function selectorText(selector: LabelSelector): string {
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator.toLowerCase()} (${(values ?? []).join(',')})`;
  });
  return [...labels, ...expressions].join(',');
}

function isOperator(operator: string): operator is Operator {
  return Object.hasOwn(CONDITIONS, operator);
}

function comparesTo(value: string | undefined, bound: string | undefined, holds: (value: bigint, bound: bigint) => boolean): boolean {
  const integer = /^-?\d+$/;
  if (value === undefined || bound === undefined || !integer.test(value) || !integer.test(bound)) return false;
  return holds(BigInt(value), BigInt(bound));
}

/** Splits at commas outside parentheses. */
function splitRequirements(text: string): string[] {
  if (text.trim() === '') return [];
  const parts: string[] = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim());
}

const SET_FORM = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUALITY_FORM = /^([^\s=!]+)\s*(==|!=|=)\s*(\S*)$/;
const EXISTENCE_FORM = /^(!?)\s*([^\s=!,()]+)$/;

function parseRequirement(part: string, whole: string): Requirement {
  const requirement = readSetForm(part) ?? readEqualityForm(part) ?? readExistenceForm(part);
  if (requirement === undefined) {
    throw new Error(`label selector "${whole}": "${part}" cannot be read; allowed are key=value, key!=value, key in (a,b), key notin (a,b), key and !key, joined by commas, e.g. "role=primary"`);
  }
  if (!isLabelKey(requirement.key)) {
    throw new Error(`label selector "${whole}": "${requirement.key}" is no label key: an optional DNS prefix and "/", then at most 63 letters, digits, "-", "_" and ".", e.g. "app.kubernetes.io/name"`);
  }
  const wrong = requirement.values.find((value) => !isLabelValue(value));
  if (wrong !== undefined) {
    throw new Error(`label selector "${whole}": "${wrong}" is no label value: at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends`);
  }
  return requirement;
}

function readSetForm(part: string): Requirement | undefined {
  const [, key, operator, list] = SET_FORM.exec(part) ?? [];
  if (key === undefined || list === undefined) return undefined;
  const values = list.split(',').map((value) => value.trim());
  return { key, operator: operator === 'in' ? 'In' : 'NotIn', values };
}

function readEqualityForm(part: string): Requirement | undefined {
  const [, key, operator, value] = EQUALITY_FORM.exec(part) ?? [];
  if (key === undefined || value === undefined) return undefined;
  return { key, operator: operator === '!=' ? 'NotIn' : 'In', values: [value] };
}

function readExistenceForm(part: string): Requirement | undefined {
  const [, negation, key] = EXISTENCE_FORM.exec(part) ?? [];
  if (key === undefined) return undefined;
  return { key, operator: negation === '!' ? 'DoesNotExist' : 'Exists', values: [] };
}

const NAME_PART = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash === -1) return NAME_PART.test(key);
  const prefix = key.slice(0, slash);
  return prefix.length <= 253 && DNS_SUBDOMAIN.test(prefix) && NAME_PART.test(key.slice(slash + 1));
}

export function isLabelValue(value: string): boolean {
  return value === '' || NAME_PART.test(value);
}
