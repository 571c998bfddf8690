// Kubernetes objects in files: YAML or JSON, several documents, lists within.

import { loadAllYaml } from '@kubernetes/client-node';
import { apiVersionOf, type KubernetesObject, type Resource } from '../../kubernetes/objects.ts';
import { failed } from '../exit.ts';

export interface FileText {
  path: string;
  text: string;
}

/** @throws VerbEnded (failed) that names the file and the document. */
export function objectsIn({ path, text }: FileText): KubernetesObject[] {
  return documentsIn({ path, text }).flatMap((document, at) => objectsOf(document, `${path}, document ${at + 1}`));
}

function documentsIn({ path, text }: FileText): unknown[] {
  try {
    // Separators at the beginning and the end make empty documents.
    return (loadAllYaml(text) as unknown[]).filter((document) => document !== null && document !== undefined);
  } catch (error) {
    throw failed(`${path} is no YAML: ${firstLine(error instanceof Error ? error.message : String(error))}`);
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function objectsOf(document: unknown, where: string): KubernetesObject[] {
  const object = document as Partial<KubernetesObject> & { items?: unknown };
  if (typeof document !== 'object' || typeof object.kind !== 'string' || typeof object.apiVersion !== 'string') throw failed(`${where} is no Kubernetes object: it has no apiVersion and kind`);
  if (object.kind.endsWith('List') && Array.isArray(object.items)) return object.items.flatMap((item: object, at) => objectsOf({ ...inList(object as { kind: string; apiVersion: string }), ...item }, `${where}, item ${at + 1}`));
  if (typeof object.metadata?.name !== 'string') throw failed(`${where} is a ${object.kind} without metadata.name`);
  return [object as KubernetesObject];
}

/** The items of a typed list do not repeat what they are. */
function inList({ kind, apiVersion }: { kind: string; apiVersion: string }): object {
  return kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
}

export function ofKind<T extends KubernetesObject>(objects: readonly KubernetesObject[], resource: Resource<T>): T[] {
  return objects.filter(({ apiVersion, kind }) => kind === resource.kind && apiVersion === apiVersionOf(resource)) as T[];
}
