// The annotation of client-side apply, where somebody goes over to server-side apply: what kubectl applied itself it need not fight for.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { isObject, withField } from '../json.ts';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
/** The only manager that this is done for: another name opts out. */
const MANAGER = 'kubectl';

/** Undefined when there is none, for another manager, and for what cannot be read. */
export function lastApplied(live: KubernetesObject, manager: string): KubernetesObject | undefined {
  const text = live.metadata.annotations?.[ANNOTATION] ?? '';
  if (manager !== MANAGER || text === '') return undefined;
  try {
    const object: unknown = JSON.parse(text);
    return isObject(object) && object.apiVersion === live.apiVersion ? { metadata: {} as KubernetesObject['metadata'], ...object } : undefined;
  } catch {
    return undefined; // It is an annotation like any other, and may say anything.
  }
}

/** The annotation follows, so that client-side apply goes on from here as well. */
export function withLastApplied(object: KubernetesObject, applied: KubernetesObject, manager: string): KubernetesObject {
  if (manager !== MANAGER || (object.metadata.annotations?.[ANNOTATION] ?? '') === '') return object;
  const text = JSON.stringify(withField(applied, ['metadata', 'annotations', ANNOTATION], undefined));
  return withField(object, ['metadata', 'annotations', ANNOTATION], text);
}
