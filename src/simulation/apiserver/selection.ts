// Which objects a list or a watch is about: namespace, label selector, field selector.

import type { KubernetesObject } from '../../kubernetes/objects.ts';
import { matchesRequirements, parseSelector } from '../../kubernetes/selector.ts';
import type { Kind } from './kinds/kind.ts';
import { badRequest } from './refusals.ts';

export interface Selector {
  namespace: string | undefined;
  matches(object: KubernetesObject): boolean;
  /** Nothing is left out but other namespaces. */
  everything: boolean;
}

export interface Selecting {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

/** @throws Refusal 400 for a selector that cannot be read, or a field that the kind cannot be selected by. */
export function selectorOf(kind: Kind, { namespace, labelSelector = '', fieldSelector = '' }: Selecting): Selector {
  const requirements = labelSelector === '' ? [] : readLabels(labelSelector);
  const conditions = fieldSelector
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => readField(kind, part.trim(), fieldSelector));
  return {
    namespace,
    everything: requirements.length === 0 && conditions.length === 0,
    matches: (object) => (namespace === undefined || object.metadata.namespace === namespace) && matchesRequirements(requirements, object.metadata.labels) && conditions.every((holds) => holds(object)),
  };
}

function readLabels(text: string): ReturnType<typeof parseSelector> {
  try {
    return parseSelector(text);
  } catch (error) {
    throw badRequest(`unable to parse requirement: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readField({ fields }: Kind, part: string, whole: string): (object: KubernetesObject) => boolean {
  const { name, operator, value } = (/^(?<name>[^=!]+?)(?<operator>!=|==?)(?<value>.*)$/.exec(part)?.groups ?? {}) as Partial<Record<'name' | 'operator' | 'value', string>>;
  if (name === undefined) throw badRequest(`invalid selector: '${whole}'; can't understand '${part}'`);
  const read = METADATA[name] ?? fields?.[name];
  if (read === undefined) throw badRequest(fields === undefined ? `"${name}" is not a known field selector: only "metadata.name", "metadata.namespace"` : `field label not supported: ${name}`);
  return operator === '!=' ? (object) => read(object) !== value : (object) => read(object) === value;
}

const METADATA: Record<string, (object: KubernetesObject) => string> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
};
