// A class's allowedTopologies: where its volumes may be made. Of several terms one has to hold, of one term all; a class without any allows
// all places.

import type { StorageClass } from '../../kubernetes/objects.ts';
import type { Segments } from '../csi/volume-request.ts';

export function isAllowed({ allowedTopologies = [] }: StorageClass, labels: Record<string, string> = {}): boolean {
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? '')));
}

/** Every combination of values, one segment each; undefined where the class does not say. */
export function allowedSegments({ allowedTopologies = [] }: StorageClass): Segments[] | undefined {
  if (allowedTopologies.length === 0) return undefined;
  return allowedTopologies.flatMap(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.reduce<Segments[]>((segments, { key, values }) => segments.flatMap((segment) => values.map((value) => ({ ...segment, [key]: value }))), [{}]),
  );
}
