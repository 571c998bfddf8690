// Annotations of the contract on a StatefulSet: the only thing of it that we ever write, at a person's word.

import type { Api } from '../kubernetes/api.ts';
import { statefulSetsOf, type StatefulSet } from '../kubernetes/objects.ts';

/** `null` takes one off. On the very set that was read, unchanged since. @throws ApiError 409 otherwise */
export function annotateSet(api: Api, set: StatefulSet, annotations: Record<string, string | null>, { dryRun }: { dryRun: boolean }): Promise<StatefulSet> {
  const { namespace = '', name, uid, resourceVersion } = set.metadata;
  return api.mergePatch(statefulSetsOf(set.apiVersion ?? ''), { namespace, name }, { metadata: { uid, resourceVersion, annotations } }, { dryRun });
}
