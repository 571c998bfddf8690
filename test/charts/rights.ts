// RBAC as the API server has it, as far as the chart's roles go: what a request asks for, and which rule grants it.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { isWatch, type HttpRequest } from '../../src/ports/http.ts';

export interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

/** What a request asks for. */
export interface Ask {
  verb: string;
  /** Empty: core. */
  group: string;
  /** With its subresource: `pods/eviction`. */
  resource: string;
  /** Empty: none. */
  namespace: string;
  /** Empty: none that RBAC can go by. */
  name: string;
}

const FULLNAME = 'zonespread';

/** Of `charts/zonespread/files/rbac/<role>.yaml`, as the release "zonespread" renders it. */
export function rulesOf(role: string): Rule[] {
  const text = readFileSync(new URL(`../../charts/zonespread/files/rbac/${role}.yaml`, import.meta.url), 'utf8');
  return parse(text.replaceAll('{{ include "zonespread.fullname" . }}', FULLNAME)) as Rule[];
}

/** Undefined for what every authenticated user may: discovery, and asking who one is. */
export function askOf({ method, path }: Pick<HttpRequest, 'method' | 'path'>): Ask | undefined {
  const [, root, ...parts] = path.split('?')[0]!.split('/');
  const group = root === 'api' ? '' : parts.shift()!;
  parts.shift(); // The version.
  if (parts.length === 0 || parts[0] === 'selfsubjectreviews') return undefined;
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts.splice(0, 2)[1]! : '';
  const [plural = '', name = '', subresource] = parts;
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`;
  return { verb: verbOf(method, path, name), group, resource, namespace, name: decodeURIComponent(name) };
}

function verbOf(method: HttpRequest['method'], path: string, name: string): string {
  if (method === 'GET') return name !== '' ? 'get' : isWatch({ path }) ? 'watch' : 'list';
  return { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method];
}

/** One verb on one resource of one rule: what a test can say of it whether anybody needs it. */
export interface Grant {
  rule: Rule;
  verb: string;
  group: string;
  resource: string;
}

export function grantsOf(rules: readonly Rule[]): Grant[] {
  return rules.flatMap((rule) => rule.apiGroups.flatMap((group) => rule.resources.flatMap((resource) => rule.verbs.map((verb) => ({ rule, verb, group, resource })))));
}

export function grants({ rule, verb, group, resource }: Grant, ask: Ask): boolean {
  const named = rule.resourceNames === undefined || rule.resourceNames.includes(ask.name);
  return verb === ask.verb && group === ask.group && resource === ask.resource && named;
}

/** `patch apps/deployments zonespread-controller`: a line for people. */
export function describeGrant({ rule, verb, group, resource }: Grant): string {
  return [verb, group === '' ? resource : `${group}/${resource}`, ...(rule.resourceNames ?? [])].join(' ');
}

export function describeAsk({ verb, group, resource, namespace, name }: Ask): string {
  return [verb, group === '' ? resource : `${group}/${resource}`, namespace === '' ? name : `${namespace}/${name}`].join(' ');
}
